"""Arrays that a traced function makes by NumPy: plain ones until a traced value is written to them.

Until then NumPy computes with them as ever, while the function is traced. Then the array that owns the memory
becomes a traced place, and each array that shows that memory a view of it; the memory itself is overwritten
by NaN, so that nothing reads what was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy.dispatch import call_numpy, call_ufunc, part_of
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.operators import is_traced, takes_traced
from diffc.frontends.numpy.place import View
from diffc.frontends.numpy.replacing import put_at
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active
from diffc.ir import Type
from diffc.ops import constant
from diffc.ops.base import DTYPES
from diffc.ops.broadcasting import full
from diffc.ops.indexing import gather
from diffc.ops.reshaping import reshape

__all__ = ["LOCAL", "Local", "call_plain_or_traced"]

LOCAL = {
    np.arange, np.array, np.asarray, np.ascontiguousarray, np.asfortranarray, np.copy, np.diag, np.empty,
    np.empty_like, np.eye, np.full, np.full_like, np.geomspace, np.identity, np.linspace, np.logspace,
    np.ones, np.ones_like, np.repeat, np.tile, np.tri, np.zeros, np.zeros_like,
}  # fmt: skip
"""The functions of NumPy that make a new array, or give one that the function has made."""

_array = np.ndarray
_plain = _array.__getattribute__


class Local(np.ndarray[Any, Any]):
    """An array that a traced function has made."""

    @staticmethod
    def of(array: Any) -> Any:
        """Return an array of numbers as one that takes traced values; anything else as it is."""
        if type(array) is not _array or active.get() is None or array.dtype.kind not in "fiub":
            return array
        return array.view(Local)

    def emptied(self) -> Local:
        """Return the array, after overwriting what it happened to hold."""
        memory = _plain_view(self)
        memory[...] = _nothing(memory)
        return self

    def traced_elements(self) -> Any:
        """Return the traced array that this one has become; None as long as it is plain."""
        trace = active.get()
        if trace is None or not trace.captures.live:
            return None
        found = trace.captures.live.get(id(_owner(self)))
        return None if found is None else _shown(found[1], self)

    def become_traced(self) -> Any:
        """Make the array that owns the memory a traced one; return this one as a view of it.

        Raises:
            DiffcError: for a dtype without derivatives, and for memory in Fortran's order.
        """
        live = self.traced_elements()
        if live is not None:
            return live
        trace = active.get()
        if trace is None:
            raise DiffcError("a traced value is written to an array after the function has been traced")
        owner = _owner(self)
        memory = _plain_view(owner)
        name = next((name for name, each in DTYPES.items() if memory.dtype == each), None)
        if name is None or not memory.flags.c_contiguous or not memory.flags.writeable:
            raise TypeProblem(
                f"a traced value is written to an array of {memory.dtype} that the function makes: make it "
                "one of float64, float32, int64 or bool, in the order 'C'"
            )
        content = np.array(memory)
        same = content.size > 0 and (content == content.flat[0]).all()
        node = full(content.flat[0].item(), Type(name, content.shape)) if same else as_array(content)
        root = Traced(node, trace, is_array=True)
        trace.captures.live[id(owner)] = owner, root
        memory[...] = _nothing(memory)
        return _shown(root, self)

    def __setitem__(self, key: Any, value: Any) -> None:
        live = self.traced_elements()
        if live is None and (is_traced(value) or is_traced(key)):
            live = self.become_traced()
        if live is None:
            super().__setitem__(key, value)
        else:
            live[key] = value

    def __getitem__(self, key: Any) -> Any:
        live = self.traced_elements()
        if live is not None:
            return live[key]
        if is_traced(key):
            return part_of(_unwrapped(self), key)
        return super().__getitem__(key)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in _OWN:
            live = _plain(self, "traced_elements")()
            if live is not None:
                return getattr(live, name)
            if name in _TAKING_VALUES:
                return partial(_method, self, name)
            if name == "flat" and _plain(self, "flags").c_contiguous:
                return _plain(self, "reshape")(-1)
        return _plain(self, name)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if takes_traced(inputs, options):
            return call_ufunc(ufunc, method, inputs, options)
        result = getattr(ufunc, method)(*_unwrapped(inputs), **_unwrapped(options))
        outs = options.get("out")
        if outs is None:
            return _wrapped(result)
        return outs[0] if len(outs) == 1 else outs

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call_plain_or_traced(function, args, kwargs)


def call_plain_or_traced(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a function of NumPy gives: built of traced values, or computed now if there are none."""
    if takes_traced(args, kwargs):
        return call_numpy(function, args, kwargs)
    result = function(*_unwrapped(tuple(args)), **_unwrapped(dict(kwargs)))
    if kwargs.get("out") is not None:
        return kwargs["out"]
    return result if _shows_another(result, [*args, *kwargs.values()]) else _wrapped(result)


