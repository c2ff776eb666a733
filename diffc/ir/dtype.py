"""The dtypes and the number format of each: the one table from which every other is derived.

The code generators spell these formats in their own ways (LLVM's `double`, BLAS' `d`), and say so themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLOATS", "FORMATS", "ITEM_SIZE", "SPELLINGS", "Format", "is_float"]


@dataclass(frozen=True)
class Format:
    """How the numbers of one dtype are stored, and how finely they divide the reals."""

    bytes: int
    numpy: str
    """NumPy's name of the scalar type."""
    is_float: bool = False
    """Whether the values are real numbers, so that derivatives exist."""
    epsilon: float = 0.0
    """The distance from 1 to the next number; 0 for integers, which are never rounded."""
    largest: float = 1.0
    """The largest finite number."""
    spellings: tuple[str, ...] = ()
    """What else a user may write for it."""


FORMATS = {
    "f64": Format(8, "float64", True, 2.0**-52, (2 - 2.0**-52) * 2.0**1023, ("float64", "double", "float")),
    "f32": Format(4, "float32", True, 2.0**-23, (2 - 2.0**-23) * 2.0**127, ("float32",)),
    "i64": Format(8, "int64", largest=2**63 - 1, spellings=("int64", "int")),
    "bool": Format(1, "bool_"),
}

FLOATS = tuple(name for name, each in FORMATS.items() if each.is_float)
ITEM_SIZE = {name: each.bytes for name, each in FORMATS.items()}
SPELLINGS = {text: name for name, each in FORMATS.items() for text in each.spellings}


def is_float(dtype: str) -> bool:
    """Tell whether the values are real numbers, so that derivatives exist."""
    return FORMATS[dtype].is_float
