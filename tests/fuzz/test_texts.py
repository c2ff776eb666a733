"""A fixed run of mutated texts, and texts that once raised what is no DiffcError or took for ever."""

from __future__ import annotations

import random
from time import monotonic

import pytest

import diffc as dc
from tests.fuzz import texts
from tests.fuzz.texts import FAMILIES, fuzz_texts, mutated


@pytest.mark.parametrize("family", FAMILIES)
def test_mutated_texts_are_taken_or_refused(family):
    summary = fuzz_texts(5, count=60 if family == "command" else 250, families=[family])
    assert not summary.failures, "\n\n".join(map(str, summary.failures))
    assert sum(summary.outcomes[family].values()) >= 60


def test_a_seed_names_its_texts():
    corpus = FAMILIES["formula"].corpus()
    first, second = ([mutated(random.Random(k), corpus[0], corpus) for k in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 30


def test_what_is_no_diffc_error_is_found(monkeypatch):
    def broken(text, rng):
        return str({}[text])

    monkeypatch.setitem(texts.FAMILIES, "formula", texts.Family(lambda: ["x + 1"], broken))
    summary = fuzz_texts(count=2, families=["formula"])
    assert [each.problem.split(":")[0] for each in summary.failures] == ["KeyError", "KeyError"]


@pytest.mark.parametrize(
    "text",
    ["x.", "0.5.", "reshape([0], [N, 1])*x", "linspace(0, y, 9999999999999999999999999)", "zeros(10**30)",
     "softmax(x, axes=3)", "eye(10**25)", "x[99999999999999999999:]", "arange(2**63)", "einsum(x)",
     "cumsum(axis=axis=0, keepdims=True)", "sum(x, axis=keepdims=True)"],
)  # fmt: skip
def test_texts_that_are_refused(text):
    with pytest.raises(dc.DiffcError):
        dc.parse(text)


@pytest.mark.parametrize(
    "text",
    ["x" + "**-0.5" * 3000, "9.81" + "*81" * 3000 + "*x", "0.1" + "/3" * 3000 + "+x",
     "x[" * 20_000 + "0" + "]" * 20_000, "-" * 20_000 + "x"],
    ids=["powers", "products", "quotients", "indices", "signs"],
)  # fmt: skip
def test_long_texts_take_time_that_grows_with_their_length(text):
    start = monotonic()
    dc.parse(text, inputs={"x": "i64[5]" if "[" in text else "f64"})
    assert monotonic() - start < 15
