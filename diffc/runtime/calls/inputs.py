"""The checked path of a call: arguments by position and name, casts, shapes, symbols, outputs.

Everything here raises `InputError` with the input's name, what was expected and what was given. Arrays
of any layout are accepted and copied where the kernel could not read them; none is ever modified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diffc.abi.signature import NamedType, Signature
from diffc.errors import InputError
from diffc.ir import Extent, Type, dim_symbols, evaluate_extent
from diffc.runtime.calls.memory import empty
from diffc.runtime.store.program import DTYPES

__all__ = ["arrange", "check_outputs", "convert", "extent_value", "make_outputs", "read_symbols"]

_LARGEST = 1 << 60
_DOUBTFUL = frozenset({"u8", "f8", "O"})
"""What NumPy makes of Python integers of which one is too large for i64."""

_KINDS = {"c": "complex numbers are", "O": "Python objects are", "U": "texts are", "S": "byte strings are"}


def arrange(signature: Signature, args: Sequence[object], named: Mapping[str, object]) -> list[object]:
    """Return one value for each input, in order."""
    inputs = signature.inputs
    name = signature.name
    if len(args) > len(inputs):
        raise InputError(f"{name} takes {_inputs(signature)}, {len(args)} values were given")
    values: dict[str, object] = {
        parameter.name: value for parameter, value in zip(inputs, args, strict=False)
    }
    for key, value in named.items():
        if key in values:
            raise InputError(f"{name} got two values for the input {key!r}: one by position, one by name")
        if all(parameter.name != key for parameter in inputs):
            raise InputError(f"{name} has no input {key!r}; it takes {_inputs(signature)}")
        values[key] = value
    missing = [parameter.name for parameter in inputs if parameter.name not in values]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        listed = ", ".join(map(repr, missing[:8])) + (
            f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        )
        # By name, out= is where the result goes.
        hint = "; one named 'out' is given by position" if "out" in missing else ""
        raise InputError(f"{name} misses the input{plural} {listed}; it takes {_inputs(signature)}{hint}")
    return [values[parameter.name] for parameter in inputs]


def _inputs(signature: Signature) -> str:
    inputs = signature.inputs
    if not inputs:
        return "no inputs"
    shown = ", ".join(f"{each.name}: {_type(each.type)}" for each in inputs[:8])
    return shown + (f" and {len(inputs) - 8} more" if len(inputs) > 8 else "")


def _type(kind: Type) -> str:
    return str(kind) if kind.shape else kind.dtype


def convert(parameter: NamedType, value: object) -> NDArray[Any]:
    """Return the value as an aligned, C-contiguous array of the parameter's dtype.

    Python numbers, and lists of them, are cast by NumPy's rule `same_kind`, everything else by `safe`.
    """
    name, target = parameter.name, DTYPES[parameter.type.dtype]
    if type(value) is np.ndarray and value.dtype is target:
        flags = value.flags
        return value if flags.c_contiguous and flags.aligned else value.copy(order="C")
    is_number = isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name}: masked arrays are not supported; fill the masked values first")
    try:
        array = np.asarray(cast(Any, value))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{name}: the value is not an array: {error}") from None
    is_weak = is_number or isinstance(value, (list, tuple))
    symbolic = array.dtype.kind == "O" and _holds_symbolic_numbers(array)
    if target.kind == "i" and array.dtype.str[1:] in _DOUBTFUL and (is_weak or symbolic):
        _check_integers(name, value, target)
    if array.dtype.kind == "O" and isinstance(value, int):
        try:
            array = np.asarray(float(value))
        except OverflowError:
            raise InputError(f"{name}: the integer is too large for {target.name}") from None
    if symbolic:
        array, is_weak = np.array([_number(each) for each in array.flat]).reshape(array.shape), True
    if array.dtype.kind not in "biuf":
        reason = _KINDS.get(array.dtype.kind, f"values of dtype {array.dtype} are")
        raise InputError(
            f"{name}: {reason} not supported (got {_describe(value)}); expected {_type(parameter.type)}"
        )
    rule = "same_kind" if is_weak else "safe"
    is_empty_list = is_weak and array.size == 0
    if not is_empty_list and not np.can_cast(array.dtype, target, rule):
        advice = (
            f"cast it yourself with .astype({target.name!r})" if not is_weak else f"give {_article(target)}"
        )
        raise InputError(
            f"{name}: {array.dtype} cannot be cast to {target.name} by the rule {rule!r}; {advice}"
        )
    with np.errstate(over="ignore"):
        return np.require(array.astype(target, order="C", copy=False), requirements=["C", "A"])


def _check_integers(name: str, value: object, target: np.dtype[Any]) -> None:
    """Refuse integers, among Python numbers or symbolic ones, that the dtype cannot hold."""
    limits = np.iinfo(target)
    for each in np.asarray(value, object).flat:
        if isinstance(each, Integral) and not limits.min <= int(each) <= limits.max:
            raise InputError(f"{name}: the integer {_shown(int(each))} does not fit into {target.name}")


def _shown(number: int) -> str:
    return str(number) if number.bit_length() < 200 else f"of {number.bit_length()} bits"


def _holds_symbolic_numbers(array: NDArray[Any]) -> bool:
    """Tell whether an array holds real numbers of SymPy's, with Python numbers among them or not."""
    others = [each for each in array.flat if not isinstance(each, (int, float))]
    return bool(others) and all(
        getattr(each, "is_number", False) and getattr(each, "is_extended_real", False) for each in others
    )


