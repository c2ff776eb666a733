"""Transforms of plain Python functions: callables that trace, transform and compile at the first call.

Each keeps what it has compiled by the signature of a call: the structure of the arguments, and the shapes and
dtypes in it. Called inside a function that is itself being traced it becomes part of that function's graph,
so that derivatives nest in any way.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any

from diffc.compiler import without_collector
from diffc.errors import DiffcError, InputError, OutdatedError
from diffc.frontends.numpy.inlining import call_inline
from diffc.frontends.numpy.operands import is_weak
from diffc.frontends.numpy.outside.guards import OutdatedNumber
from diffc.frontends.numpy.parameters import arguments_of, is_box
from diffc.frontends.numpy.specs import type_of
from diffc.frontends.numpy.structure import Branch, Static, Structure, has_fixed, is_count
from diffc.frontends.numpy.trace import trace_graph, tree_of
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active, check_open
from diffc.functions.function import Function
from diffc.functions.python.call import Call, Chosen, Leaf, call_of, chosen
from diffc.functions.python.effects import Effects
from diffc.functions.python.prepared_call import Fork, Prepared, call_key, rebuilder
from diffc.functions.python.program import Program
from diffc.functions.python.recent import Recent
from diffc.functions.python.shapes import Shapes, agree, may_be_open
from diffc.functions.python.wrapper import Wrapper
from diffc.ops.captured import captured_arrays

_KEPT = 8
"""So many programs are kept for calls of one signature, each for other things outside."""

_CONSTANTS = 2
"""A number outside that has had more values than this is an input."""

_SIGNATURES = 128
"""A transform keeps the programs of so many signatures that were used last, and of up to twice as many.

