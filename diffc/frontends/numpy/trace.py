"""Tracing: a Python function is called once with traced values, and what it computes becomes a Graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy import builders as builders
from diffc.frontends.numpy.captures import Captures
from diffc.frontends.numpy.effects import Effect, effects_of
from diffc.frontends.numpy.operands import as_array, dtype_name, is_weak
from diffc.frontends.numpy.outside.guards import Guards
from diffc.frontends.numpy.outside.objects import super_of
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.stand_ins import stand_in
from diffc.frontends.numpy.randomness import Randomness
from diffc.frontends.numpy.structure import Branch, Structure, flatten, names_of, unflatten
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import Trace, tracing
from diffc.frontends.numpy.value import untraced
from diffc.ir import Graph, Node, Tree, Type, recording, substitute
from diffc.ops import input_node
from diffc.ops.captured import Captured

__all__ = [
    "Arguments",
    "Static",
    "TracedGraph",
    "arguments_of",
    "function_name",
    "is_box",
    "trace_graph",
    "tree_of",
]


@dataclass(frozen=True, slots=True)
class Static:
    """An argument that the function gets as it is: a text, a flag, None, a function."""

    value: Any


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


@dataclass(frozen=True)
class TracedGraph:
    """What tracing gives: the graph, the arrays it refers to, and the structure of what was returned.

    `enclosing` are the values of the enclosing trace for which the inputs behind the arguments' stand.
    `effects` are what the function changes outside itself, its arguments included; the new values are
    further outputs. `c_ordered` has the leaves that must lie in C order. `guards` is what the program assumes
    of things outside, and which of the captured arrays it reads by paths.
    """

    graph: Graph
    captured: Captured
    structure: Structure
    enclosing: tuple[Node, ...]
    effects: tuple[Effect, ...] = ()
    c_ordered: tuple[int, ...] = ()
    guards: Guards | None = None


def arguments_of(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """Take the arguments of a call apart; inputs are named after the parameters, `params_w` inside them.

    Raises:
        DiffcError: for arguments that the function does not take.
    """
    positional, order = _parameter_names(function, args, kwargs)
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
    return Arguments(tuple(leaves), _distinct(names), structure, parameters)


def _branches(structure: Structure) -> tuple[Branch, Branch]:
    assert structure is not None
    args, kwargs = structure.items
    assert args is not None
    assert kwargs is not None
    return args, kwargs


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
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


def trace_graph(
    function: Callable[..., Any],
    arguments: Arguments,
    types: Sequence[Type | Static],
    weak: Sequence[bool],
    *,
    nested: bool = False,
    free: Set[Any] = frozenset(),
    is_snapshot: bool = False,
) -> TracedGraph:
    """Call a function with traced values of these types and return what it computes.

    Args:
        function: what is traced.
        arguments: how it is called.
        types: the type of each leaf, or its value where it is static.
        weak: which leaves stand for Python numbers.
        nested: whether it may use values of the trace around it; those become extra inputs.
        free: the spots of numbers outside that are inputs of the program.
        is_snapshot: whether the graph is that of what is outside now, without guards.

    Raises:
        DiffcError: for what cannot be traced, with what to write instead.
    """
    name = function_name(function)
    captures = None if nested else Captures()
    before = None if nested else Randomness(function, arguments.leaves)
    # A nested trace is about the symbols of the one around it, which records what it demands.
    with tracing(name, captures) as trace, nullcontext() if nested else recording() as recorder:
        if captures is not None:
            captures.outside = Outside(super_of, stand_in, partial(_outside_input, trace), free)
        given = [
            each if isinstance(each, Static) else trace.input(label, each)
            for label, each in zip(arguments.names, types, strict=True)
        ]
        outputs, structure, effects = _traced(function, arguments, given, weak, trace)
    if before is not None:
        if before.came_late:
            return trace_graph(function, arguments, types, weak, free=free, is_snapshot=is_snapshot)
        before.check(name)
    captured, guards = Captured(), None
    if captures is not None:
        guards = None if is_snapshot else captures.outside.guards(captures.decided)
        captures.outside = None
        constants, captured = captures.finish(name, outputs)
        outputs = substitute(outputs, constants)
    if not outputs:
        raise TypeProblem(f"{name} returns no array and no number")
    nodes = [each for each in given if isinstance(each, Node)]
    if not nested and trace.replaced:
        raise TypeProblem(
            f"{name} uses a value of the function that calls dc.trace: pass it as an argument, or call "
            f"{name} itself there"
        )
    if not nested and trace.depth:
        labels = [label for label, each in zip(arguments.names, types, strict=True) if isinstance(each, Type)]
        plain = [input_node(label, node.type) for label, node in zip(labels, nodes, strict=True)]
        outputs, nodes = substitute(outputs, dict(zip(nodes, plain, strict=True))), plain
    inputs = (*nodes, *trace.replaced)
    graph = Graph(name, inputs, tuple(outputs), _output_names(structure), tree_of(structure))
    if recorder is not None:
        graph = replace(graph, assumed=recorder.requirements(name, graph.symbols))
    ordered = tuple(k for k, each in enumerate(given) if each in trace.c_ordered)
    return TracedGraph(graph, captured, structure, tuple(trace.replaced.values()), effects, ordered, guards)


def _outside_input(trace: Trace, value: Any) -> tuple[Traced, str, Any]:
    """Return the traced value of an array or a number outside, the input's name, the array that it reads."""
    is_array = isinstance(value, np.ndarray)
    held = value if is_array else np.array(value)
    node = trace.captures.node(held, held, dtype_name(held.dtype))
    trace.captures.pin(node)
    return Traced(node, trace, is_weak(value), is_array=is_array), node.attrs["name"], held


