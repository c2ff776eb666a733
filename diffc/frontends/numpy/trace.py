"""Tracing: a Python function is called once with traced values, and what it computes becomes a Graph."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.frontends.numpy import builders as builders
from diffc.frontends.numpy.captures import Captures
from diffc.frontends.numpy.effects import Effect, effects_of
from diffc.frontends.numpy.objects import attributes_of
from diffc.frontends.numpy.operands import as_array, dtype_name, is_weak
from diffc.frontends.numpy.outside.guards import Guards
from diffc.frontends.numpy.outside.objects import super_of
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.stand_ins import stand_in
from diffc.frontends.numpy.parameters import Arguments, distinct, function_name, is_box
from diffc.frontends.numpy.randomness import Randomness
from diffc.frontends.numpy.structure import (
    Branch,
    Fixed,
    Static,
    Structure,
    flatten,
    leaves_like,
    names_of,
    objects_in,
    unflatten,
    with_leaves,
)
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import Trace, tracing
from diffc.frontends.numpy.value import untraced
from diffc.ir import Graph, Node, Tree, Type, recording, substitute
from diffc.ops import input_node
from diffc.ops.captured import Captured

__all__ = [
    "TracedGraph",
    "trace_graph",
    "tree_of",
]


@dataclass(frozen=True)
class TracedGraph:
    """What tracing gives: the graph, the arrays it refers to, and the structure of what was returned.

    `enclosing` are the values of the enclosing trace for which the inputs behind the arguments' stand.
    `effects` are what the function changes outside itself, its arguments included; the new values are
    further outputs. `c_ordered` has the leaves that must lie in C order, `decided` the integers on whose
    values the program depends. `guards` is what the program assumes of things outside, and which of the
    captured arrays it reads by paths.
    """

    graph: Graph
    captured: Captured
    structure: Structure
    enclosing: tuple[Node, ...]
    effects: tuple[Effect, ...] = ()
    c_ordered: tuple[int, ...] = ()
    decided: tuple[int, ...] = ()
    guards: Guards | None = None


def trace_graph(
    function: Callable[..., Any],
    arguments: Arguments,
    types: Sequence[Type | Static],
    weak: Sequence[bool],
    *,
    nested: bool = False,
    free: Set[Any] = frozenset(),
    is_snapshot: bool = False,
    tries: int = 10,
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
        tries: how often it is traced anew while another thread may draw random numbers.

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
        if not is_snapshot:
            _count(trace, given, arguments.leaves)
        outputs, structure, effects = _traced(function, arguments, given, weak, trace)
    if before is not None:
        if before.came_late or (tries and before.may_be_of_another_thread(name)):
            again = tries if before.came_late else tries - 1
            return trace_graph(
                function, arguments, types, weak, free=free, is_snapshot=is_snapshot, tries=again
            )
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
    ordered, decided = (
        tuple(k for k, each in enumerate(given) if each in chosen)
        for chosen in (trace.c_ordered, trace.decided)
    )
    enclosing = tuple(trace.replaced.values())
    return TracedGraph(graph, captured, structure, enclosing, effects, ordered, decided, guards)


def _count(trace: Trace, given: Sequence[Node | Static], leaves: Sequence[Any]) -> None:
    """Note the values of inputs that are integers or flags: a program may depend on them."""
    for node, leaf in zip(given, leaves, strict=True):
        if isinstance(node, Static) or node.rank or node.dtype not in ("i64", "bool"):
            continue
        if not isinstance(leaf, Traced):
            if np.ndim(leaf) == 0:
                trace.counts[node] = leaf
        elif leaf.node.rank == 0:
            trace.counts[node] = leaf.node, leaf.owner


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
    objects = [(each, attributes_of(each)) for each in objects_in(arguments.structure, (args, kwargs))]
    for each, _ in objects:  # its methods run as they are, so that what they reach is compared
        trace.captures.outside.made_of(type(each), type(each).__name__)
    result = _called(trace.captures.outside.of_function(function), args, kwargs)
    _check_containers(trace.name, arguments, leaves, (args, kwargs))
    for each, before in objects:
        for new in attributes_of(each) - before:
            raise TypeProblem(
                f"{trace.name} adds the attribute {new!r} to a {type(each).__name__} that is passed to it: "
                "return the new value instead"
            )
    effects, left = effects_of(trace, arguments.names, leaves)
    if result is None:
        if not effects:
            raise TypeProblem(f"{trace.name} returns None: is its return statement missing?")
        result = ()
    values, structure = _settled(trace, result)
    if effects:
        structure = Branch(
            tuple, (0, 1), (structure, Branch(tuple, tuple(range(len(left))), (None,) * len(left)))
        )
    nodes = [_output(untraced(each, f"the result of {trace.name}"), trace.name) for each in (*values, *left)]
    return nodes, structure, effects


def _settled(trace: Trace, result: Any) -> tuple[list[Any], Structure]:
    """Return the arrays and numbers of a result, and its structure, of which all else is a part."""
    leaves, structure = flatten(result)
    if structure is None:
        return leaves, structure
    fixed = [_fixed(trace, each) for each in leaves]
    rest = [leaf for leaf, each in zip(leaves, fixed, strict=True) if each is None]
    return rest, with_leaves(structure, fixed)


_TEXTS = (str, bytes, type(None), type, enum.Enum, np.dtype, np.ufunc, types.BuiltinFunctionType)


def _fixed(trace: Trace, value: Any) -> Fixed | None:
    """Return a part of a result that is the same in each call; None for an array or a number."""
    if isinstance(value, Static):
        if any(isinstance(each, Traced) for each in flatten(value.value)[0]):
            raise TypeProblem(
                f"the rest that flatten gives of what {trace.name} returns has a traced value in it: make it "
                "one of the children"
            )
        return Fixed(value.value)
    original = trace.captures.outside.original(value)
    if isinstance(original, _TEXTS) or (original is not value and callable(original)):
        return Fixed(original)
    return None


def _check_containers(name: str, arguments: Arguments, leaves: Sequence[Any], now: Any) -> None:
    """Raise `TypeProblem` where the function has changed a list, dict or object that was passed to it."""
    after = leaves_like(arguments.structure, now)
    where = "a list or a dict or an object that is passed to it"
    if after is not None:
        # The rest of a registered object is equal to the one before, not the same.
        changed = (
            label
            for label, a, b in zip(arguments.names, after, leaves, strict=True)
            if not (a is b or (isinstance(a, Static) and a == Static(b)))
        )
        label = next(changed, None)
        if label is None:
            return
        where += f" ({label})"
    raise TypeProblem(f"{name} changes {where}: return the new one instead of changing it")


def _called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except ValueError as problem:
        # NumPy's a[0] = x hides why x refuses to be a number behind "setting an array element".
        if isinstance(problem.__cause__, DiffcError) and "array element" in str(problem):
            raise problem.__cause__ from None
        raise


def _output(value: Any, name: str) -> Node:
    try:
        return as_array(value)
    except TypeProblem as problem:
        raise TypeProblem(f"{name} must return arrays and numbers: {problem}") from None


def _output_names(structure: Structure) -> tuple[str, ...]:
    """Return the keys of a dict, or the fields of a named tuple, as names of outputs; else the default."""
    if isinstance(structure, Branch) and not all(isinstance(key, int) for key in structure.keys):
        return distinct(names_of(structure, ""))
    return ()


def tree_of(structure: Structure) -> Tree:
    """Return how outputs of a structure are handed out: positions in nested tuples, () for what is fixed."""
    count = -1

    def visit(each: Structure) -> Tree:
        nonlocal count
        if each is None:
            count += 1
            return count
        return () if isinstance(each, Fixed) else tuple(visit(item) for item in each.items)

    return visit(structure)