Each value of the integers that shape a program is a signature of its own.
"""

__all__ = ["Jitted", "PythonTransform", "trace"]


class PythonTransform(Wrapper):
    """A transform of a Python function. It is called as the function is, but for what the transform adds.

    Arguments are arrays, numbers, and tuples, lists, dicts and objects of them. Flags, texts, None and
    functions are passed on as they are, and so is what `static` names; a call with another one is compiled
    anew. An integer on which the program depends, as in `range(n)`, is compared at each call.
    """

    may_write = False
    working = frozenset({"_deciding", "_numbers", "_own_out", "_prepared", "_programs", "_shapes"})

    def __init__(self, function: Callable[..., Any], name: str, static: Chosen = ()) -> None:
        """Take the function, the name of the transform, and the arguments that are known when tracing."""
        self._static = chosen(static)
        super().__init__(function, name)

    def start(self) -> None:
        """Begin with nothing compiled."""
        super().start()
        self._programs: Recent[list[Program]] = Recent(_SIGNATURES)
        self._prepared: Recent[Prepared | Fork] = Recent(_SIGNATURES)
        self._shapes = Shapes()
        self._numbers: dict[Any, tuple[Any, set[str]]] = {}
        self._deciding: dict[Any, tuple[int, ...]] = {}
        self._own_out: bool | None = None

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Trace, transform and compile the function for such arguments, unless that is done; run it.

        The results are written to the arrays of `out`, which has their structure, where the function itself
        has no such parameter.
        """
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
        if "out" in kwargs and not self._takes_out():
            return self._call_into(args, kwargs)
        return self._call_anew(key, self.read_call(args, kwargs))

    def _takes_out(self) -> bool:
        """Tell whether the function itself has a parameter `out`."""
        if self._own_out is None:
            try:
                found = signature(self.function).parameters
            except (TypeError, ValueError):
                found = {}
            self._own_out = any(k == "out" or each.kind is each.VAR_KEYWORD for k, each in found.items())
        return self._own_out

    def _check_nested(self, kwargs: Mapping[str, Any]) -> None:
        """Raise `DiffcError` for an `out` that is none of the function's own arguments."""
        if "out" in kwargs and not self._takes_out():
            raise DiffcError(
                f"{self.__name__}: out= is for calls outside of a traced function: write y[...] = f(x)"
            )

    def _call_into(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a call that writes its results to arrays, which it returns."""
        named = dict(kwargs)
        out = named.pop("out")
        leaves: list[Any] = []
        key = call_key(args, named, leaves)
        prepared = self._prepared.get(key) or self._prepared.find(key)
        if prepared is not None:
            try:
                return prepared.into(leaves, out)
            except OutdatedError:
                pass
        return self._call_anew(key, self.read_call(args, named), out)

    def _call_anew(self, key: Any, call: Call, out: Any = ...) -> Any:
        """Run a call that is not prepared; prepare the next one of its key, unless that is None."""
        program = self._find(call)
        try:
            return self._run(key, program, call, out)
        except OutdatedError:  # what the function refers to is of another type, or decides otherwise, now
            with self._lock:
                rest = self._programs.find(program.key) or ()
                self._programs.keep(program.key, [each for each in rest if each is not program])
            program = self._find(call)
        except InputError:
            if program.key == self._place(call):
                raise
            # With the extent left open it asks for more than this one may need, as x[:3] does.
            with self._lock:
                program = self._keep(self._make(call))
        return self._run(key, program, call, out)

    def _run(self, key: Any, program: Program, call: Call, out: Any) -> Any:
        prepared = self._prepare(program, call)
        leaves = call.given
        values = prepared.run(leaves) if out is ... else prepared.into(leaves, out)
        if key is None or (self._static and call.has_whole):
            return values
        if not any(is_box(leaves[k]) for k in program.written):
            places = call.placed(sorted({*call.numbers, *self._deciding.get(call.key, ())}))
            if not places:
                self._prepared.keep(key, prepared)
            else:
                fork = self._prepared.find(key)
                if not isinstance(fork, Fork) or fork.places != places:
                    fork = Fork(places)
                    self._prepared.keep(key, fork)
                fork.keep(leaves, prepared)
        return values

    def _prepare(self, program: Program, call: Call) -> Prepared:
        with without_collector():
            kernel = program.kernel
        f, types = program.function, [each.type for each in program.function.graph.outputs]
        return Prepared(f.name, kernel, call.order, program.structure, types, program.guards, program.effects)

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
        arguments = arguments_of(self.function, args, kwargs, self._static)
        for each in arguments.leaves:
            if isinstance(each, Traced):
                check_open(each.owner, self.__name__)
        return call_of(arguments)

    def _find(self, call: Call) -> Program:
        """Return the program of a call, traced now if there is none whose guards hold."""
        found = self._holding(self._programs.find(self._place(call)) or ())
        if found is not None:
            return found
        with self._lock:
            found = self._holding(self._programs.find(self._place(call)) or ())
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
        found = self._holding(self._programs.find(self._place(open_call)) or ())
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

    def _place(self, call: Call) -> Any:
        """Return where the programs of a call are: its key, with the integers on which they depend."""
        key = call.key
        leaves = self._deciding.get(key)
        return key if leaves is None else (key, call.values(leaves))

    def _decide(self, call: Call, leaves: Sequence[int]) -> None:
        """Have programs of a key told apart by integers; warn of the third value."""
        key = call.key
        known = self._deciding.get(key, ())
        self._deciding[key] = all_ = tuple(sorted({*known, *leaves}))
        keys = self._programs.all_keys()
        others = [place for place in keys if isinstance(place, tuple) and place[0] == key]
        if len(others) == _CONSTANTS:
            names = " and ".join(call.arguments.names[k] for k in all_)
            meant = self._parameters(call, all_)
            warnings.warn(
                f"{self.__name__}: {names} shapes the program and changes: the function is traced anew for "
                f"each value, of which the latest {_SIGNATURES} are kept; static={meant!r} says that this is "
                "meant",
                stacklevel=5,
            )

    def _parameters(self, call: Call, leaves: Sequence[int]) -> list[str]:
        """Return the names of the parameters in which leaves are."""
        parameters = call.arguments.parameters.items()
        return [name for name, (inside, _) in parameters if any(k in inside for k in leaves)]

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
        if traced.decided:
            self._decide(call, traced.decided)
        structure = self.result(traced.structure, call)
        f = self.apply(Function(traced.graph, captured=traced.captured), call)
        graph = f.graph.with_outputs(f.graph.outputs, tree=tree_of(structure))
        if traced.effects:
            assert isinstance(structure, Branch)
            structure = structure.items[0]
        effects = None
        if traced.effects or traced.c_ordered:
            effects = Effects(traced.graph.name, traced.effects, traced.c_ordered, call.arguments.names)
        function = Function(graph, f.derived, f.math, f.captured)
        guards = traced.guards.passing(set(captured_arrays(graph)))
        return Program(function, structure, guards, effects, self._place(call))

    def inline(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what a call gives inside a function that is being traced, as part of that."""
        self._check_nested(kwargs)
        call = self.read_call(args, kwargs)
        traced = trace_graph(self.function, call.arguments, self.element_types(call), call.weak, nested=True)
        structure = self.result(traced.structure, call)
        graph = self.apply(Function(traced.graph), call).graph
        arranged, rebuild = graph.with_outputs(graph.outputs, tree=tree_of(structure)), rebuilder(structure)
        values = call_inline(arranged, {}, [*call.inputs, *traced.enclosing, *call.more], {})
        return values if rebuild is None else rebuild(values)


class Jitted(PythonTransform):
    """The function itself, compiled. What it changes outside itself is changed by each call."""

    may_write = True

    def __init__(self, function: Callable[..., Any], static: Chosen = ()) -> None:
        """Take the function, and the arguments that are known when tracing."""
        super().__init__(function, "", static)

    def apply(self, f: Function, call: Call) -> Function:
        """Return the function."""
        return f

    def result(self, value: Structure, call: Call) -> Structure:
        """Return the function's own structure."""
        return value

    def inline(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the function: what it changes is changed in the function around it."""
        self._check_nested(kwargs)
        trace = active.get()
        assert trace is not None
        return trace.captures.outside.of_function(self.function)(*args, **kwargs)


def trace(function: Callable[..., Any], /, *types: Any, **named: Any) -> Function:
    """Return the Function that a plain Python function computes with NumPy.

    Args:
        function: it is called once, with values that stand for arrays of the given types.
        types: for each parameter `dc.f64("N", 10)`, `"f64[N, 10]"`, a Type, or an example of a value; tuples,
            lists, dicts and objects of them; a flag, None or a function is passed on as it is.
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
    counts = is_count(arguments.structure)
    kinds = [
        each
        if isinstance(each, Static)
        else Static(each)
        if each is None or isinstance(each, bool) or callable(each) or (is_field and type(each) is int)
        else type_of(each)
        for each, is_field in zip(arguments.leaves, counts, strict=True)
    ]
    with without_collector():
        weak = list(map(is_weak, arguments.leaves))
        traced = trace_graph(function, arguments, kinds, weak, is_snapshot=True)
    if has_fixed(traced.structure):
        raise DiffcError(
            f"trace: {traced.graph.name} returns None, a text or the like among its arrays, which a "
            "Function cannot: leave it out, or use dc.jit"
        )
    if traced.effects:
        raise DiffcError(
            f"trace: {traced.graph.name} changes {traced.effects[0].label}, which a Function cannot: work on "
            "a copy, x = x.copy(), and return what is new, or use dc.jit"
        )
    return Function(traced.graph, captured=traced.captured)
