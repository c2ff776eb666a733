"""Reshaped values: a tied axis that is split or merged takes its axis of the basis along."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.autodiff.ties import Term, Tie
from diffc.ir import Extent, size_of
from diffc.ops.reshaping import reshape

__all__ = ["regrouped"]


def regrouped(given: Term, shape: tuple[Extent, ...]) -> Term:
    """Return the term of the reshaped value."""
    places = {tie.axis: k for k, tie in enumerate(given.ties) if tie is not None}
    moves: dict[int, int] = {}
    runs: dict[int, tuple[int, list[int]]] = {}  # from which basis axis on how many become which new axes
    loose: list[int] = []
    for before, after in _groups(given.shape, shape):
        long = [axis for axis in before if given.shape[axis] != 1]
        new = [axis for axis in after if shape[axis] != 1]
        tied = [axis for axis in long if axis in places]
        if len(tied) == len(long) == len(new) == 1:
            moves[tied[0]] = new[0]
        elif tied and _is_run(given, [places.get(axis, -1) for axis in long]):
            runs[places[long[0]]] = (len(long), new)
        else:
            loose += tied
    term = given.untied(loose)
    basis, ties, free = list[Extent](), list[Tie | None](), list[Extent]()
    k = 0
    while k < len(term.basis):
        count, new = runs.get(k, (1, []))
        tie = term.ties[k]
        basis += [shape[axis] for axis in new] if new else [term.basis[k]]
        ties += [Tie(axis) for axis in new] if new else [tie and Tie(moves[tie.axis], tie.place)]
        free += [1] * len(new) if new else [term.free[k]]
        k += count
    core = reshape(term.core, term.ordered(free, shape))
    return Term(core, tuple(basis), tuple(ties), term.basis_last)


def _is_run(term: Term, places: Sequence[int]) -> bool:
    """Tell whether these axes of the basis follow each other, each one tied as it was at the start."""
    if list(places) != list(range(places[0], places[0] + len(places))) or places[0] < 0:
        return False
    ties = [term.ties[k] for k in places]
    return all(
        tie is not None and tie.place == 0 and term.shape[tie.axis] == term.basis[k]
        for k, tie in zip(places, ties, strict=True)
    )


def _groups(old: tuple[Extent, ...], new: tuple[Extent, ...]) -> list[tuple[range, range]]:
    """Return the smallest runs of old axes and of new ones that hold the same elements."""
    groups: list[tuple[range, range]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        a, b = i, j
        i, j = min(i + 1, len(old)), min(j + 1, len(new))
        while size_of(old[a:i]) != size_of(new[b:j]):
            short = _is_short(size_of(old[a:i]), size_of(new[b:j]))
            if (short and i < len(old)) or j == len(new):
                if i == len(old):
                    return [(range(len(old)), range(len(new)))]
                i += 1
            else:
                j += 1
        groups.append((range(a, i), range(b, j)))
    return groups


def _is_short(old: Extent, new: Extent) -> bool:
    """Tell whether the run of old axes holds fewer elements, as far as that is known."""
    if isinstance(old, int) and isinstance(new, int):
        return old < new
    return isinstance(old, int)
