"""Derivatives and maps of plain Python functions: what each takes, and how its results are arranged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter, Signature
from typing import Any, TypeAlias

from diffc.autodiff.selection import Wrt, is_integer
from diffc.errors import DiffcError
from diffc.frontends.numpy.structure import Branch, Structure, flatten, leaf_count
from diffc.frontends.numpy.trace import Static
from diffc.functions import function as of_functions
from diffc.functions.function import Function
from diffc.functions.python.function import Call, Leaf, PythonTransform
from diffc.ir import Extent, Type

__all__ = ["Derivative", "Differentiated", "Directional", "Mapped", "Pulled"]

Transform: TypeAlias = Callable[..., Function]


class Differentiated(PythonTransform):
    """A transform by some arguments: they are floats, a Python integer among them is taken as one."""

    def __init__(
        self,
        function: Callable[..., Any],
        transform: Transform,
        wrt: Wrt,
        shape: Callable[[Structure, Structure], Structure],
    ) -> None:
        """Take a function, a transform of Functions, the arguments, and how results are structured.

        `shape` gives the structure of the result from those of the value and of `wrt`.
        """
        super().__init__(function, transform.__name__)
        self._transform = transform
        self._wrt = wrt
        self._shape = shape

    def apply(self, f: Function, call: Call) -> Function:
        """Return the transform by every leaf of the arguments."""
        return self._transform(f, call.positions(self.selected(call)[0]))

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the structure of the result."""
        return self._shape(value, self.selected(call)[1])

    def read_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """Return a call in which numbers that are differentiated by are floats."""
        call = super().read_call(args, kwargs)
        chosen = set(self.selected(call)[0])
        types = [
            Type("f64") if k in chosen and call.weak[k] and kind == Type("i64") else kind
            for k, kind in enumerate(call.types)
        ]
        return replace(call, types=tuple(types))

    def selected(self, call: Call) -> tuple[list[int], Structure]:
        """Return the leaves that `wrt` names, and their structure: a tuple for a sequence."""
        given: Any = self._wrt
        several = isinstance(given, Sequence) and not isinstance(given, str)
        found = [self._argument(call, each) for each in (given if several else (given,))]
        leaves = [leaf for part, _ in found for leaf in part]
        if not found or not leaves:
            raise DiffcError(f"{self.__name__}: wrt names no argument with a number or an array in it")
        if len(set(leaves)) < len(leaves):
            raise DiffcError(f"{self.__name__}: an argument is named twice in wrt")
        structures = tuple(structure for _, structure in found)
        return leaves, Branch(tuple, tuple(range(len(found))), structures) if several else structures[0]

    def _argument(self, call: Call, wrt: Any) -> tuple[Sequence[int], Structure]:
        parameters = call.arguments.parameters
        names = list(parameters)
        if isinstance(wrt, str):
            if wrt in parameters:
                return parameters[wrt]
            if wrt in call.arguments.names:
                return [call.arguments.names.index(wrt)], None
            raise DiffcError(f"{self.__name__}: there is no argument {wrt!r} among {', '.join(names)}")
        if not is_integer(wrt):
            raise DiffcError(
                f"{self.__name__}: wrt is an argument's name, its position, or a list of them, "
                f"not {wrt!r:.60}"
            )
        if not -len(names) <= wrt < len(names):
            raise DiffcError(f"{self.__name__}: {len(names)} arguments, there is none at position {wrt}")
        return parameters[names[wrt]]


_ANY = Signature([Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)])


class Directional(Differentiated):
    """A transform that takes, behind the arguments, a value like each argument of `wrt`."""

    wrapped_signature = _ANY

    def read_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """Return a call, the tangents or vectors apart."""
        given: Any = self._wrt
        count = len(given) if isinstance(given, Sequence) and not isinstance(given, str) else 1
        call = super().read_call(args[: max(0, len(args) - count)], kwargs)
        leaves, structure = self.selected(call)
        behind = tuple(args[len(args) - count :])
        found, like = flatten(
            behind if isinstance(given, Sequence) and not isinstance(given, str) else behind[0]
        )
        if like != structure or len(found) != len(leaves):
            raise DiffcError(
                f"{self.__name__} takes, behind the arguments, {count} more with the structure of those "
                "that wrt names"
            )
        return replace(call, more=tuple(found))


