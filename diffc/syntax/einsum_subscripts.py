"""The subscripts of einsum: `ij,jk->ik`, `...ii`, and lists of integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffc.errors import TypeProblem

__all__ = ["Subscripts", "read_subscripts"]

Names = list[Any]
"""Letters or integers, and at most one `...`."""


@dataclass(frozen=True)
class Subscripts:
    """The labels of each operand's axes and of the result's; without those of the result, NumPy's rule."""

    operands: list[Names]
    result: Names | None

    def expand(self, ranks: Sequence[int]) -> Subscripts:
        """Return the subscripts with integers for labels, with those that `...` stands for."""
        if len(ranks) != len(self.operands):
            raise TypeProblem(f"einsum: {len(self.operands)} subscripts for {len(ranks)} operands")
        hidden = [
            rank - len(names) + 1 if ... in names else 0
            for rank, names in zip(ranks, self.operands, strict=True)
        ]
        most = max(hidden, default=0)
        for rank, names, more in zip(ranks, self.operands, hidden, strict=True):
            if more < 0 or (... not in names and len(names) != rank):
                raise TypeProblem(f"einsum: {_shown(names)} does not fit an operand with {rank} axes")
        letters = sorted({each for names in self.operands for each in names if each is not ...})
        numbers = {letter: k + most for k, letter in enumerate(letters)}
        result = self._implicit(most) if self.result is None else self.result
        if ... not in result and most and self.result is not None:
            raise TypeProblem("einsum: the output lacks the '...' of the operands")
        unknown = [each for each in result if each is not ... and each not in numbers]
        if unknown:
            raise TypeProblem(f"einsum: {_shown(unknown)} of the output is in no operand")
        # The axes of '...' are counted from the last.
        return Subscripts(
            [
                _numbered(names, numbers, most, more)
                for names, more in zip(self.operands, hidden, strict=True)
            ],
            _numbered(result, numbers, most, most),
        )

    def _implicit(self, most: int) -> Names:
        """Return the labels that occur once, sorted, behind those of `...`."""
        listed = [each for names in self.operands for each in names if each is not ...]
        once = sorted(each for each in set(listed) if listed.count(each) == 1)
        return [..., *once] if most else once


def _numbered(names: Names, numbers: dict[Any, int], most: int, more: int) -> list[int]:
    result: list[int] = []
    for each in names:
        result.extend(range(most - more, most) if each is ... else [numbers[each]])
    return result


def _shown(names: Names) -> str:
    return repr("".join("..." if each is ... else str(each) for each in names))


def read_subscripts(arguments: Sequence[Any]) -> tuple[Subscripts, list[Any]]:
    """Return subscripts and operands of a call: `("ij,jk", a, b)` or `(a, [0, 1], b, [1, 2], [0, 2])`.

    Raises:
        TypeProblem: for a text that is none.
    """
    if not arguments:
        raise TypeProblem("einsum: subscripts and operands are missing")
    if isinstance(arguments[0], str):
        text = arguments[0].replace(" ", "")
        inputs, arrow, output = text.partition("->")
        return (
            Subscripts([_letters(each) for each in inputs.split(",")], _letters(output) if arrow else None),
            list(arguments[1:]),
        )
    pairs = len(arguments) // 2
    operands = [_integers(each) for each in arguments[1 : 2 * pairs : 2]]
    result = _integers(arguments[-1]) if len(arguments) % 2 else None
    return Subscripts(operands, result), list(arguments[0 : 2 * pairs : 2])


def _letters(text: str) -> Names:
    before, dots, after = text.partition("...")
    names: Names = [*before, *([...] if dots else []), *after]
    for each in names:
        if each is not ... and not (each.isascii() and each.isalpha()):
            raise TypeProblem(f"einsum: {each!r} in {text!r} is no letter")
    return names


def _integers(labels: Any) -> Names:
    if not isinstance(labels, list | tuple):
        raise TypeProblem("einsum: write einsum('ij,jk->ik', a, b) or einsum(a, [0, 1], b, [1, 2], [0, 2])")
    each_label: Sequence[Any] = labels
    return [each if each is ... else each.__index__() for each in each_label]
