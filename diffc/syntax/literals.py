"""Constants and attributes in the IR's text, both ways and exact to the bit.

| value                 | text                                                             |
| --------------------- | ---------------------------------------------------------------- |
| a scalar constant     | `2.0` (f64), `2.0f32`, `2` (i64), `true`, `inf`, `nan`           |
| a NaN of other bits   | `nan:fff8000000000000`, `nanf32:7fc00001`                        |
| a small array         | `[1.0, 2.0]`, its dtype and shape being those of the line's type |
| a large array         | `base64"..."`                                                    |
| an integer, a float   | `2`, `2.0`                                                       |
| an extent             | `2*N-1`                                                          |
| a tuple, a string     | `(1,)`, `"f32"`                                                  |
| a type                | `f64[N, 3]`                                                      |
| bytes                 | `base64"..."`                                                    |
| a graph               | `@0`, the label of a graph printed before                        |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Dim, Graph, Node, Type, parse_extent, parse_type
from diffc.ir.dtype import FLOATS, FORMATS
from diffc.ops import constant
from diffc.ops.base import DTYPES, Array
from diffc.syntax.lexer import range_problem
from diffc.syntax.strings import print_string, read_string

__all__ = [
    "NUMBER",
    "print_array",
    "print_attribute",
    "print_number",
    "read_array",
    "read_atom",
    "read_number",
]

_SMALL = 16
_MAX_DIGITS = 400
_BITS = {name: np.dtype(f"u{FORMATS[name].bytes}") for name in FLOATS}
_QUIET = {name: int(np.asarray(np.nan, DTYPES[name]).view(_BITS[name])) for name in FLOATS}

NUMBER = re.compile(
    r"(?P<nan>nan(?:f32)?(?::[0-9a-f]{1,16})?)(?![\w.])"
    r"|(?P<float>-?(?:inf|[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)(?:f32)?)(?![\w.])"
    r"|(?P<int>-?[0-9]+)(?![\w.])"
    r"|(?P<bool>true|false)(?![\w.])"
)
"""A scalar constant."""

_ITEM = re.compile(r"[^\[\],\s]+")


def print_number(value: Any, dtype: str, suffix: bool = True) -> str:
    """Return the shortest text that reads back to the same bits."""
    if dtype == "bool":
        return "true" if value else "false"
    if dtype == "i64":
        return str(int(value))
    mark = "f32" if dtype == "f32" and suffix else ""
    if np.isnan(value):
        bits = int(np.asarray(value, DTYPES[dtype]).view(_BITS[dtype]))
        return f"nan{mark}" if bits == _QUIET[dtype] else f"nan{mark}:{bits:x}"
    return (repr(float(value)) if dtype == "f64" else str(np.float32(value))) + mark


def read_number(text: str, dtype: str | None = None) -> np.generic:
    """Return a scalar of the dtype that the text states, or of the given one.

    Raises:
        DiffcError: for a text that is no number of that dtype.
    """
    match = NUMBER.fullmatch(text)
    if match is None or len(text) > _MAX_DIGITS:
        raise DiffcError(f"'{text[:40]}' is no number")
    kind = match.lastgroup
    stated = {"bool": "bool", "int": "i64"}.get(str(kind), "f32" if "f32" in text else "f64")
    if dtype is not None and stated != dtype and not (stated == "f64" and dtype == "f32"):
        raise DiffcError(f"'{text}' is no {dtype}")
    dtype = dtype or stated
    if kind == "bool":
        return np.bool_(text == "true")
    if kind == "int":
        if not -(2**63) <= int(text) < 2**63:
            raise DiffcError(f"the integer {text} does not fit into 64 bits")
        return np.int64(int(text))
    if kind == "nan":
        return _read_nan(text, dtype)
    digits = text.removesuffix("f32")
    problem = None if "inf" in digits else range_problem(digits.removeprefix("-"))
    with np.errstate(all="ignore"):
        value = DTYPES[dtype](digits)
    if problem is not None or (np.isinf(value) and "inf" not in digits):
        raise DiffcError(problem or f"the number {digits[:40]} is too large for {dtype}")
    return value


def _read_nan(text: str, dtype: str) -> np.generic:
    bits = int(text.partition(":")[2] or f"{_QUIET[dtype]:x}", 16)
    if bits >= 1 << 8 * FORMATS[dtype].bytes:
        raise DiffcError(f"the bits of '{text}' are too many for {dtype}")
    value = np.frombuffer(np.asarray(bits, _BITS[dtype]).tobytes(), DTYPES[dtype])[0]
    if not np.isnan(value):
        raise DiffcError(f"the bits of '{text}' are not those of a NaN")
    return value


def print_array(array: Array, dtype: str) -> str:
    """Return a constant array's text; its shape and dtype stand in the line's type."""
    if array.size > _SMALL:
        return print_bytes(array.tobytes())
    numbers = [print_number(value, dtype, suffix=False) for value in array.ravel()]
    return _bracketed(numbers, array.shape)


def _bracketed(items: list[str], shape: tuple[int, ...]) -> str:
    if not items:
        return "[]"
    for extent in reversed(shape):
        items = [f"[{', '.join(items[k : k + extent])}]" for k in range(0, len(items), extent)]
    return items[0]


def read_array(text: str, type_: Type) -> Node:
    """Return the constant of a text that `print_array` gave; raise `DiffcError`."""
    shape = tuple(extent for extent in type_.shape if isinstance(extent, int))
    if len(shape) < type_.rank:
        raise DiffcError(f"a constant of the symbolic type {type_}")
    if text.startswith("base64"):
        data = read_bytes(text)
        if len(data) != np.dtype(DTYPES[type_.dtype]).itemsize * int(str(type_.size)):
            raise DiffcError(f"{len(data)} bytes do not fit {type_}")
        return constant(np.frombuffer(data, DTYPES[type_.dtype]).reshape(shape), type_.dtype)
    items: list[str] = _ITEM.findall(text)
    if len(items) != type_.size or _ITEM.sub("v", _spaceless(text)) != _spaceless(
        _bracketed(["v"] * len(items), shape)
    ):
        raise DiffcError(f"the constant does not have the shape of {type_}")
    # Joined as bytes: a conversion could change the bits of a NaN.
    data = b"".join([read_number(each, type_.dtype).tobytes() for each in items])
    return constant(np.frombuffer(data, DTYPES[type_.dtype]).reshape(shape), type_.dtype)


def _spaceless(text: str) -> str:
    return re.sub(r"\s+", "", text)


def print_bytes(data: bytes) -> str:
    """Return bytes as `base64"..."`."""
    return f'base64"{base64.b64encode(data).decode()}"'


def read_bytes(text: str) -> bytes:
    """Return the bytes of `base64"..."`; raise `DiffcError`."""
    try:
        return base64.b64decode(text.removeprefix("base64").strip('"'), validate=True)
    except (ValueError, binascii.Error):
        raise DiffcError("the base64 text is damaged") from None


def print_attribute(value: Any, label: Callable[[Graph], str]) -> str:
    """Return an attribute's text; `label` gives that of a nested graph.

    Tuples nest no deeper here than the node's digest allowed.
    """
    match value:
        case bool() | float():
            return print_number(value, "bool" if isinstance(value, bool) else "f64")
        case tuple():
            items = [print_attribute(each, label) for each in cast(tuple[Any, ...], value)]
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case str():
            return print_string(value)
        case bytes():
            return print_bytes(value)
        case Graph():
            return label(value)
        case int() | Type():
            return str(value)
        case Dim():
            # A symbol may bear the name of a number; a sum cannot be taken for one.
            return f"{value}+0" if NUMBER.fullmatch(str(value)) else str(value)
        case _:
            raise TypeProblem(f"an attribute of type {type(value).__name__} has no text form")


def read_atom(text: str) -> Any:
    """Return the value of an attribute that is neither a tuple nor a graph; raise `DiffcError`."""
    if text.startswith('"'):
        return read_string(text)
    if text.startswith("base64"):
        return read_bytes(text)
    if "[" in text:
        return parse_type(text)
    if NUMBER.fullmatch(text):
        return read_number(text).item() if not text.startswith("nan") else float(read_number(text))
    return parse_extent(text)
