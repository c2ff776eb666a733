"""The arguments of a call taken apart: leaves with names, by the signature of the function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy.structure import Branch, Static, Structure, flatten, map_leaves, names_of
from diffc.frontends.numpy.tracer import Traced

__all__ = ["Arguments", "arguments_of", "distinct", "function_name", "is_box"]


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, taken apart: a name for each leaf, and how they stood in the call.

    `parameters` has, in the order of the function's signature, the positions of each argument's leaves and
    its structure. A leaf that is `Static` is no input.
    """

    leaves: tuple[Any, ...]
    names: tuple[str, ...]
    structure: Structure
    parameters: Mapping[str, tuple[range, Structure]]


def arguments_of(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    static: Sequence[int | str] = (),
) -> Arguments:
    """Take the arguments of a call apart; inputs are named after the parameters, `params_w` inside them.

    Those that `static` names, or gives the positions of, become `Static`.

    Raises:
        DiffcError: for arguments that the function does not take.
    """
    positional, order = _parameter_names(function, args, kwargs)
    if static:
        chosen = _static_names(function, static, order or positional, kwargs)
        args = [
            _as_static(each) if name in chosen else each for name, each in zip(positional, args, strict=True)
        ]
        kwargs = {name: _as_static(each) if name in chosen else each for name, each in kwargs.items()}
    leaves, structure = flatten((tuple(args), dict(kwargs)))
    pairs = _branches(structure)
    names: list[str] = []
    found: dict[str, tuple[range, Structure]] = {}
    for keys, branch in ((positional, pairs[0]), (tuple(kwargs), pairs[1])):
        for name, item in zip(keys, branch.items, strict=True):
            inside = names_of(item, name)
            found[name] = range(len(names), len(names) + len(inside)), item
            names += inside
    parameters = {name: found[name] for name in (*order, *found) if name in found}
    return Arguments(tuple(leaves), distinct(names), structure, parameters)


def _static_names(
    function: Callable[..., Any], static: Sequence[int | str], names: Sequence[str], more: Collection[str]
) -> set[str]:
    """Return the names of the arguments that are static.

    Args:
        function: what is called.
        static: names and positions.
        names: those of its parameters.
        more: those of other arguments by name.

    Raises:
        DiffcError: for a name or a position of which there is no parameter.
    """
    signature = _signature(function)
    kinds = {} if signature is None else {k: each.kind for k, each in signature.parameters.items()}
    stars = [k for k, kind in kinds.items() if kind is inspect.Parameter.VAR_POSITIONAL]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds.values()
    chosen: set[str] = set()
    for each in static:
        if isinstance(each, str):
            known = each in names or each in more or takes_any or any(each.startswith(f"{k}_") for k in stars)
        else:
            known = -len(names) <= each < len(names)
        if not known:
            raise DiffcError(
                f"{function_name(function)}: static is an argument's name, its position, or a list of them, "
                f"there is none {each!r:.60} among {', '.join(names)}"
            )
        name = each if isinstance(each, str) else names[each]
        if kinds.get(name) in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise DiffcError(
                f"{function_name(function)}: static names {name!r}, which stands for any number of "
                "arguments: name each of them, args_0 or its own name"
            )
        chosen.add(name)
    return chosen


def _as_static(value: Any) -> Any:
    """Return an argument as one leaf, or a list or a dict of such leaves."""
    if isinstance(value, Traced):
        known = value.known_number()
        if known is None:
            raise TypeProblem(f"{value!r} is passed as a static argument, which must be known when tracing")
        return Static(known)
    if isinstance(value, np.ndarray):
        raise DiffcError(
            f"an array of shape {value.shape} is passed as a static argument: have the function find it by a "
            "name instead, or pass it as a tuple"
        )
    try:
        hash(value)
    except TypeError:
        return map_leaves(_as_static, value) if flatten(value)[1] is not None else Static(value)
    return Static(value)


def _branches(structure: Structure) -> tuple[Branch, Branch]:
    assert isinstance(structure, Branch)
    args, kwargs = structure.items
    assert isinstance(args, Branch)
    assert isinstance(kwargs, Branch)
    return args, kwargs


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return names, with underscores behind one that is taken before."""
    taken: dict[str, None] = {}
    for name in names:
        while name in taken:
            name += "_"
        taken[name] = None
    return tuple(taken)


def _parameter_names(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Return a name for each positional argument (`args_0` behind a star), and those of all parameters."""
    signature = _signature(function)
    if signature is None:  # a ufunc or a builtin says nothing about its parameters
        return [f"x{k}" for k in range(len(args))], []
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        raise DiffcError(f"{function_name(function)}{signature}: {problem}") from None
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{k}" for k in range(len(args) - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return names[: len(args)], list(signature.parameters)


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def function_name(function: Callable[..., Any]) -> str:
    """Return a function's name, that of a lambda or of an object without one as `f`."""
    while hasattr(function, "func"):
        function = function.func  # type: ignore[attr-defined]
    name = getattr(function, "__name__", "f")
    return "f" if name == "<lambda>" else name


def is_box(leaf: Any) -> bool:
    """Tell whether a leaf is an array without axes, which can be written to, unlike a number."""
    return isinstance(leaf, np.ndarray) and leaf.ndim == 0
