"""What the parser yields: an expression as a flat postfix program.

The instructions run from first to last on a stack of values; each pops its operands, which were
pushed in the order of the text, and pushes one result. One value remains at the end. Nothing
that reads a program needs recursion, however deeply the text was nested:

    a + 2*sum(x, axis=0)      Load a, Literal 2, Load x, Literal 0,
                              Apply sum 1 ("axis",), Apply mul 2, Apply add 2

| instruction                        | pops                                 | pushes               |
| ---------------------------------- | ------------------------------------ | -------------------- |
| `Literal(value)`                   |                                      | the number           |
| `Load(name)`                       |                                      | the name's value     |
| `Apply(function, count, keywords)` | `count`, then one a keyword          | the function's value |
| `Collect(kind, count)`             | `count`                              | a list or a tuple    |
| `Slice(present)`                   | those of start, stop, step present   | a slice              |
| `Index(count)`                     | the array, then `count` subscripts   | the part             |

Operators are `Apply` with the name of their operation: `add sub mul div pow matmul neg lt le gt ge
eq ne and or not`, so that `a + b` and `add(a, b)` are one program. A unary plus leaves no trace.
`x.T` is `Apply("transpose", 1)`. Other functions keep the name that the text uses; whether it
exists is for the reader of the program to say. A minus sign is always an `Apply` of `neg`, also
before a number: `-2` is `Literal 2, Apply neg 1`. `Slice` stands only before an `Index`; `pi`, `e`,
`inf` and `nan` are plain `Load`s here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

from diffc.ir.lazy import lazy

__all__ = ["Apply", "Collect", "Index", "Instruction", "Literal", "Load", "ParsedProgram", "Slice"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a truth value, `None`, a string, or `...` (which stands only in a subscript)."""

    value: int | float | bool | str | EllipsisType | None
    position: int


@dataclass(frozen=True, slots=True)
class Load:
    """A name that is not called."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or an operator: `count` positional operands, then one for each keyword, in order."""

    function: str
    count: int
    keywords: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Collect:
    """`[a, b]`, of kind "list", or `a, b` and `(a, b)`, of kind "tuple"."""

    kind: str
    count: int
    position: int


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step`, of which the text gives those marked as present."""

    present: tuple[bool, bool, bool]
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    """`x[i, j]`: the array and `count` subscripts."""

    count: int
    position: int


Instruction: TypeAlias = Literal | Load | Apply | Collect | Slice | Index


@dataclass(frozen=True)
class ParsedProgram:
    """An expression: its text and its instructions. Every `position` is an offset in `text`."""

    text: str
    code: tuple[Instruction, ...]

    @lazy
    def names(self) -> dict[str, int]:
        """The names that the text loads, in order of appearance, with where each appears first."""
        found: dict[str, int] = {}
        for step in self.code:
            if isinstance(step, Load):
                found.setdefault(step.name, step.position)
        return found
