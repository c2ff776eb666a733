"""Calls of NumPy's functions and ufuncs on traced values: what they build, and what they write to."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any
from typing import cast as typed

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy import refusals
from diffc.frontends.numpy.calling import call_function, checked_arguments, name_of
from diffc.frontends.numpy.captures import is_local
from diffc.frontends.numpy.in_place import CHANGES
from diffc.frontends.numpy.indexing import index
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operands import as_array, is_weak
from diffc.frontends.numpy.operators import is_traced
from diffc.frontends.numpy.registry import BUILDERS, NAMED
from diffc.frontends.numpy.replacing import combined_at, fitted
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.ufuncs import apply_ufunc
from diffc.frontends.numpy.value import Value, traced, untraced
from diffc.frontends.numpy.views import view_of
from diffc.ir import Node, promote
from diffc.ops import cast, lift
from diffc.ops.base import DTYPES

__all__ = ["call_named", "call_numpy", "call_ufunc", "look", "part_of", "with_known", "write_result"]


def call_ufunc(
    ufunc: Any, method: str, operands: Sequence[Any], options: Any, *, by_operator: bool = False
) -> Any:
    """Return what a ufunc builds of traced values, or writes to one."""
    name = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if method == "at":
        return _at(ufunc, name, *operands)
    outs = options.get("out")
    options = {key: each for key, each in options.items() if key != "out"}
    mask = options.pop("where", True) if outs else True
    try:
        result = _ufunc_built(ufunc, method, operands, options, name, by_operator)
    except TypeProblem:
        known = _all_known(operands, "iub")
        if known is None:
            raise
        if not is_traced(known):
            return getattr(ufunc, method)(*known, **options)
        result = _ufunc_built(ufunc, method, known, options, name, by_operator)
    look(operands, options)
    return result if not outs else _written(outs, result, mask, name)


def _ufunc_built(
    ufunc: Any, method: str, operands: Sequence[Any], options: Any, name: str, by_operator: bool
) -> Any:
    with checked_arguments(name):
        values, weak = _operands(operands, name)
        return traced(apply_ufunc(ufunc, method, values, untraced(options, name)), weak and by_operator)


def call_numpy(function: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """Return what a function of NumPy builds of traced values, or writes to one.

    Where the program needs numbers to be known, such as places or counts, and nothing but what is outside
    decides about them, they are taken as they are now.
    """
    name = name_of(function)
    out = kwargs.get("out")
    if out is not None:
        kwargs = {key: each for key, each in kwargs.items() if key != "out"}
    try:
        result = _built(function, name, args, kwargs)
    except TypeProblem:
        kinds = "iub" if function in BUILDERS or function in CHANGES else "iubf"
        known = _all_known([*args, *kwargs.values()], kinds)
        if known is None:
            raise
        places, named = known[: len(args)], dict(zip(kwargs, known[len(args) :], strict=True))
        result = _built(function, name, places, named) if is_traced(known) else function(*places, **named)
    look(args, kwargs)
    return result if out is None else _written((out,), result, True, name)


def call_named(name: str, args: Sequence[Any], kwargs: Any) -> Any:
    """Return what a function of SciPy, known by its name, builds of traced values."""
    with checked_arguments(name):
        values, _ = _operands(args, name)
        return traced(NAMED[name](*values, **untraced(kwargs, name)))


def _built(function: Any, name: str, args: Sequence[Any], kwargs: Any) -> Any:
    with checked_arguments(name):
        if function is np.nan_to_num and kwargs.get("copy", True) is False:
            return _renewed(function, name, args, kwargs)
        if function in CHANGES:
            return _changed(function, name, args, kwargs)
        args = [_as_it_is_now(each) for each in args]
        values, _ = _operands(args, name)
        named = untraced(kwargs, name)
        view = view_of(function, args, named, values)
        return traced(call_function(function, values, named), weak=function in _COUNTS, view=view)


def _as_it_is_now(value: Any) -> Any:
    """Return the traced array that one made by the function has become, another value as it is."""
    live = value.traced_elements() if is_local(value) else None
    return value if live is None else live


def _all_known(values: Sequence[Any], kinds: str) -> list[Any] | None:
    """Return the arguments of a call `with_known` elements; None where there are none to be known."""
    known = [with_known(each, kinds) for each in values]
    return None if all(map(operator.is_, values, known)) else known


def with_known(value: Any, kinds: str) -> Any:
    """Return a value with the elements of traced ones in it that only what is outside decides about.

    Args:
        value: anything; lists, tuples and slices are looked into.
        kinds: of NumPy's dtypes, which are looked for.
    """
    if isinstance(value, Value) and value.dtype.kind in kinds:
        known = known_elements(untraced(value, "x"))
        return value if known is None else known if known.ndim else known.item()
    if type(value) in (list, tuple) and is_traced(value):
        items: Any = [with_known(each, kinds) for each in typed(list[Any], value)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, slice):
        bounds = (value.start, value.stop, value.step)
        new = [with_known(each, kinds) for each in bounds]
        return value if all(map(operator.is_, bounds, new)) else slice(*new)
    return value


def write_result(place: Any, result: Any, name: str) -> None:
    """Write what was computed to an array, as NumPy's functions do with `out`.

    Raises:
        TypeProblem: where the shape is another one, and for a dtype that NumPy does not cast to this one.
    """
    place = _writable(place, name)
    node, into = untraced(result, name), place.node
    kinds = (np.dtype(DTYPES[node.dtype]), np.dtype(DTYPES[into.dtype]))
    if not np.can_cast(*kinds, "same_kind"):
        raise refusals.no_cast(name, *kinds)
    if node.rank > into.rank:
        raise refusals.no_broadcast(name, node, into)
    with checked_arguments(name):
        place.write(fitted(cast(node, into.dtype), into.shape, "the array that it is written to"))


def _writable(place: Any, name: str) -> Value:
    """Return an array that is written to, traced from now on; raise `TypeProblem` for one from elsewhere."""
    if is_local(place):
        place = place.become_traced()
    if not isinstance(place, Value):
        raise refusals.plain_output(name)
    return place


def _written(outs: Any, result: Any, mask: Any, name: str) -> Any:
    """Write the results of a call to the arrays given by `out`; return what NumPy returns."""
    if not isinstance(result, Value | tuple):
        raise TypeProblem(f"{name} gives no array that could be written to out")
    several = isinstance(result, tuple)
    given = outs if isinstance(outs, tuple) else (outs,)
    results = list(typed(tuple[Any, ...], result) if several else (result,))
    for k, (place, each) in enumerate(zip(given, results, strict=True)):
        if place is None:
            continue
        if mask is not True:
            each = call_numpy(np.where, (mask, each, place), {})
        write_result(place, each, name)
        results[k] = place
    return tuple(results) if several else results[0]


def _changed(function: Any, name: str, args: Sequence[Any], kwargs: Any) -> None:
    """Write what a function makes of its first argument to that."""
    place = _writable(args[0] if args else None, name)
    values, _ = _operands(args, name)
    node = CHANGES[function](*values, **untraced(kwargs, name))
    place.write(cast(node, place.node.dtype))
    look(args, kwargs)


def _renewed(function: Any, name: str, args: Sequence[Any], kwargs: Any) -> Any:
    """Write to an array what a function that need not copy gives for it; return the array."""
    place = _writable(args[0], name)
    options = {key: each for key, each in kwargs.items() if key != "copy"}
    write_result(place, call_numpy(function, args, options), name)
    return place


def _at(ufunc: Any, name: str, *operands: Any) -> None:
    """Combine elements of an array with values, in place."""
    place = _writable(operands[0], name)
    with checked_arguments(name):
        key, value = (untraced(each, name) for each in (*operands[1:], 0)[:2])
        node = lift(value, place.node.dtype) if is_weak(value) else as_array(value)
        place.write(combined_at(ufunc, place.node, key, cast(node, place.node.dtype)))
    look(operands)


def part_of(array: Any, key: Any) -> Any:
    """Return the part of a plain array that traced places name."""
    with checked_arguments("x[i]"):
        return traced(index(as_array(array), untraced(key, "x[i]")))


_COUNTS = (np.shape, np.size, np.ndim)
"""The functions of NumPy that give Python integers."""


def look(*arguments: Any) -> None:
    """Note what was looked into, among the arguments of a call, rather than read as an array."""
    trace = active.get()
    assert trace is not None
    for each in arguments:
        trace.captures.look(each)


def _operands(values: Sequence[Any], what: str) -> tuple[list[Any], bool]:
    """Return operands as nodes, and whether all of them are Python numbers, traced or not.

    Traced numbers take the dtype of f32 arrays among the operands, as Python numbers do.
    """
    found = [each for each in values if isinstance(each, Value) and each.weak]
    nodes = [untraced(each, what) for each in values]
    if not found:
        return nodes, False
    kinds = [_dtype(node) for each, node in zip(values, nodes, strict=True) if not _is_weak(each)]
    if any(kind is None for kind in kinds) or not kinds:
        return nodes, not kinds
    if promote(*[kind for kind in kinds if kind]) == "f32":
        for place, each in enumerate(values):
            if isinstance(each, Value) and each.weak:
                nodes[place] = cast(nodes[place], "f32")
    return nodes, False


def _is_weak(value: Any) -> bool:
    return value.weak if isinstance(value, Value) else is_weak(value)


def _dtype(value: Any) -> str | None:
    if isinstance(value, Node):
        return value.dtype
    kind = getattr(value, "dtype", None)
    return next((name for name, each in DTYPES.items() if kind == each), None)
