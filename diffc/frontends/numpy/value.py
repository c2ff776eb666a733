"""Values of a trace: what is known of each, and what is said where its elements are asked for."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn
from typing import cast as typed

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy import refusals
from diffc.frontends.numpy.captures import is_local
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.outside.numbers import Numbers
from diffc.frontends.numpy.place import Place, View
from diffc.frontends.numpy.tracing import Trace, active, check_open
from diffc.ir import Extent, Node, note
from diffc.ops import dim, scalar_value
from diffc.ops.base import DTYPES

__all__ = ["Value", "traced", "untraced"]


class Value(Place):
    """A place that holds a node, and whether it stands for a Python number.

    `weak` tells that the value came as a Python number, which takes the dtype of the arrays it meets.
    `is_array` tells that it can be written to; of a number the operators in place make another one.
    """

    __slots__ = ("is_array", "weak")

    kind: ClassVar[Any]
    """The class of what `traced` makes: the one that is derived from this."""

    weak: bool
    is_array: bool

    def __init_subclass__(cls) -> None:
        Value.kind = cls

    def __init__(
        self, node: Node, owner: Trace, weak: bool = False, view: View | None = None, is_array: bool = False
    ) -> None:
        """Hold a node of a trace."""
        super().__init__(node, owner, view)
        self.weak = weak
        self.is_array = is_array or node.rank > 0

    # What is known of the array.

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape; an extent that is not known when tracing is a traced integer."""
        return tuple(self._extent(each, "x.shape") for each in self._node.shape)

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise TypeProblem("x.shape = shape changes the array in place: write x = x.reshape(shape)")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._node.rank

    @property
    def size(self) -> Any:
        """The number of elements."""
        return self._extent(self._node.size, "x.size")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return np.dtype(DTYPES[self._node.dtype])

    def _extent(self, extent: Extent, what: str) -> Any:
        """Return an extent as a Python integer, or as a traced one that, like it, is weak."""
        if isinstance(extent, int):
            return extent
        check_open(self.owner, what)
        return traced(dim(extent), weak=True)

    def __len__(self) -> int:
        check_open(self.owner, "len(x)")
        if not self._node.rank:
            raise refusals.no_axis(self, "len() of it is asked for")
        extent = self._node.shape[0]
        if isinstance(extent, int):
            return extent
        raise refusals.symbolic_extent("len(x)", extent)

    def __iter__(self) -> Iterator[Any]:
        check_open(self.owner, "a loop over x, list(x) or *x")
        if not self._node.rank:
            raise refusals.no_axis(self, "its elements are asked for, by a loop, *x, sum() or list()")
        extent = self._node.shape[0]
        if not isinstance(extent, int):
            raise refusals.symbolic_extent("a loop over x", extent)
        return iter([self[k] for k in range(extent)])

    def __repr__(self) -> str:
        ended = "" if self.owner.open else ", whose tracing has ended"
        return f"<traced {self._node.type} in {self.owner.name}{ended}>"

    def __getitem__(self, key: Any) -> Any:
        """Return a part of the array."""
        raise NotImplementedError

    # What needs the elements.

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Return the elements if only what is outside decides about them; refuse if they are not known."""
        check_open(self.owner, "np.array(x) or np.asarray(x)")
        known = self._known_elements()
        if known is None:
            raise refusals.no_array(self)
        return known if dtype is None else known.astype(dtype)

    def _known_elements(self) -> Any:
        """Return the elements where nothing but what is outside decides about them; note that they decide."""
        return known_elements(untraced(self, "np.asarray(x)"))

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
        known = None if self.is_array else self.known_number()
        if known is None:
            raise refusals.unhashable(self)
        return hash(known)

    def __format__(self, spec: str) -> str:
        if spec:
            check_open(self.owner, "format(x)")
            known = self._known_elements()
            if known is not None and known.ndim == 0:
                return format(known.item(), spec)
            raise refusals.no_number(self, "format")
        number = self.known_number() if self.weak and self.node.dtype == "i64" else None
        return repr(self) if number is None else format(number)

    def __copy__(self) -> Any:
        return traced(untraced(self, "copy"), self.weak)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce__(self) -> NoReturn:
        check_open(self.owner, "pickle or copy")
        raise DiffcError(f"{self!r} cannot be pickled or copied to another process: it has no elements yet")

    def _known(self, wanted: str) -> float | int | bool:
        check_open(self.owner, f"{wanted}(x)")
        value = self.known_number()
        if value is None:
            raise refusals.no_number(self, wanted)
        return value

    def known_number(self) -> float | int | bool | None:
        """Return the one element if it is known; note that it decides."""
        if self._node.size != 1:
            return None
        node = untraced(self, "a number")
        value = scalar_value(node)
        known = known_elements(node) if value is None else None
        return value if known is None else known.item()

    def __getattr__(self, name: str) -> Any:
        if self.owner.open and self.weak and not name.startswith("_") and hasattr(float, name):
            known = self._known_elements()
            if known is not None:
                return getattr(known.item(), name)
        if not self.owner.open and not name.startswith("__"):
            raise refusals.ended_attribute(self, name)
        raise refusals.no_attribute(self, name)


def untraced(value: Any, what: str) -> Any:
    """Return a value with each traced one, in tuples, lists and dicts too, as a node of the active trace.

    Args:
        value: what a user gives to an operation.
        what: the operation, by the name that a user calls it.

    Raises:
        DiffcError: for a traced value whose trace has ended, or is not around the active one.
    """
    if isinstance(value, Value):
        trace = active.get()
        if value.owner is trace:
            return value.node
        return check_open(value.owner, what).own(value.node, value.owner, what)
    if is_local(value):
        live = value.traced_elements()
        return value if live is None else untraced(live, what)
    if isinstance(value, list):
        if type(value) is Numbers:
            return value.original
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


def traced(value: Any, weak: bool = False, view: Any = None, at: int = 0) -> Any:
    """Return a value with each node, in tuples and lists too, as a traced value of the active trace.

    `view` is how a node shows another place, or gives that for the position of each of several nodes.
    """
    if isinstance(value, Node):
        trace = active.get()
        assert trace is not None
        note(value)
        shown = view if view is None or isinstance(view, View) else view(at)
        if shown is not None and shown.base.owner is not trace:
            shown = None
        return Value.kind(value, trace, weak, shown, is_array=shown is not None)
    if isinstance(value, list):
        return [traced(each, weak, view, k) for k, each in enumerate(value)]
    if isinstance(value, tuple):
        items = [traced(each, weak, view, k) for k, each in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
