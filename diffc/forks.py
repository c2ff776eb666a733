"""What a forked child finds: no lock that a thread holds which it does not have, no module half imported.

A fork copies the memory of all threads, and one of them. Locks within diffc are `Lock`s, which are open in a
child: each guards steps after any of which the data are sound. What cannot be left in the middle of anything,
such as LLVM, has a lock that the fork itself holds, having waited for it. It waits for imports, too: Python's
own locks of modules stay held in a child for ever.
"""

from __future__ import annotations

import _thread
import os
import sys
import time

# The name that type checkers know, without the time that importing `typing` takes.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any

__all__ = ["Lock", "hold"]

_PATIENCE = 10.0
"""A fork waits so many seconds for imports in other threads, which may wait for the thread that forks."""

_PACKAGES = ("diffc.", "numpy.", "llvmlite.", "numba.", "scipy.", "sympy.", "mpmath.", "threadpoolctl.")
"""What diffc imports when it needs it."""

_generation = 0
_holding: list[AbstractContextManager[Any]] = []


class Lock:
    """A lock that nobody holds in a forked child, but who forked it."""

    def __init__(self) -> None:
        """Make an open lock."""
        self._locks: dict[int, _thread.LockType] = {}
        self._held: list[_thread.LockType] = []

    def __enter__(self) -> None:
        lock = self._locks.get(_generation) or self._locks.setdefault(_generation, _thread.allocate_lock())
        lock.acquire()
        self._held.append(lock)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.pop().release()


def hold(lock: AbstractContextManager[Any]) -> None:
    """Have every fork wait for a lock, and hold it meanwhile: the last one first."""
    _holding.append(lock)


_taken = _thread._local()  # pyright: ignore[reportPrivateUsage]


def _before() -> None:
    """Take the locks that are held, at a moment at which no other thread imports what diffc needs."""
    end = time.monotonic() + _PATIENCE
    while True:
        taken = list(_holding)
        for each in taken:
            each.__enter__()
        if not _others_import() or time.monotonic() > end:
            _taken.locks = taken
            return
        # An import may need LLVM itself.
        _give(taken)
        time.sleep(0.001)


def _others_import() -> bool:
    """Tell whether another thread imports a module of those packages, by Python's locks of modules."""
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    me = _thread.get_ident()
    for name, reference in list(locks.items()):
        owner = getattr(reference(), "owner", None)
        if owner not in (None, me) and f"{name}.".startswith(_PACKAGES):
            return True
    return False


def _give(taken: list[AbstractContextManager[Any]]) -> None:
    for each in reversed(taken):
        each.__exit__(None, None, None)


def _after_in_parent() -> None:
    _give(_taken.__dict__.pop("locks", []))  # none where this file was imported while its parent forked


def _after_in_child() -> None:
    global _generation
    _generation += 1
    _give(_taken.__dict__.pop("locks", []))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
