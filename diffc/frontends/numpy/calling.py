"""Calls of NumPy functions on nodes: the builder is looked up, and what it refuses is said clearly."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy.registry import BUILDERS, REFUSED
from diffc.frontends.numpy.ufuncs import apply_ufunc
from diffc.syntax.suggestions import nearest

__all__ = ["call_function", "checked_arguments", "name_of"]


def name_of(function: Any) -> str:
    """Return the name by which a user calls a NumPy function: `numpy.linalg.solve`."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{getattr(function, '__name__', function)}"


def call_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what the builder of a NumPy function gives.

    Raises:
        TypeProblem: for a function without a builder, with the nearest one that has one, or for an argument
            that the builder does not take.
    """
    keepdims = kwargs.get("keepdims", False)
    if not isinstance(keepdims, bool | np.bool_ | int) and repr(keepdims) != "<no value>":
        raise TypeProblem(f"{name_of(function)}: keepdims is True or False, not {keepdims!r:.60}")
    builder = BUILDERS.get(function)
    if builder is None:
        if isinstance(function, np.ufunc):
            return apply_ufunc(function, "__call__", args, kwargs)
        raise _unknown(function)
    try:
        return builder(*args, **kwargs)
    except TypeError:
        try:
            inspect.signature(builder).bind(*args, **kwargs)
        except TypeError as mismatch:
            raise TypeProblem(
                f"{name_of(function)}: {mismatch}; what is supported is "
                f"{name_of(function)}{_parameters(builder)}"
            ) from None
        raise


_PROBLEMS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, AssertionError)


@contextmanager
def checked_arguments(name: str) -> Generator[None]:
    """Build in the body what a user asks for; what Python says of odd arguments becomes a `TypeProblem`.

    Args:
        name: what the user calls.
    """
    try:
        yield
    except DiffcError:
        raise
    except _PROBLEMS as problem:
        raise TypeProblem(f"{name} does not take these arguments: {problem}") from problem


def _parameters(builder: Any) -> str:
    signature = inspect.signature(builder)
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(plain))


def _unknown(function: Any) -> TypeProblem:
    name = name_of(function)
    if function in REFUSED:
        return TypeProblem(f"{name} cannot be traced: {REFUSED[function]}")
    known = {name_of(each).removeprefix("numpy."): name_of(each) for each in BUILDERS}
    return TypeProblem(f"{name} is not supported{nearest(name.removeprefix('numpy.'), known)}")
