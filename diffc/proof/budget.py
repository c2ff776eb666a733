"""The time that a proof may take: asked for at every step, so that nobody waits longer or without a word.

`limited` sets the budget of all that is checked inside of it. `attempt` makes one check: it tells whoever
watches, says "not reached" once the budget is spent, and turns what SymPy cannot do into "unknown". Loops
over cases, nodes and points call `ask`, which ends them. One call of SymPy, of the compiler or of compiled
code is not interrupted: what is given to SymPy is bounded in size, so that a call takes seconds at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

import sympy

from diffc.errors import DiffcError
from diffc.proof.certificate import Check

__all__ = ["ODD_INPUT", "Progress", "ask", "attempt", "limited"]

ODD_INPUT = (
    sympy.SympifyError,
    sympy.PolynomialError,
    NotImplementedError,
    ArithmeticError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
"""What SymPy raises on what it cannot handle; a verdict is owed even then."""

Progress: TypeAlias = Callable[[str, int], None]
"""Is told of each check before it is made: its kind, and how many were made before."""


class BudgetSpentError(Exception):
    """The budget is spent; `attempt` says so in the certificate."""


@dataclass
class _Budget:
    deadline: float = math.inf
    text: str = ""
    progress: Progress | None = None
    done: int = 0


_budget: ContextVar[_Budget] = ContextVar("budget", default=_Budget())  # noqa: B039


@contextmanager
def limited(seconds: float | None, progress: Progress | None = None) -> Generator[None]:
    """Bound what is done inside, None for no bound; raise `DiffcError` for what is no positive number."""
    if seconds is not None and (isinstance(seconds, bool) or not seconds > 0):
        raise DiffcError(f"budget_s is a number of seconds above 0, or None for no bound, not {seconds!r}")
    deadline = math.inf if seconds is None else monotonic() + seconds
    spent = "" if seconds is None else f"the budget of {seconds:g} s was spent"
    token = _budget.set(_Budget(deadline, spent, progress))
    try:
        yield
    finally:
        _budget.reset(token)


def ask() -> None:
    """Raise `BudgetSpentError` if the time is over."""
    if monotonic() > _budget.get().deadline:
        raise BudgetSpentError


def attempt(kind: str, subject: str, run: Callable[[], Check], *, algebra: bool = False) -> Check:
    """Return the check that `run` makes, or "unreached"; of `algebra` that SymPy cannot handle, "unknown"."""
    budget = _budget.get()
    if budget.progress is not None:
        budget.progress(kind, budget.done)
    budget.done += 1
    try:
        ask()
        return run()
    except BudgetSpentError:
        return Check(kind, subject, "unreached", budget.text)
    except ODD_INPUT as error:
        if not algebra:
            raise
        return Check(kind, subject, "unknown", f"SymPy does not follow: {type(error).__name__}: {error}")
