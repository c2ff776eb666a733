"""Values that are made once, whoever asks first."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from diffc.runtime.once import Once


def test_threads_that_ask_at_once_share_one_value():
    made = []
    start = threading.Barrier(6)

    def make():
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    once = Once(make)

    def ask(_):
        start.wait()
        return once()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, range(6)))
    assert len(made) == 1
    assert all(each is made[0] for each in found)


def test_none_is_a_value():
    calls = []
    once = Once(lambda: calls.append(1))
    assert once() is None
    assert once() is None
    assert calls == [1]


def test_after_a_failure_the_next_one_tries_again():
    results = iter([ValueError("first"), 3])

    def make():
        found = next(results)
        if isinstance(found, Exception):
            raise found
        return found

    once = Once(make)
    with pytest.raises(ValueError, match="first"):
        once()
    assert once() == 3