def _number(value: Any) -> int | float:
    return int(value) if getattr(value, "is_Integer", isinstance(value, int)) else float(value)


def _article(target: np.dtype[Any]) -> str:
    return {"f": "a number", "i": "an integer", "b": "True or False"}[target.kind]


def _describe(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return f"an array of {dtype}" if dtype is not None else f"a value of type {type(value).__name__!r}"


def read_symbols(signature: Signature, arrays: Sequence[NDArray[Any]]) -> dict[str, int]:
    """Return the symbols' values after checking every shape against them."""
    inputs = signature.inputs
    for parameter, array in zip(inputs, arrays, strict=True):
        if array.ndim != parameter.type.rank:
            axes = "axis" if parameter.type.rank == 1 else "axes"
            expected = f"{parameter.type.rank} {axes}" if parameter.type.rank else "a scalar"
            raise InputError(
                f"{parameter.name}: expected {expected} ({_type(parameter.type)}), "
                f"got the shape {array.shape}{_map_advice(parameter, array)}"
            )
    values: dict[str, int] = {}
    source: dict[str, str] = {}
    for symbol, position, axis, factor, offset in signature.bindings:
        length = arrays[position].shape[axis]
        value, remainder = divmod(length - offset, factor)
        if remainder or value < 0:
            extent = inputs[position].type.shape[axis]
            raise InputError(
                f"{inputs[position].name}: axis {axis} must be {extent}, got {length}: no {symbol} fits"
            )
        values[symbol] = value
        source[symbol] = inputs[position].name
    for parameter, array in zip(inputs, arrays, strict=True):
        for axis, (extent, length) in enumerate(zip(parameter.type.shape, array.shape, strict=True)):
            if evaluate_extent(extent, values) != length:
                raise InputError(
                    f"{parameter.name}: axis {axis} must be {_expected(extent, values, source)}, "
                    f"got {length} (the shape is {array.shape})"
                )
    return values


def _map_advice(parameter: NamedType, array: NDArray[Any]) -> str:
    return "; dc.vmap maps a function over arrays" if array.ndim and not parameter.type.rank else ""


def _expected(extent: Extent, values: Mapping[str, int], source: Mapping[str, str]) -> str:
    if isinstance(extent, int):
        return str(extent)
    names = dim_symbols(extent)
    origin = ", ".join(f"{name} = {values[name]} from {source[name]}" for name in names)
    number = evaluate_extent(extent, values)
    return f"{number} ({origin})" if str(extent) in names else f"{number} ({extent}, where {origin})"


def extent_value(extent: Extent, values: Mapping[str, int], what: str) -> int:
    """Return the extent's value; raise `InputError` if it is negative or beyond any memory."""
    number = evaluate_extent(extent, values)
    if not 0 <= number < _LARGEST:
        sizes = ", ".join(f"{name} = {value}" for name, value in values.items())
        reason = "negative" if number < 0 else "too large"
        raise InputError(f"{what} would be {reason} ({extent} = {number}) for {sizes}")
    return number


def make_outputs(signature: Signature, values: Mapping[str, int]) -> list[NDArray[Any]]:
    """Return new arrays for the outputs; raise `InputError` where the memory does not suffice."""
    arrays: list[NDArray[Any]] = []
    for parameter in signature.outputs:
        what = f"the output {parameter.name}"
        shape = tuple(extent_value(extent, values, f"an axis of {what}") for extent in parameter.type.shape)
        extent_value(parameter.type.size * DTYPES[parameter.type.dtype].itemsize, values, what)
        arrays.append(empty(shape, DTYPES[parameter.type.dtype], what))
    return arrays


def check_outputs(
    signature: Signature,
    out: object,
    values: Mapping[str, int],
    inputs: Sequence[object],
    captured: Sequence[object] = (),
) -> list[NDArray[Any]]:
    """Return the arrays that the caller gave for the outputs.

    `inputs` and `captured` are what the inputs and the captured arrays are made of: none may overlap.
    """
    given = cast("tuple[object, ...]", tuple(out) if isinstance(out, (tuple, list)) else (out,))
    if len(given) != len(signature.outputs):
        raise InputError(
            f"out: {signature.name} has {len(signature.outputs)} outputs, {len(given)} arrays were given"
        )
    arrays: list[NDArray[Any]] = []
    for position, (parameter, array) in enumerate(zip(signature.outputs, given, strict=True)):
        name = "out" if len(given) == 1 else f"out[{position}]"
        arrays.append(_check_output(name, parameter, array, values))
    sources = [np.asarray(cast(Any, each)) for each in (*inputs, *captured)]
    names = [f"the input {each.name}" for each in signature.inputs]
    names += [f"{each.name}, which the function refers to" for each in signature.captured]
    for position, array in enumerate(arrays):
        name = "out" if len(given) == 1 else f"out[{position}]"
        for source_name, source in zip(names, sources, strict=True):
            if np.may_share_memory(array, source):
                raise InputError(f"{name} overlaps {source_name}; give a buffer of its own")
        for other in range(position):
            if np.may_share_memory(array, arrays[other]):
                raise InputError(f"{name} overlaps out[{other}]; every output needs a buffer of its own")
    return arrays


def _check_output(name: str, parameter: NamedType, array: object, values: Mapping[str, int]) -> NDArray[Any]:
    dtype = DTYPES[parameter.type.dtype]
    if not isinstance(array, np.ndarray):
        raise InputError(
            f"{name} must be a NumPy array of {dtype.name}, got a value of type {type(array).__name__!r}"
        )
    found = cast("NDArray[Any]", array)
    shape = tuple(extent_value(extent, values, name) for extent in parameter.type.shape)
    if found.dtype != dtype or not found.dtype.isnative:
        raise InputError(f"{name} must have the dtype {dtype.name}, got {found.dtype}")
    if found.shape != shape:
        raise InputError(f"{name} must have the shape {shape} ({_type(parameter.type)}), got {found.shape}")
    if not (found.flags.c_contiguous and found.flags.aligned):
        raise InputError(f"{name} must be C-contiguous and aligned")
    if not found.flags.writeable:
        raise InputError(f"{name} is read-only")
    return found
