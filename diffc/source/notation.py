"""How numbers, extents, indices and scalar operations are written in generated source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from diffc.ir import Extent
from diffc.ir.dim import extent_terms
from diffc.ir.dtype import FORMATS
from diffc.ir.terms import signed_terms
from diffc.loops.places import Affine
from diffc.ops.monoid import ACCUMULATIONS

__all__ = ["NUMPY", "accumulated", "extent_text", "identity", "number", "sum_text"]

NUMPY = {name: f"np.{each.numpy}" for name, each in FORMATS.items()}


def number(value: float, dtype: str) -> str:
    """Return a number of a dtype, in parentheses where it has a sign."""
    if dtype == "bool":
        return str(bool(value))
    if dtype == "i64":
        return _signed(str(int(value)))
    return _float(value, dtype) if dtype == "f32" else _signed(_float(value, dtype))


def _float(value: float, dtype: str) -> str:
    text = "np.nan" if math.isnan(value) else repr(float(value)).replace("inf", "np.inf")
    return f"np.float32({text})" if dtype == "f32" else text


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def identity(how: str, dtype: str) -> str:
    """Return the number with which an accumulation begins."""
    start = ACCUMULATIONS[how].identity(dtype)
    if dtype in ("f64", "f32"):
        return _float(start, dtype)
    # The digits of the smallest i64 alone are more than an i64 holds.
    return f"np.int64({start})" if start < 0 else str(start)


def accumulated(how: str, total: str, operands: Sequence[str]) -> str:
    """Return the next value of an accumulator."""
    return ACCUMULATIONS[how].source.format(total, *operands)


def extent_text(extent: Extent, symbols: Mapping[str, str]) -> str:
    """Return an extent: a number, a name, or a polynomial without parentheses around it."""
    return sum_text(Affine(extent), symbols, {})


def sum_text(affine: Affine, symbols: Mapping[str, str], dynamic: Mapping[int, str]) -> str:
    """Return an affine form as a sum, what is added before what is subtracted."""
    parts: list[tuple[bool, str]] = []
    for axis, factor in affine.terms:
        parts.append(_scaled(factor, str(axis), symbols))
    if affine.dynamic is not None:
        parts.append((False, dynamic[affine.dynamic.number]))
    parts += signed_terms(extent_terms(affine.constant), symbols)
    if not parts:
        return "0"
    parts.sort(key=lambda part: part[0])
    text = "".join(f" {'-' if negative else '+'} {part}" for negative, part in parts)
    return text[3:] if text.startswith(" + ") else f"-{text[3:]}"


def _scaled(factor: Extent, name: str, symbols: Mapping[str, str]) -> tuple[bool, str]:
    if isinstance(factor, int):
        return factor < 0, name if abs(factor) == 1 else f"{abs(factor)}*{name}"
    monomials = signed_terms(extent_terms(factor), symbols)
    if len(monomials) == 1:
        negative, text = monomials[0]
        return negative, f"{text}*{name}"
    return False, f"({extent_text(factor, symbols)})*{name}"