class Pulled(Differentiated):
    """A transform that takes, behind the arguments, a cotangent with the structure of the value."""

    wrapped_signature = _ANY

    def read_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """Return a call, the cotangents apart."""
        if not args:
            raise DiffcError(f"{self.__name__} takes, behind the arguments, the cotangent of the value")
        call = super().read_call(args[:-1], kwargs)
        return replace(call, more=tuple(flatten(args[-1])[0]))

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the structure of the result, after comparing that of the cotangents."""
        if leaf_count(value) != len(call.more):
            raise DiffcError(
                f"{self.__name__}: the value has {leaf_count(value)} arrays, {len(call.more)} cotangents "
                "are given"
            )
        return super().result(value, call)


class Derivative(Differentiated):
    """A partial derivative by scalar arguments."""

    def __init__(self, function: Callable[..., Any], *names: str | int) -> None:
        """Take a function and names, each with a count behind it where that is not 1."""
        self._by = list(dict.fromkeys(each for each in names if isinstance(each, str)))
        super().__init__(function, of_functions.derivative, self._by, _as_value)
        self._names = names

    def apply(self, f: Function, call: Call) -> Function:
        """Return the partial derivative."""
        leaves, _ = self.selected(call)
        inputs = f.graph.input_names
        found: dict[Any, str] = {}
        for name, position in zip(self._by, call.positions(leaves), strict=True):
            found[name] = inputs[position]
        return of_functions.derivative(f, *[found.get(each, each) for each in self._names])


def _as_value(value: Structure, by: Structure) -> Structure:
    return value


class Mapped(PythonTransform):
    """The function mapped over an axis of its arguments; `in_axes` gives one for each, or one for all."""

    def __init__(
        self,
        function: Callable[..., Any],
        in_axes: int | Sequence[int | None] | None,
        out_axes: int | Sequence[int],
        size: Extent | str | None,
    ) -> None:
        """Take a function and the axes."""
        super().__init__(function, "vmap")
        self._in_axes = in_axes
        self._out_axes = out_axes
        self._size = size

    def element_types(self, call: Call) -> Sequence[Leaf]:
        """Return the types of one element of each argument."""
        axes = self._axes(call)
        return [
            _without_axis(f"{self.__name__}: {name}", kind, axis)
            for name, kind, axis in zip(call.arguments.names, call.types, axes, strict=True)
        ]

    def _axes(self, call: Call) -> list[int | None]:
        """Return the axis of each leaf that is mapped over."""
        given: Any = self._in_axes
        parameters = call.arguments.parameters
        if not isinstance(given, Sequence):
            return [given if isinstance(kind, Type) else None for kind in call.types]
        if len(given) != len(parameters):
            raise DiffcError(
                f"{self.__name__}: in_axes has {len(given)} axes for the {len(parameters)} arguments "
                f"{', '.join(parameters)}"
            )
        axes: list[int | None] = [None] * len(call.types)
        for axis, (leaves, _) in zip(given, parameters.values(), strict=True):
            for leaf in leaves:
                axes[leaf] = axis if isinstance(call.types[leaf], Type) else None
        return axes

    def apply(self, f: Function, call: Call) -> Function:
        """Return the mapped function; values of the enclosing trace are the same for every element."""
        pairs = list(zip(self._axes(call), call.types, strict=True))
        axes = [axis for axis, kind in pairs if isinstance(kind, Type)]
        sizes = [kind.shape[axis] for axis, kind in pairs if isinstance(kind, Type) and axis is not None]
        if any(size != sizes[0] for size in sizes):
            raise DiffcError(
                f"{self.__name__}: the mapped axes have different extents: {', '.join(map(str, sizes))}"
            )
        others = [None] * (len(f.graph.inputs) - len(axes))
        return of_functions.vmap(f, [*axes, *others], self._out_axes, sizes[0] if sizes else self._size)

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the function's own structure."""
        return value


def _without_axis(name: str, kind: Leaf, axis: int | None) -> Leaf:
    """Return the type of one element along an axis."""
    if isinstance(kind, Static) or axis is None:
        return kind
    if not is_integer(axis) or not -kind.rank <= axis < kind.rank:
        raise DiffcError(
            f"{name} is {kind}, it has no axis {axis!r} to map over: give in_axes, with None for it"
        )
    place = axis % kind.rank
    return kind.with_shape((*kind.shape[:place], *kind.shape[place + 1 :]))
