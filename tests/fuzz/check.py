"""One program tried in every way: what was found, if anything.

At every size the kernel is compared with the interpreter (on the graph that autodiff makes, not optimised)
and its value with NumPy itself; its source runs on shadow memory where that is small enough for Python. At
the main size derivatives are compared with differences of NumPy's values, too, and with JAX if there is one.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import diffc as dc
from diffc.ops.interpreter import bind_symbols
from tests.fuzz import shadow
from tests.fuzz.agreed import AGREED, AS_WRITTEN, Agreed, Case, stays_f32
from tests.fuzz.compare import difference
from tests.fuzz.compiled import compiled, traced
from tests.fuzz.program import Program
from tests.fuzz.references import Jax, handed_out, interpreted, leaves, numpy_value, transformed_graph
from tests.fuzz.slopes import along, differences

__all__ = ["Finding", "Outcome", "check"]

SHADOW_STATEMENTS = 6_000
"""A source that executes more statements does not run on shadow memory."""

REFUSALS = (ValueError, IndexError, np.linalg.LinAlgError, ZeroDivisionError)
"""What NumPy raises for arrays that do not fit."""


@dataclass(frozen=True)
class Finding:
    """What is wrong: by which comparison (`kind`), at which size (`symbols`), and what is right if known."""

    kind: str
    detail: str
    symbols: Mapping[str, int]
    want: tuple[Any, ...] = ()

    @property
    def same_as(self) -> tuple[str, str]:
        """What stays when the program is shrunk: the kind, and of a crash the exception."""
        return self.kind, self.detail.partition(":")[0] if self.kind == "crash" else ""


@dataclass
class Outcome:
    """What came of a program: a finding, a refusal, or neither; `valid` unless NumPy cannot run it."""

    finding: Finding | None = None
    refusal: str = ""
    valid: bool = True
    notes: list[str] = field(default_factory=list[str])


class _Found(Exception):
    """Ends the examination of a program."""

    def __init__(self, kind: str, detail: str, symbols: Mapping[str, int], want: Sequence[Any] = ()) -> None:
        super().__init__(detail)
        self.finding = Finding(kind, detail, symbols, tuple(want))


def check(program: Program, *, jax: bool = True) -> Outcome:
    """Try a program; `jax` tells whether it is compared with JAX, where that is installed."""
    try:
        numpy_value(program, program.arrays(program.sizes[0]))
    except Exception:  # a program that a shrinking step has spoilt
        return Outcome(valid=False)
    examination = _Examination(program, jax and Jax.is_there())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            examination.run()
        except _Found as found:
            examination.outcome.finding = found.finding
    return examination.outcome


class _Examination:
    """The comparisons of one program, in order; the first that fails ends it."""

    def __init__(self, program: Program, jax: bool) -> None:
        self.program, self.jax, self.outcome = program, jax, Outcome()
        self.main = program.sizes[0]
        self.unit = 2.0**-23 if program.has_f32 else 2.0**-52
        # Each derivative adds products and sums that the optimiser may arrange in another way.
        self.units = 64.0 * 8**program.options.order * (8 if program.options.math == "fast" else 1)

    def run(self) -> None:
        program = self.program
        function = self._guarded(lambda: traced(program), self.main)
        if function is None:
            return
        kernel = self._guarded(lambda: compiled(program, function), self.main)
        if kernel is None:
            return
        graph = self._guarded(lambda: transformed_graph(function, program), self.main)
        stages = getattr(kernel, "stages", None)
        for symbols in program.sizes:
            if self._at(symbols, kernel, graph) and stages is not None:
                self._shadowed(stages.planned(), function.captured, graph, symbols)

    def _guarded(self, make: Callable[[], Any], symbols: Mapping[str, int]) -> Any:
        """Return what is made; None where diffc refuses. Every other exception is a finding."""
        try:
            return make()
        except dc.DiffcError as problem:
            if "fault in diffc" in str(problem):
                raise _Found("crash", f"{type(problem).__name__}: {problem}", symbols) from problem
            self.outcome.refusal = str(problem)
            return None
        except Exception as problem:
            last = traceback.extract_tb(problem.__traceback__)[-1]
            where = f"{last.filename.rpartition('/diffc/')[2]}:{last.lineno}"
            text = f"{type(problem).__name__}: {str(problem)[:200]} ({where})"
            raise _Found("crash", text, symbols) from problem

    def _interpreted(self, graph: Any, given: Sequence[Any], symbols: Mapping[str, int]) -> Any:
        try:
            return interpreted(graph, given)
        except Exception as problem:
            text = f"the interpreter: {type(problem).__name__}: {str(problem)[:200]}"
            raise _Found("crash", text, symbols) from problem

    # -- one size ---------------------------------------------------------------------------------

    def _at(self, symbols: Mapping[str, int], kernel: Any, graph: Any) -> bool:
        """Compare what a call gives; tell whether it gave anything."""
        given = self.program.given(symbols)
        try:
            value = numpy_value(self.program, self.program.arrays(symbols))
        except REFUSALS as problem:
            self._refused(kernel, given, symbols, problem)
            return False
        before = [np.array(each) for each in given]
        result = self._guarded(lambda: kernel(*given), symbols)
        if result is None:
            return False
        got = leaves(result)
        if not all(np.array_equal(a, b) for a, b in zip(before, given, strict=True)):
            raise _Found("input changed", "an argument is changed by the call", symbols)
        want, runs = self._interpreted(graph, given, symbols)
        self._compare("interpreter", got, want, runs, symbols)
        self._compare_value(value, got, want, runs, symbols)
        if symbols == self.main and self.program.options.order:
            self._compare_slopes(got)
            if self.jax:
                self._compare_jax(value, got, want, runs)
        return True

    def _refused(
        self, kernel: Any, given: Sequence[Any], symbols: Mapping[str, int], problem: Exception
    ) -> None:
        """Find fault where diffc answers what NumPy refuses, and the answer depends on it."""
        if self.program.options.transform not in ("value", "value_and_grad", "jvp", "vmap"):
            return
        try:
            numpy_value(self.program.live, self.program.arrays(symbols))
        except REFUSALS:
            pass
        else:
            return
        result = self._guarded(lambda: kernel(*given), symbols)
        self.outcome.refusal = ""  # as it should be
        if result is not None:
            text = f"NumPy raises {type(problem).__name__}: {str(problem)[:100]}; diffc returns "
            text += f"{leaves(result)[0]!r:.80}"
            raise _Found("accepted", text, symbols)

    def _compare(
        self,
        kind: str,
        got: Sequence[Any],
        want: Sequence[Any],
        runs: Sequence[Any],
        symbols: Mapping[str, int],
    ) -> None:
        if len(got) != len(want):
            raise _Found(kind, f"{len(got)} results, expected {len(want)}", symbols, want)
        for k, (mine, theirs) in enumerate(zip(got, want, strict=True)):
            found = difference(mine, theirs, [run[k] for run in runs], self.unit, self.units)
            case = Case(mine, theirs, lambda: False)
            if found is not None and np.any(self._not_agreed(found[0], case, AS_WRITTEN)):
                raise _Found(kind, f"result {k}, {found[1]}", symbols, want)

    def _compare_value(
        self,
        value: Sequence[Any],
        got: Sequence[Any],
        want: Sequence[Any],
        runs: Sequence[Any],
        symbols: Mapping[str, int],
    ) -> None:
        """Compare the value with NumPy's, where the result has it; its dtypes, too."""
        count = {"value": len(got), "vmap": len(got), "value_and_grad": 1, "jvp": len(got) // 2}
        values = count.get(self.program.options.transform, 0)
        if not values:
            return
        right = [*value, *want[values:]]
        self._compare("numpy", got, right, runs, symbols)
        for k, (mine, theirs) in enumerate(zip(got, value, strict=False)):
            if not mine.ndim or mine.dtype == theirs.dtype:
                continue
            if not stays_f32(self.program.live.source, mine.dtype, theirs.dtype):
                raise _Found("numpy", f"result {k} is {mine.dtype}, NumPy's {theirs.dtype}", symbols, right)

    def _compare_slopes(self, got: Sequence[Any]) -> None:
        """Compare derivatives with differences along the program's directions."""
        program = self.program
        found = differences(program, self.main, program.options.order)
        slopes = along(program, got, program.directions(self.main), len(found))
        relative = 2e-2 if program.has_f32 else 1e-4
        for k, ((slope, size), want) in enumerate(zip(slopes, found, strict=True)):
            with np.errstate(all="ignore"):
                allowed = 10 * want.doubt + relative * (size + np.abs(want.estimate) + 1e-3)
                wrong = ~want.kink & np.isfinite(want.estimate) & ~(np.abs(slope - want.estimate) <= allowed)
            if np.any(wrong):
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                text = f"slope of value {k} at {at}: {slope[at]}, by differences {want.estimate[at]}"
                raise _Found("differences", text, self.main)

    def _compare_jax(
        self, value: Sequence[Any], got: Sequence[Any], want: Sequence[Any], runs: Sequence[Any]
    ) -> None:
        jax = Jax(self.program)
        try:
            plain, theirs, moved = jax.results(self.main)
        except Exception as problem:  # whatever JAX has not got
            self.outcome.notes.append(f"JAX does not run it: {type(problem).__name__}")
            return
        pairs = zip(plain, value, strict=True)
        if not all(
            np.shape(a) == b.shape and np.allclose(a, b, 1e-3, 1e-3, equal_nan=True) for a, b in pairs
        ):
            self.outcome.notes.append("JAX has another value")
            return
        if len(theirs) != len(got):
            raise _Found("jax", f"{len(got)} results, JAX has {len(theirs)}", self.main)
        for k, (mine, each) in enumerate(zip(got, theirs, strict=True)):
            shaken = [run[k] for run in moved]
            if want[k].shape == each.shape:  # our own digits are worth no more than the interpreter's
                shaken += [each + (run[k] - want[k]) for run in runs]
            found = difference(mine, each, shaken, self.unit, 8 * self.units)
            if found is not None and np.any(
                self._not_agreed(found[0], Case(mine, each, self._is_kink), AGREED)
            ):
                raise _Found("jax", f"result {k}, {found[1]}", self.main, theirs)

    def _not_agreed(self, wrong: Any, case: Case, table: Sequence[Agreed]) -> Any:
        """Return which differences a table of agreed ones leaves."""
        for agreed in table:
            excused = wrong & agreed.excuses(case)
            if np.any(excused):
                self.outcome.notes.append(f"agreed: {agreed.name}")
                wrong = wrong & ~excused
            if not np.any(wrong):
                break
        return wrong

    def _is_kink(self) -> bool:
        """Tell whether the function has a kink here, along the program's directions."""
        return any(bool(np.any(each.kink)) for each in differences(self.program, self.main, 1))

    # -- shadow memory ----------------------------------------------------------------------------

    def _shadowed(
        self, loops: Any, captured: Mapping[str, Any], graph: Any, symbols: Mapping[str, int]
    ) -> None:
        """Run the kernel's source on shadow memory and compare what it gives."""
        given = self.program.given(symbols)
        bound = bind_symbols(graph.inputs, [np.asarray(each) for each in given])
        if shadow.statements(loops, bound) > SHADOW_STATEMENTS:
            return
        try:
            status, outputs = shadow.run(loops, given, captured, bound)
        except shadow.Fault as fault:
            raise _Found("shadow", str(fault), symbols) from None
        except Exception as problem:
            text = f"{type(problem).__name__}: {problem}, raised by the kernel's source"
            raise _Found("crash", text, symbols) from problem
        if status == 0:
            want, runs = self._interpreted(graph, given, symbols)
            self._compare("source", [outputs[k] for k in handed_out(graph)], want, runs, symbols)