def _traced(
    function: Callable[..., Any],
    arguments: Arguments,
    given: Sequence[Node | Static],
    weak: Sequence[bool],
    trace: Trace,
) -> tuple[list[Node], Structure, tuple[Effect, ...]]:
    """Return what a function computes of these leaves, and what it changes outside itself.

    What it leaves there are further outputs. Nothing that the function made outlives this call.
    """
    leaves = [
        trace.captures.outside.made_of(each.value, label)
        if isinstance(each, Static)
        else Traced(each, trace, number, is_array=is_box(leaf))
        for each, number, leaf, label in zip(given, weak, arguments.leaves, arguments.names, strict=True)
    ]
    args, kwargs = unflatten(arguments.structure, leaves)
    result = _called(trace.captures.outside.of_function(function), args, kwargs)
    _check_containers(trace.name, arguments, leaves, (args, kwargs))
    effects, left = effects_of(trace, arguments.names, leaves)
    if result is None and effects:
        result = ()
    values, structure = flatten(result)
    if effects:
        structure = Branch(
            tuple, (0, 1), (structure, Branch(tuple, tuple(range(len(left))), (None,) * len(left)))
        )
    nodes = [_output(untraced(each, f"the result of {trace.name}"), trace.name) for each in (*values, *left)]
    return nodes, structure, effects


def is_box(leaf: Any) -> bool:
    """Tell whether a leaf is an array without axes, which can be written to, unlike a number."""
    return isinstance(leaf, np.ndarray) and leaf.ndim == 0


def _check_containers(name: str, arguments: Arguments, leaves: Sequence[Any], now: Any) -> None:
    """Raise `TypeProblem` where the function has changed a list or dict that was passed to it."""
    after, structure = flatten(now)
    if structure != arguments.structure or any(a is not b for a, b in zip(after, leaves, strict=True)):
        raise TypeProblem(
            f"{name} changes a list or a dict that is passed to it: return the new one instead of changing it"
        )


def _called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except ValueError as problem:
        # NumPy's a[0] = x hides why x refuses to be a number behind "setting an array element".
        if isinstance(problem.__cause__, DiffcError) and "array element" in str(problem):
            raise problem.__cause__ from None
        raise


def _output(value: Any, name: str) -> Node:
    if value is None:
        raise TypeProblem(f"{name} returns None: is its return statement missing?")
    try:
        return as_array(value)
    except TypeProblem as problem:
        raise TypeProblem(f"{name} must return arrays and numbers: {problem}") from None


def _output_names(structure: Structure) -> tuple[str, ...]:
    """Return the keys of a dict, or the fields of a named tuple, as names of outputs; else the default."""
    if structure is not None and (structure.kind is dict or hasattr(structure.kind, "_fields")):
        return _distinct(names_of(structure, ""))
    return ()


def tree_of(structure: Structure) -> Tree:
    """Return how outputs of a structure are handed out: positions in nested tuples."""
    count = -1

    def visit(each: Structure) -> Tree:
        nonlocal count
        if each is None:
            count += 1
            return count
        return tuple(visit(item) for item in each.items)

    return visit(structure)
