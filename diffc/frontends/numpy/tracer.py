"""Traced: what a NumPy function computes with while it is traced.

It stands for an array of which the type is known and the elements are not. Operators, ufuncs and NumPy's
functions on it build nodes; whatever needs the elements is refused, with what to write instead.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NoReturn
from typing import cast as typed

import numpy as np

from diffc.errors import DiffcError
from diffc.frontends.numpy import refusals
from diffc.frontends.numpy.calling import call_function, checked_arguments, name_of
from diffc.frontends.numpy.indexing import index
from diffc.frontends.numpy.methods import ArrayMethods
from diffc.frontends.numpy.operands import is_weak
from diffc.frontends.numpy.operators import Operators
from diffc.frontends.numpy.tracing import Trace, active, check_open
from diffc.frontends.numpy.ufuncs import apply_ufunc
from diffc.ir import Extent, Node, note, promote
from diffc.ops import cast, dim, scalar_value
from diffc.ops.base import DTYPES

__all__ = ["Traced", "traced", "untraced"]


class Traced(ArrayMethods, Operators):
    """A value of a trace: a node, the trace it belongs to, and whether it stands for a Python number.

    `weak` tells that the value came as a Python number, which takes the dtype of the arrays it meets.
    """

    __slots__ = ("node", "owner", "weak")

    __array_priority__: ClassVar[float] = 1000.0

    node: Node
    owner: Trace
    weak: bool

    def __init__(self, node: Node, owner: Trace, weak: bool = False) -> None:
        """Hold a node of a trace."""
        self.node = node
        self.owner = owner
        self.weak = weak

    # What is known of the array.

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape; an extent that is not known when tracing is a traced integer."""
        return tuple(self._extent(each, "x.shape") for each in self.node.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.node.rank

    @property
    def size(self) -> Any:
        """The number of elements."""
        return self._extent(self.node.size, "x.size")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return np.dtype(DTYPES[self.node.dtype])

    def _extent(self, extent: Extent, what: str) -> Any:
        """Return an extent as a Python integer, or as a traced one that, like it, is weak."""
        if isinstance(extent, int):
            return extent
        check_open(self.owner, what)
        return traced(dim(extent), weak=True)

    def __len__(self) -> int:
        check_open(self.owner, "len(x)")
        if not self.node.rank:
            raise refusals.no_axis(self, "len() of it is asked for")
        extent = self.node.shape[0]
        if isinstance(extent, int):
            return extent
        raise refusals.symbolic_extent("len(x)", extent)

    def __iter__(self) -> Iterator[Any]:
        check_open(self.owner, "a loop over x, list(x) or *x")
        if not self.node.rank:
            raise refusals.no_axis(self, "its elements are asked for, by a loop, *x, sum() or list()")
        extent = self.node.shape[0]
        if not isinstance(extent, int):
            raise refusals.symbolic_extent("a loop over x", extent)
        return iter([self[k] for k in range(extent)])

    def __repr__(self) -> str:
        ended = "" if self.owner.open else ", whose tracing has ended"
        return f"<traced {self.node.type} in {self.owner.name}{ended}>"

    # What NumPy calls.

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Build what a ufunc computes: an array or, even of Python numbers, a number of NumPy's."""
        return _ufunc(ufunc, method, operands, options)

    def _operated(self, ufunc: Any, *operands: Any) -> Any:
        """Build what an operator computes: of Python numbers alone a Python number."""
        return _ufunc(ufunc, "__call__", operands, {}, by_operator=True)

    def _called(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Build what an attribute or a method of an array computes."""
        return _call(function, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Build what a NumPy function computes."""
        return _call(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        """Refuse: the elements are not known."""
        check_open(self.owner, "np.array(x) or np.asarray(x)")
        raise refusals.no_array(self)

    def __getitem__(self, key: Any) -> Any:
        with checked_arguments("x[i]"):
            return traced(index(untraced(self, "x[i]"), untraced(key, "x[i]")))

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        check_open(self.owner, "x[i] = v")
        raise refusals.assignment()

    # What needs the elements.

    def __bool__(self) -> bool:
        return bool(self._known("bool"))

    def __float__(self) -> float:
        return float(self._known("float"))

    def __int__(self) -> int:
        return int(self._known("int"))

    def __complex__(self) -> complex:
        return complex(self._known("complex"))

    def __index__(self) -> int:
        check_open(self.owner, "range(x), an index or a shape")
        if self.node.dtype != "i64":
            raise refusals.no_index(self)
        return int(self._known("index"))

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        check_open(self.owner, "hash(x)")
        raise refusals.unhashable(self)

    def __format__(self, spec: str) -> str:
        if spec:
            check_open(self.owner, "format(x)")
            raise refusals.no_number(self, "format")
        return repr(self)

    def __deepcopy__(self, memo: Any) -> Traced:
        return self

    def __reduce__(self) -> NoReturn:
        check_open(self.owner, "pickle or copy")
        raise DiffcError(f"{self!r} cannot be pickled or copied to another process: it has no elements yet")

    def _known(self, wanted: str) -> float | int | bool:
        check_open(self.owner, f"{wanted}(x)")
        value = scalar_value(untraced(self, f"{wanted}(x)")) if self.node.size == 1 else None
        if value is None:
            raise refusals.no_number(self, wanted)
        return value

    def __getattr__(self, name: str) -> Any:
        if not self.owner.open and not name.startswith("__"):
            raise refusals.ended_attribute(self, name)
        raise refusals.no_attribute(self, name)


def _ufunc(
    ufunc: Any, method: str, operands: Sequence[Any], options: Any, *, by_operator: bool = False
) -> Any:
    name = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    with checked_arguments(name):
        values, weak = _operands(operands, name)
        result = traced(apply_ufunc(ufunc, method, values, untraced(options, name)), weak and by_operator)
    _look(operands, options)
    return result


def _call(function: Any, args: Sequence[Any], kwargs: Any) -> Any:
    name = name_of(function)
    with checked_arguments(name):
        values, _ = _operands(args, name)
        built = call_function(function, values, untraced(kwargs, name))
        result = traced(built, weak=function in _COUNTS)
    _look(args, kwargs)
    return result


_COUNTS = (np.shape, np.size, np.ndim)
"""The functions of NumPy that give Python integers."""


def _look(*arguments: Any) -> None:
    """Note what was looked into, among the arguments of a call, rather than read as an array."""
    trace = active.get()
    assert trace is not None
    for each in arguments:
        trace.captures.look(each)


def untraced(value: Any, what: str) -> Any:
    """Return a value with each traced one, in tuples, lists and dicts too, as a node of the active trace.

    Args:
        value: what a user gives to an operation.
        what: the operation, by the name that a user calls it.

    Raises:
        DiffcError: for a traced value whose trace has ended, or is not around the active one.
    """
    if isinstance(value, Traced):
        trace = active.get()
        if value.owner is trace:
            return value.node
        return check_open(value.owner, what).own(value.node, value.owner, what)
    if isinstance(value, list):
        items = [untraced(each, what) for each in typed(list[Any], value)]
        # A list without traced values stays the very object that others may change.
        same = len(items) == len(value) and all(map(operator.is_, items, value))
        return typed(Any, value) if same else items
    if isinstance(value, tuple):  # a named one, too: NumPy's functions take it for what is in it
        items = tuple([untraced(each, what) for each in typed(tuple[Any, ...], value)])
        same = type(value) is tuple and all(map(operator.is_, items, value))
        return typed(Any, value) if same else items
    if type(value) is dict:
        return {key: untraced(each, what) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, slice):
        return slice(*(untraced(each, what) for each in (value.start, value.stop, value.step)))
    return value


def traced(value: Any, weak: bool = False) -> Any:
    """Return a value with each node, in tuples and lists too, as a traced value of the active trace."""
    if isinstance(value, Node):
        trace = active.get()
        assert trace is not None
        note(value)
        return Traced(value, trace, weak)
    if isinstance(value, list):
        return [traced(each, weak) for each in value]
    if isinstance(value, tuple):
        items = [traced(each, weak) for each in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def _operands(values: Sequence[Any], what: str) -> tuple[list[Any], bool]:
    """Return operands as nodes, and whether all of them are Python numbers, traced or not.

    Traced numbers take the dtype of f32 arrays among the operands, as Python numbers do.
    """
    found = [each for each in values if isinstance(each, Traced) and each.weak]
    nodes = [untraced(each, what) for each in values]
    if not found:
        return nodes, False
    kinds = [_dtype(node) for each, node in zip(values, nodes, strict=True) if not _is_weak(each)]
    if any(kind is None for kind in kinds) or not kinds:
        return nodes, not kinds
    if promote(*[kind for kind in kinds if kind]) == "f32":
        for place, each in enumerate(values):
            if isinstance(each, Traced) and each.weak:
                nodes[place] = cast(nodes[place], "f32")
    return nodes, False


def _is_weak(value: Any) -> bool:
    return value.weak if isinstance(value, Traced) else is_weak(value)


def _dtype(value: Any) -> str | None:
    if isinstance(value, Node):
        return value.dtype
    kind = getattr(value, "dtype", None)
    return next((name for name, each in DTYPES.items() if kind == each), None)
