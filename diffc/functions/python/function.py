"""Transforms of plain Python functions: callables that trace, transform and compile at the first call.

Each keeps what it has compiled by the signature of a call: the structure of the arguments, and the shapes and
dtypes in it. Called inside a function that is itself being traced it becomes part of that function's graph,
so that derivatives nest in any way.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from diffc.compiler import without_collector
from diffc.errors import DiffcError, InputError, OutdatedError
from diffc.frontends.numpy.inlining import call_inline
from diffc.frontends.numpy.operands import is_weak
from diffc.frontends.numpy.outside.guards import OutdatedNumber
from diffc.frontends.numpy.specs import type_of
from diffc.frontends.numpy.structure import Structure, leaf_count
from diffc.frontends.numpy.trace import (
    Arguments,
    Static,
    arguments_of,
    is_box,
    trace_graph,
    tree_of,
)
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active, check_open
from diffc.functions.function import Function
from diffc.functions.python.effects import Effects
from diffc.functions.python.prepared_call import Prepared, call_key, rebuilder
from diffc.functions.python.program import Program
from diffc.functions.python.recent import Recent
from diffc.functions.python.shapes import Shapes, agree, may_be_open
from diffc.functions.python.wrapper import Wrapper
from diffc.ir import Type
from diffc.ops.captured import captured_arrays

_KEPT = 8
"""So many programs are kept for calls of one signature, each for other things outside."""

_SIGNATURES = 128
"""A transform keeps the programs of so many signatures that were used last, and of up to twice as many."""

_CONSTANTS = 2
"""A number outside that has had more values than this is an input."""

__all__ = ["Call", "Jitted", "Leaf", "PythonTransform", "trace"]

Leaf: TypeAlias = Type | Static


@dataclass(frozen=True)
class Call:
    """One call of a transform: the function's arguments, the type of each leaf, and further values.

    `weak` tells which leaves are Python numbers, `more` has the leaves of tangents, vectors or cotangents.
    """

    arguments: Arguments
    types: tuple[Leaf, ...]
    weak: tuple[bool, ...]
    more: tuple[Any, ...] = ()

    @property
    def key(self) -> Any:
        """What decides about the code: two calls with one key run the same kernel."""
        boxes = tuple(k for k, leaf in enumerate(self.arguments.leaves) if is_box(leaf))
        return self.arguments.structure, self.types, self.weak, boxes

    @property
    def inputs(self) -> list[Any]:
        """The leaves that are inputs of the graph."""
        pairs = zip(self.arguments.leaves, self.types, strict=True)
        return [leaf for leaf, kind in pairs if isinstance(kind, Type)]

    @property
    def given(self) -> list[Any]:
        """All leaves in the order in which a call has them."""
        structure = self.arguments.structure
        assert structure is not None
        first = leaf_count(structure.items[0])
        leaves = self.arguments.leaves
        return [*leaves[:first], *self.more, *leaves[first:]]

    @property
    def order(self) -> tuple[int, ...] | None:
        """The kernel's inputs among the leaves of the call as written; None where it takes all as they are.

        As written, the further values stand behind the arguments by position, before those by name.
        """
        structure = self.arguments.structure
        assert structure is not None
        first, more = leaf_count(structure.items[0]), len(self.more)
        inputs = [k for k, kind in enumerate(self.types) if isinstance(kind, Type)]
        order = (*(k if k < first else k + more for k in inputs), *range(first, first + more))
        return None if order == tuple(range(len(self.types) + more)) else order

    def positions(self, leaves: Sequence[int]) -> list[int]:
        """Return the positions of leaves among the inputs; raise `DiffcError` for a static one."""
        places = {
            leaf: k for k, leaf in enumerate(k for k, t in enumerate(self.types) if isinstance(t, Type))
        }
        for leaf in leaves:
            if leaf not in places:
                raise DiffcError(
                    f"{self.arguments.names[leaf]} cannot be differentiated by: it is "
                    f"{self.arguments.leaves[leaf]!r:.60}, no number and no array"
                )
        return [places[leaf] for leaf in leaves]


class PythonTransform(Wrapper):
    """A transform of a Python function. It is called as the function is, but for what the transform adds.

    Arguments are arrays, numbers, and tuples, lists and dicts of them. Flags, texts, None and functions are
    passed on as they are; a call with another one is compiled anew.
    """

    may_write = False
    working = frozenset({"_programs", "_prepared", "_shapes", "_numbers"})

    def start(self) -> None:
        """Begin with nothing compiled."""
        super().start()
        self._programs: Recent[list[Program]] = Recent(_SIGNATURES)
        self._prepared: Recent[Prepared] = Recent(_SIGNATURES)
        self._shapes = Shapes()
        self._numbers: dict[Any, tuple[Any, set[str]]] = {}

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Trace, transform and compile the function for such arguments, unless that is done; run it."""
        if active.get() is not None:
            return self.inline(args, kwargs)
        leaves: list[Any] = []
        key = call_key(args, kwargs, leaves)
        prepared = self._prepared.get(key) or self._prepared.find(key)
        if prepared is not None:
            try:
                return prepared.run(leaves)
            except OutdatedError:
                pass
        return self._call_anew(key, self.read_call(args, kwargs))

    def _call_anew(self, key: Any, call: Call) -> Any:
        """Run a call that is not prepared; prepare the next one of its key, unless that is None."""
        program = self._find(call)
        try:
            return self._run(key, program, call)
        except OutdatedError:  # what the function refers to is of another type, or decides otherwise, now
            with self._lock:
                rest = self._programs.find(program.key) or ()
                self._programs.keep(program.key, [each for each in rest if each is not program])
            program = self._find(call)
        except InputError:
            if program.key == call.key:
                raise
            with (
                self._lock
            ):  # with the extent left open it asks for more than this one may need, as x[:3] does
                program = self._keep(self._make(call))
        return self._run(key, program, call)

    def _run(self, key: Any, program: Program, call: Call) -> Any:
        prepared = self._prepare(program, call)
        leaves = call.given
        values = prepared.run(leaves)
        if key is not None and not any(is_box(leaves[k]) for k in program.written):
            self._prepared.keep(key, prepared)
        return values

    def _prepare(self, program: Program, call: Call) -> Prepared:
        with without_collector():
            kernel = program.kernel
        return Prepared(kernel, call.order, program.rebuild, program.guards, program.effects)

    def function_for(self, /, *args: Any, **kwargs: Any) -> Function:
        """Return the Function that a call with such arguments runs, to be printed, compiled or verified."""
        return self._find(self.read_call(args, kwargs)).function

    def __repr__(self) -> str:
        return f"<{self.__name__}, compiled for {len(list(self._programs.all_keys()))} signatures>"

    @abstractmethod
    def apply(self, f: Function, call: Call) -> Function:
        """Return the transform of the traced function."""
        raise NotImplementedError

    @abstractmethod
    def result(self, value: Structure, call: Call) -> Structure:
        """Return the structure of the result, from that of the function's value."""
        raise NotImplementedError

    def element_types(self, call: Call) -> Sequence[Leaf]:
        """Return the types with which the function is traced."""
        return call.types

    def read_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """Return a call taken apart."""
        arguments = arguments_of(self.function, args, kwargs)
        for each in arguments.leaves:
            if isinstance(each, Traced):
                check_open(each.owner, self.__name__)
        arguments = replace(arguments, leaves=tuple(map(_as_leaf, arguments.leaves)))
        types = [_leaf_type(name, leaf) for name, leaf in zip(arguments.names, arguments.leaves, strict=True)]
        return Call(arguments, tuple(types), tuple(map(_is_weak, arguments.leaves)))

    def _find(self, call: Call) -> Program:
        """Return the program of a call, traced now if there is none whose guards hold."""
        try:
            found = self._holding(self._programs.find(call.key) or ())
        except TypeError:
            raise DiffcError(f"{self.__name__}: an argument is no array and not hashable either") from None
        if found is not None:
            return found
        with self._lock:
            found = self._holding(self._programs.find(call.key) or ())
            return found or self._opened(call) or self._keep(self._make(call))

    def _keep(self, program: Program) -> Program:
        rest = self._programs.find(program.key) or []
        self._programs.keep(program.key, [program, *rest[: _KEPT - 1]])
        return program

    def _opened(self, call: Call) -> Program | None:
        """Return a program with an open extent, where shapes call for one and it computes the same."""
        structure, _, *rest = call.key
        key = (structure, *rest)
        types = self._shapes.opened(key, call.types)
        if types is None:
            return None
        open_call = replace(call, types=types)
        found = self._holding(self._programs.find(open_call.key) or ())
        if found is not None:
            return found
        try:
            program, plain = self._make(open_call), self._make(call)
            if program.effects is None and may_be_open(program.function.graph):
                values = [self._prepare(each, call).run(call.given) for each in (program, plain)]
                if agree(*values):
                    return self._keep(program)
        except Exception:  # of the user's function, too, which may need to know the extent
            pass
        self._shapes.refuse(key, call.types)
        return None

    def _holding(self, programs: Sequence[Program]) -> Program | None:
        """Return the first program whose guards hold; count the values of numbers that have changed."""
        for each in programs:
            try:
                each.guards.values()
                return each
            except OutdatedNumber as problem:
                _, values = self._numbers.setdefault(problem.path.spot, (problem.path, set()))
                values.update((repr(problem.then), repr(problem.now)))
            except OutdatedError:
                continue
        return None

    def _make(self, call: Call) -> Program:
        free = {spot for spot, (_, values) in self._numbers.items() if len(values) > _CONSTANTS}
        traced = trace_graph(self.function, call.arguments, self.element_types(call), call.weak, free=free)
        assert traced.guards is not None
        if traced.effects and not self.may_write:
            raise DiffcError(
                f"{self.__name__}: {traced.graph.name} changes {traced.effects[0].label} in place, which has "
                "no derivative: work on a copy, x = x.copy(), and return what is new"
            )
        f = self.apply(Function(traced.graph, captured=traced.captured), call)
        structure = self.result(traced.structure, call)
        graph = f.graph.with_outputs(f.graph.outputs, tree=tree_of(structure))
        if traced.effects:
            assert structure is not None
            structure = structure.items[0]
        effects = None
        if traced.effects or traced.c_ordered:
            effects = Effects(traced.graph.name, traced.effects, traced.c_ordered, call.arguments.names)
        function = Function(graph, f.derived, f.math, f.captured)
        guards = traced.guards.passing(set(captured_arrays(graph)))
        return Program(function, rebuilder(structure), guards, effects, call.key)

    def inline(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what a call gives inside a function that is being traced, as part of that."""
        call = self.read_call(args, kwargs)
        traced = trace_graph(self.function, call.arguments, self.element_types(call), call.weak, nested=True)
        graph = self.apply(Function(traced.graph), call).graph
        structure = self.result(traced.structure, call)
        arranged, rebuild = graph.with_outputs(graph.outputs, tree=tree_of(structure)), rebuilder(structure)
        values = call_inline(arranged, {}, [*call.inputs, *traced.enclosing, *call.more], {})
        return values if rebuild is None else rebuild(values)


class Jitted(PythonTransform):
    """The function itself, compiled. What it changes outside itself is changed by each call."""

    may_write = True

    def __init__(self, function: Callable[..., Any]) -> None:
        """Take the function."""
        super().__init__(function, "")

    def apply(self, f: Function, call: Call) -> Function:
        """Return the function."""
        return f

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the function's own structure."""
        return value

    def inline(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the function: what it changes is changed in the function around it."""
        trace = active.get()
        assert trace is not None
        return trace.captures.outside.of_function(self.function)(*args, **kwargs)


def trace(function: Callable[..., Any], /, *types: Any, **named: Any) -> Function:
    """Return the Function that a plain Python function computes with NumPy.

    Args:
        function: it is called once, with values that stand for arrays of the given types.
        types: for each parameter `dc.f64("N", 10)`, `"f64[N, 10]"`, a Type, or an example of a value; tuples,
            lists and dicts of them; a flag or None is passed on as it is.
        named: types by the parameter's name.

    Raises:
        DiffcError: for what cannot be traced, with what to write instead.

    >>> import numpy as np, diffc as dc
    >>> f = dc.trace(lambda x: np.sum(np.sin(x) ** 2), dc.f64("N"))
    >>> f(np.zeros(3))
    0.0
    """
    if not callable(function):
        raise DiffcError(f"trace takes a Python function, not {function!r:.60}")
    arguments = arguments_of(function, types, named)
    kinds = [
        Static(each) if each is None or isinstance(each, bool) else type_of(each) for each in arguments.leaves
    ]
    with without_collector():
        weak = list(map(is_weak, arguments.leaves))
        traced = trace_graph(function, arguments, kinds, weak, is_snapshot=True)
    if traced.effects:
        raise DiffcError(
            f"trace: {traced.graph.name} changes {traced.effects[0].label}, which a Function cannot: work on "
            "a copy, x = x.copy(), and return what is new, or use dc.jit"
        )
    return Function(traced.graph, captured=traced.captured)


def _as_leaf(leaf: Any) -> Any:
    """Return an object that is as good as an array, such as a data frame's column, as an array."""
    if isinstance(leaf, Traced | np.ndarray | np.generic) or not hasattr(leaf, "__array__"):
        return leaf
    return np.asarray(leaf)


def _leaf_type(name: str, leaf: Any) -> Leaf:
    if isinstance(leaf, Traced):
        return leaf.node.type
    if isinstance(leaf, bool) or not isinstance(leaf, int | float | np.ndarray | np.generic):
        return Static(leaf)
    try:
        return type_of(leaf)
    except DiffcError as problem:
        raise DiffcError(f"{name}: {problem}") from None


def _is_weak(leaf: Any) -> bool:
    return leaf.weak if isinstance(leaf, Traced) else is_weak(leaf)
