"""What symbols must satisfy for a program to make sense: polynomials that must not be negative.

`x[5]` of an array of extent N needs N - 6 >= 0, and the largest of N elements N - 1 >= 0. Of integers that is
known while a program is built. Of symbols it is demanded there, kept by the graph whatever becomes of the
values that asked for it, and checked at each call before anything is read. So nothing is decided by a
symbol's value before that is known, and a comparison that cannot be decided is never taken to be false.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from diffc.errors import TypeProblem
from diffc.ir.dim import Dim, Extent, dim_symbols, evaluate_extent, extent_terms, may_be_negative
from diffc.ir.node import Node, topological

__all__ = [
    "Recorder", "Requirement", "note", "recording", "require", "require_other", "required_by", "strongest",
    "shown", "unmet",
]  # fmt: skip


class Requirement(NamedTuple):
    """A polynomial that must not be negative, and what is wrong where it is."""

    extent: Extent
    problem: str


class Recorder:
    """What is demanded while a front end builds a program, by values that end up in it and by others."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.nodes: dict[Node, None] = {}
        self.demanded: list[Requirement] = []

    def requirements(self, name: str, symbols: Iterable[str]) -> tuple[Requirement, ...]:
        """Return the requirements on these symbols, the strongest of those that differ by a number.

        They bear the name of the user's function, whatever is derived of it.
        """
        known = set(symbols)
        found = [*self.demanded, *required_by(topological(self.nodes))]
        kept = strongest(each for each in found if known.issuperset(dim_symbols(each.extent)))
        return tuple(Requirement(extent, f"{name}: {problem}") for extent, problem in kept)


_active: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Generator[Recorder]:
    """Record what is demanded in the body, for a program of its own."""
    recorder = Recorder()
    token = _active.set(recorder)
    try:
        yield recorder
    finally:
        _active.reset(token)


def note(node: Node) -> None:
    """Record a value that a user's program computes: what it demands holds, whatever becomes of it."""
    recorder = _active.get()
    if recorder is not None:
        recorder.nodes[node] = None


def require(extent: Extent, problem: str) -> None:
    """Demand that an extent is not negative: of an integer now, of a polynomial at each call.

    A rewrite, which runs while nothing is recorded, builds again what was demanded before.

    Raises:
        TypeProblem: with the problem, where it is an integer and negative.
    """
    if isinstance(extent, int):
        if extent < 0:
            raise TypeProblem(problem)
        return
    recorder = _active.get()
    if recorder is not None:
        recorder.demanded.append(Requirement(extent, problem))


def require_other(extent: Extent, value: Extent, problem: str) -> None:
    """Demand that an extent has not a value, such as 1: the square of the difference is at least 1."""
    difference = extent - value
    require(difference * difference - 1, problem)


def required_by(nodes: Iterable[Node]) -> Iterator[Requirement]:
    """Yield what nodes demand: that no extent is negative, and what their operations say."""
    for node in nodes:
        shape: tuple[Extent, ...] = getattr(node.anytype, "shape", ())
        for axis, extent in enumerate(shape):
            if isinstance(extent, Dim):
                yield Requirement(extent, f"axis {axis} of {node.op.name} has the extent {extent}")
        for each in node.op.requirements(node):
            yield Requirement(*each)


def strongest(found: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Return the requirements that can fail; of some that differ by a number the one that implies all."""
    kept: dict[tuple[object, ...], tuple[int, Requirement]] = {}
    for each in found:
        if not may_be_negative(each.extent):
            continue
        terms = dict(extent_terms(each.extent))
        constant = terms.pop((), 0)
        key = tuple(sorted(terms.items()))
        if key not in kept or constant < kept[key][0]:
            kept[key] = (constant, each)
    return tuple(each for _, each in kept.values())


def shown(node: Node) -> str:
    """Return how an array is called in a message: its type, with its name where it is an input."""
    # Inside another trace an input's name ends in its depth.
    name = f"{node.attrs['name'].partition('@')[0]}: " if node.op.name == "input" else ""
    return f"{name}{node.anytype}"


def unmet(requirements: Iterable[Requirement], value: Mapping[str, int]) -> str | None:
    """Return what is wrong with the first requirement that these values of the symbols do not meet."""
    return next((each.problem for each in requirements if evaluate_extent(each.extent, value) < 0), None)
