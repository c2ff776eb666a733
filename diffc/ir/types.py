"""Types: a dtype and a shape of extents, or a tuple of types.

`f64` and `f64[]` are one type. Shapes follow NumPy's broadcasting, except that a symbolic extent
never broadcasts as 1: `N` goes with `N` and with the integer 1 alone.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from diffc.errors import DiffcError, TypeProblem
from diffc.ir.dim import Extent, size_of
from diffc.ir.dtype import FORMATS, SPELLINGS, is_float
from diffc.ir.extent_text import parse_extent

__all__ = ["AnyType", "Type", "TupleType", "broadcast_shapes", "parse_type", "promote"]

_TYPE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\[(.*)\])?\s*\Z", re.DOTALL)
_MAX_RANK = 16


class Type:
    """The type of an array: `dtype` is one of f64, f32, i64, bool; `shape` a tuple of extents."""

    __slots__ = ("_hash", "_text", "dtype", "shape")

    def __init__(self, dtype: str, shape: tuple[Extent, ...] = ()) -> None:
        """Make a type; raise `TypeProblem` for another dtype or a negative extent."""
        if dtype not in FORMATS:
            raise TypeProblem(f"the dtype {dtype!r} is not supported: use f64, f32, i64 or bool")
        if len(shape) > _MAX_RANK:
            raise TypeProblem(f"an array has at most {_MAX_RANK} axes, this one {len(shape)}")
        for extent in shape:
            if isinstance(extent, int) and extent < 0:
                raise TypeProblem(f"an extent is negative: {extent}")
        self.dtype = dtype
        self.shape = shape
        inside = ", ".join(map(str, shape))
        self._text = f"{dtype}[{inside}]"
        self._hash = hash(self._text)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Type) and self._text == other._text)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Type({self._text!r})"

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> Extent:
        """The number of elements."""
        return size_of(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the values are real numbers, so that derivatives exist."""
        return is_float(self.dtype)

    def with_shape(self, shape: tuple[Extent, ...]) -> Type:
        """Return the type of this dtype and another shape."""
        return Type(self.dtype, shape)

    def with_dtype(self, dtype: str) -> Type:
        """Return the type of this shape and another dtype."""
        return Type(dtype, self.shape)


class TupleType:
    """The type of an operation with several results, read by the operation `item`."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[AnyType, ...]) -> None:
        """Make the type of a tuple with these types."""
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleType) and self.items == other.items

    def __hash__(self) -> int:
        return hash(self.items)

    def __str__(self) -> str:
        return "(" + ", ".join(map(str, self.items)) + ")"

    __repr__ = __str__


AnyType: TypeAlias = Type | TupleType


def parse_type(text: str) -> Type:
    """Read `f64`, `f64[]`, `f32[N, 10]`, `i64[N-1]`; NumPy's names of the dtypes serve as well."""
    match = _TYPE.match(text)
    if match is None:
        raise DiffcError(f"cannot read the type {text!r}: write f64, f32[N], f64[N, 10], i64[] or bool[N]")
    dtype, inside = match.group(1), match.group(2)
    dtype = SPELLINGS.get(dtype, dtype)
    if dtype not in FORMATS:
        reason = "complex numbers are not supported" if dtype.startswith("c") else "it is not supported"
        raise DiffcError(f"the dtype {dtype!r} in {text!r}: {reason}; use f64, f32, i64 or bool")
    if inside is None or not inside.strip():
        return Type(dtype)
    return Type(dtype, tuple(parse_extent(part) for part in inside.split(",")))


def promote(*dtypes: str) -> str:
    """Return NumPy 2's common dtype: bool < i64 < f64, f32 with f32; i64 with f32 gives f64."""
    kinds = set(dtypes)
    if kinds == {"f32"} or kinds == {"f32", "bool"}:
        return "f32"
    if kinds & {"f64", "f32"}:
        return "f64"
    return "i64" if "i64" in kinds else "bool"


def broadcast_shapes(*shapes: tuple[Extent, ...]) -> tuple[Extent, ...] | None:
    """Return the shape that all broadcast to, or None. A symbol goes with itself and with 1 only."""
    result: list[Extent] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        offset = len(result) - len(shape)
        for axis, extent in enumerate(shape, offset):
            if extent == 1 and isinstance(extent, int):
                continue
            if result[axis] == 1:
                result[axis] = extent
            elif result[axis] != extent:
                return None
    return tuple(result)
