"""A plain function that is trained: its types are read from the parameters and the data."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.functions.function import Function
from diffc.functions.python.function import trace
from diffc.ir import Type, parse_type

__all__ = ["as_function"]

_SAMPLES = "N"
_DTYPES = {"f": "f64", "i": "i64", "u": "i64", "b": "bool"}


def as_function(function: Any, parameters: Mapping[str, Any], data: Mapping[str, Any]) -> Function:
    """Return a Function as it is, a plain function traced for these parameters and data, given by its names.

    Data of which most have the same number of rows have a row a sample, so that any number of them will do;
    what has another number, or none, is the same for every sample.

    Raises:
        InputError: for anything else, for an argument that nothing gives, and for what is no array.
    """
    if isinstance(function, Function):
        return function
    if not callable(function):
        raise InputError(
            f"fit takes a Function or a plain function, not {function!r:.60}; dc.parse makes one of a formula"
        )
    plain = getattr(function, "__wrapped__", function)
    taken = inspect.signature(plain).parameters.values()
    given = {name: _array(name, value) for name, value in {**parameters, **data}.items()}
    missing = [each.name for each in taken if each.name not in given and each.default is each.empty]
    if missing or any(each.kind in (each.VAR_POSITIONAL, each.POSITIONAL_ONLY) for each in taken):
        raise InputError(
            f"{plain.__name__}: each argument is a parameter or data of its name; none is called "
            f"{', '.join(missing)} (there are {', '.join(given)})"
        )
    samples = Counter(given[name].shape[:1] for name in data if given[name].ndim).most_common(1)
    types: dict[str, Type] = {}
    for name in (each.name for each in taken if each.name in given):
        array = given[name]
        dtype = "f64" if name in parameters else _DTYPES[array.dtype.kind]
        extents = list(map(str, array.shape))
        if name in data and samples and array.shape[:1] == samples[0][0]:
            extents[0] = _SAMPLES
        types[name] = parse_type(f"{'f32' if array.dtype == np.float32 else dtype}[{', '.join(extents)}]")
    return trace(plain, **types)


def _array(name: str, value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in _DTYPES:
        raise InputError(f"{name}: numbers are needed, not {array.dtype}")
    return array