def _shows_another(result: Any, args: Sequence[Any]) -> bool:
    """Tell whether a result may show memory that the function has not made: nothing is written to that."""
    others = [each for each in _arrays(args) if not isinstance(each, Local)]
    return any(
        not _plain(_owner(each), "flags").owndata or any(np.may_share_memory(each, other) for other in others)
        for each in _arrays((result,))
    )


def _arrays(values: Sequence[Any]) -> Iterator[Any]:
    for each in values:
        if isinstance(each, _array):
            yield each
        elif isinstance(each, list | tuple):
            yield from _arrays(cast(list[Any], each))


def _forwarded(name: str) -> Any:
    plain = getattr(_array, name)

    def method(self: Local) -> Any:
        live = self.traced_elements()
        return plain(self) if live is None else getattr(live, name)()

    return method


for _name in ("__bool__", "__float__", "__int__", "__iter__", "__repr__"):
    setattr(Local, _name, _forwarded(_name))

_OWN = ("base", "become_traced", "emptied", "of", "traced_elements")
_TAKING_VALUES = ("clip", "dot", "fill", "put", "searchsorted", "take")
"""The methods of an array that take values, which may be traced."""


def _method(array: Local, name: str, *args: Any, **kwargs: Any) -> Any:
    if not takes_traced(args, kwargs):
        return _plain(array, name)(*args, **kwargs)
    if name in ("fill", "put"):
        return getattr(array.become_traced(), name)(*args, **kwargs)
    return call_numpy(getattr(np, name), (array, *args), kwargs)


def _plain_view(array: Any) -> Any:
    return _array.view(array, _array)


def _nothing(array: Any) -> Any:
    """Return what stands where nothing is to be read."""
    return (
        np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).min if array.dtype.kind == "i" else False
    )


def _owner(array: Any) -> Any:
    """Return the array that owns the memory that another one shows."""
    base = _plain(array, "base")
    while isinstance(base, _array):
        array, base = base, _plain(base, "base")
    return array


def _shown(root: Any, array: Any) -> Any:
    """Return a traced array as a view of that of the owner of its memory."""
    plain, owner = _plain_view(array), _plain_view(_owner(array))
    if plain.shape == owner.shape and plain.strides == owner.strides:
        return root
    size = owner.itemsize
    start = (plain.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // size
    numbers = np.arange(owner.size)
    places = as_strided(numbers[start:], plain.shape, [8 * stride // size for stride in plain.strides])
    indices = constant(np.array(places))
    is_writable = plain.flags.writeable

    def get(node: Any) -> Any:
        return gather(reshape(node, (node.size,)), indices)

    put = (lambda node, value: put_at(node, indices, value)) if is_writable else None
    view = View(root, get, put, lambda array: array)
    return Traced(get(root.node), root.owner, view=view, is_array=True)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Local):
        return _array.view(value, _array)
    if type(value) in (list, tuple):
        return type(value)(map(_unwrapped, value))
    if type(value) is dict:
        return {key: _unwrapped(each) for key, each in value.items()}
    return value


def _wrapped(value: Any) -> Any:
    if type(value) is _array:
        return Local.of(value)
    if type(value) in (list, tuple):
        return type(value)(map(_wrapped, value))
    return value
