"""Derivatives and maps of plain Python functions: what each takes, and how its results are arranged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter, Signature
from typing import Any, TypeAlias

import numpy as np

from diffc.autodiff.selection import Wrt, is_integer
from diffc.errors import DiffcError
from diffc.frontends.numpy.structure import (
    Branch,
    Fixed,
    Static,
    Structure,
    flatten,
    leaf_count,
    leaves_or_fixed,
    with_leaves,
)
from diffc.functions import function as of_functions
from diffc.functions.function import Function
from diffc.functions.python.call import Call, Chosen, Leaf
from diffc.functions.python.function import PythonTransform
from diffc.ir import Extent, Type

__all__ = ["Derivative", "Differentiated", "Directional", "Mapped", "Pulled"]

Transform: TypeAlias = Callable[..., Function]


class Differentiated(PythonTransform):
    """A transform by some arguments: they are floats, a Python integer among them is taken as one.

    In an object, what is no float is passed on as it is, and stands in the result as it does in the argument.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        transform: Transform,
        wrt: Wrt,
        shape: Callable[[Structure, Structure], Structure],
        arrange: Callable[[Structure, Structure], Structure] | None = None,
        static: Chosen = (),
    ) -> None:
        """Take a function, a transform of Functions, the arguments, and how results are structured.

        Args:
            function: what is differentiated.
            transform: what is done with the Function that it computes.
            wrt: by what.
            shape: gives the structure of the result from those of the value and of `wrt`.
            arrange: gives it from that and the structure of what the function returns beside its value; None
                where it returns a value alone.
            static: the arguments that are known when tracing.
        """
        super().__init__(function, transform.__name__, static)
        self._transform = transform
        self._wrt = wrt
        self._shape = shape
        self._arrange = arrange

    def apply(self, f: Function, call: Call) -> Function:
        """Return the transform by every leaf of the arguments."""
        positions = call.positions(self.selected(call)[0])
        if self._arrange is None:
            return self._transform(f, positions)
        return self._transform(f, positions, has_aux=True)

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the structure of the result."""
        by = self.selected(call)[1]
        if self._arrange is None:
            return self.shaped(value, by, call)
        if not isinstance(value, Branch) or not issubclass(value.kind, tuple) or len(value.items) != 2:
            raise DiffcError(
                f"{self.__name__} with has_aux=True takes a function that returns a pair, (value, aux); it "
                f"returns {_spelled(value)}"
            )
        main, aux = value.items
        if not leaf_count(main):
            raise DiffcError(
                f"{self.__name__}: the value, the first of the pair that is returned, is no number"
            )
        return self._arrange(self.shaped(main, by, call), aux)

    def shaped(self, value: Structure, by: Structure, call: Call) -> Structure:
        """Return the structure of the result for one value."""
        return self._shape(value, by)

    def read_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """Return a call in which numbers that are differentiated by are floats, but for counts in objects."""
        call = super().read_call(args, kwargs)
        chosen = set(self.selected(call)[0])
        types = list(call.types)
        for k, kind in enumerate(types):
            leaf = call.arguments.leaves[k]
            if k in chosen and call.weak[k] and kind == Type("i64"):
                types[k] = Type("f64")
            elif k in call.counts and isinstance(leaf, int | np.integer | np.bool_) and self._is_by(call, k):
                types[k] = Static(leaf)
        return replace(call, types=tuple(types))

    def _is_by(self, call: Call, leaf: int) -> bool:
        """Tell whether a leaf is in one of the arguments that `wrt` names."""
        given: Any = self._wrt
        several = isinstance(given, Sequence) and not isinstance(given, str)
        return any(leaf in self._argument(call, each)[0] for each in (given if several else (given,)))

    def selected(self, call: Call) -> tuple[list[int], Structure]:
        """Return the leaves that `wrt` names, and their structure: a tuple for a sequence."""
        given: Any = self._wrt
        several = isinstance(given, Sequence) and not isinstance(given, str)
        found = [self._floats(call, *self._argument(call, each)) for each in (given if several else (given,))]
        leaves = [leaf for part, _ in found for leaf in part]
        if not found or not leaves:
            raise DiffcError(f"{self.__name__}: wrt names no argument with a number or an array in it")
        if len(set(leaves)) < len(leaves):
            raise DiffcError(f"{self.__name__}: an argument is named twice in wrt")
        structures = tuple(structure for _, structure in found)
        return leaves, Branch(tuple, tuple(range(len(found))), structures) if several else structures[0]

    def _floats(
        self, call: Call, leaves: Sequence[int], structure: Structure
    ) -> tuple[Sequence[int], Structure]:
        """Return the leaves of an argument that are differentiated by, and its structure with the others."""
        if structure is None:
            return leaves, structure
        others = {k for k in leaves if isinstance(call.types[k], Static) or k in call.counts}
        parts = [Fixed(_plain(call.arguments.leaves[k])) if k in others else None for k in leaves]
        return [k for k in leaves if k not in others], with_leaves(structure, parts)

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
        found, like = _numbers_of(found, like, structure)
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
        # What a value has beside arrays and numbers has no cotangent.
        leaves = [
            each
            for each in flatten(args[-1])[0]
            if isinstance(each, int | float | np.generic) or hasattr(each, "__array__")
        ]
        return replace(call, more=tuple(leaves))

    def shaped(self, value: Structure, by: Structure, call: Call) -> Structure:
        """Return the structure of the result, after comparing that of the cotangents."""
        if leaf_count(value) != len(call.more):
            raise DiffcError(
                f"{self.__name__}: the value has {leaf_count(value)} arrays, {len(call.more)} cotangents "
                "are given"
            )
        return super().shaped(value, by, call)


class Derivative(Differentiated):
    """A partial derivative by scalar arguments."""

    def __init__(self, function: Callable[..., Any], *names: str | int, static: Chosen = ()) -> None:
        """Take a function and names, each with a count behind it where that is not 1."""
        self._by = list(dict.fromkeys(each for each in names if isinstance(each, str)))
        super().__init__(function, of_functions.derivative, self._by, _as_value, None, static)
        self._names = names

    def apply(self, f: Function, call: Call) -> Function:
        """Return the partial derivative."""
        leaves, _ = self.selected(call)
        inputs = f.graph.input_names
        found: dict[Any, str] = {}
        for name, position in zip(self._by, call.positions(leaves), strict=True):
            found[name] = inputs[position]
        return of_functions.derivative(f, *[found.get(each, each) for each in self._names])


def _plain(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Static) else leaf


def _numbers_of(
    leaves: Sequence[Any], structure: Structure, wanted: Structure
) -> tuple[list[Any], Structure]:
    """Return the numbers in a nested value and its structure, values in it where another one has values."""
    places = leaves_or_fixed(wanted)
    if len(places) != len(leaves):
        return list(leaves), structure
    rest = [leaf for leaf, fixed in zip(leaves, places, strict=True) if fixed is None]
    return rest, with_leaves(structure, places)


def _spelled(structure: Structure) -> str:
    if structure is None:
        return "one value"
    if isinstance(structure, Fixed):
        return f"{structure.value!r:.40}"
    return f"a {structure.kind.__name__} of {len(structure.items)}"


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
        static: Chosen = (),
    ) -> None:
        """Take a function, the axes, and the arguments that are known when tracing."""
        super().__init__(function, "vmap", static)
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
