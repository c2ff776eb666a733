"""Tracing: a Python function is called once with traced values, and what it computes becomes a Graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy import builders as builders
from diffc.frontends.numpy.captures import Captures
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.randomness import Randomness
from diffc.frontends.numpy.structure import Branch, Structure, flatten, names_of, unflatten
from diffc.frontends.numpy.tracer import Traced, untraced
from diffc.frontends.numpy.tracing import Trace, tracing
from diffc.ir import Graph, Node, Tree, Type, recording, substitute
from diffc.ops import input_node
from diffc.ops.captured import Captured

__all__ = ["Arguments", "Static", "TracedGraph", "arguments_of", "function_name", "trace_graph", "tree_of"]


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
    """

    graph: Graph
    captured: Captured
    structure: Structure
    enclosing: tuple[Node, ...]


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
) -> TracedGraph:
    """Call a function with traced values of these types and return what it computes.

    Args:
        function: what is traced.
        arguments: how it is called.
        types: the type of each leaf, or its value where it is static.
        weak: which leaves stand for Python numbers.
        nested: whether it may use values of the trace around it; those become extra inputs.

    Raises:
        DiffcError: for what cannot be traced, with what to write instead.
    """
    name = function_name(function)
    captures = None if nested else Captures()
    before = None if nested else Randomness(function, arguments.leaves)
    # A nested trace is about the symbols of the one around it, which records what it demands.
    with tracing(name, captures) as trace, nullcontext() if nested else recording() as recorder:
        given = [
            each if isinstance(each, Static) else trace.input(label, each)
            for label, each in zip(arguments.names, types, strict=True)
        ]
        outputs, structure = _traced(function, arguments, given, weak, trace)
    if before is not None:
        if before.came_late:
            return trace_graph(function, arguments, types, weak)
        before.check(name)
    captured = Captured()
    if captures is not None:
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
    return TracedGraph(graph, captured, structure, tuple(trace.replaced.values()))


def _traced(
    function: Callable[..., Any],
    arguments: Arguments,
    given: Sequence[Node | Static],
    weak: Sequence[bool],
    trace: Trace,
) -> tuple[list[Node], Structure]:
    """Return what a function computes of these leaves. Nothing that it made outlives this call."""
    leaves = [
        each.value if isinstance(each, Static) else Traced(each, trace, number)
        for each, number in zip(given, weak, strict=True)
    ]
    args, kwargs = unflatten(arguments.structure, leaves)
    values, structure = flatten(_called(function, args, kwargs))
    return [_output(untraced(each, f"the result of {trace.name}"), trace.name) for each in values], structure


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
