"""Points of a program, where an equation of its derivatives is refuted, or seen to hold.

A local equation has free symbols for values that depend on each other in the program. What holds for all of
them is proved; what fails for some of them is not thereby refuted, since the program may never take those.
So an equation is refuted by values of the program's inputs alone: the program is run there in long
arithmetic, every slope is a difference quotient, and both sides are compared. An element counts where both
one-sided quotients agree and all is finite: what lies on a kink follows a convention, tested elsewhere.
Programs too large for long arithmetic are run by the NumPy reference, and must be off by more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np

from diffc.errors import DiffcError
from diffc.ir import Graph, Node, topological
from diffc.ops import Elementwise
from diffc.ops.interpreter import evaluate_nodes
from diffc.proof.arithmetic import Objects, resolve_with
from diffc.proof.budget import ask
from diffc.proof.deferred import Deferred, forced
from diffc.proof.frontier import LocalEquation
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.numeric import MAX_WORK, draw, work_of
from diffc.proof.sides import both_sides

__all__ = ["Evidence", "Points"]

_EXTENT, _POINTS, _TRIES, _ELEMENTS = 3, 3, 12, 300
_STEP, _KINK = 2.0**-100, 2.0**-40


@dataclass(frozen=True)
class Evidence:
    """At how many points an equation was seen to hold, and the text of one where it does not."""

    held: int
    refuted: str = ""
    claimed: str = ""
    expected: str = ""


class Points:
    """Points of the program that the nodes belong to, drawn when they are first asked for."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Keep the nodes; nothing is computed yet."""
        self._roots = tuple(nodes)
        self._drawn: list[_Point] = []
        self._program: Graph | None = None

    def evidence(self, equation: LocalEquation) -> Evidence:
        """Return what the points say of an equation."""
        held = 0
        for point in self._points():
            found = point.compare(equation)
            if isinstance(found, Evidence):
                return found
            held += found
            if held == _POINTS:
                break
        return Evidence(held)

    def _points(self) -> Iterator[_Point]:
        if self._program is None:
            inputs = [node for node in topological(self._roots) if node.is_op("input")]
            self._program = Graph("points", tuple(inputs), self._roots[:1])
        for attempt in range(_TRIES):
            if attempt == len(self._drawn):
                self._drawn.append(_Point(self._program, self._roots, attempt))
            yield self._drawn[attempt]


class _Point:
    """Values of the inputs, and of every node asked for so far."""

    def __init__(self, program: Graph, roots: tuple[Node, ...], attempt: int) -> None:
        symbols = dict.fromkeys(program.symbols, _EXTENT)
        self._inputs = draw(program, symbols, np.random.default_rng([0, attempt]), attempt)
        self._names = program.input_names
        self._symbols, self._resolve = symbols, resolve_with(symbols)
        self._long = work_of(topological(roots), symbols) <= MAX_WORK
        self._numbers: dict[Node, Any] = dict(zip(program.inputs, self._inputs, strict=True))
        self._values: dict[Node, Objects] = {}
        self._largest = MULTIPRECISION.number(1)
        if self._long:
            self._values = {node: MULTIPRECISION.array(each) for node, each in self._numbers.items()}

    def compare(self, equation: LocalEquation) -> Evidence | bool:
        """Return the evidence against the equation, else whether any element could be compared."""
        try:
            with np.errstate(all="ignore"):
                self._compute(equation)
                return self._compared(equation)
        except (ArithmeticError, ValueError, TypeError, NotImplementedError, DiffcError):
            return False  # no value, or no long arithmetic for an operation

    def _compared(self, equation: LocalEquation) -> Evidence | bool:
        left, right, terms = both_sides(equation, self._values, self._resolve, _slope)
        compared = False
        relative, absolute = self._tolerances(equation)
        for flat in range(0, left.size, max(1, left.size // _ELEMENTS)):
            index = tuple(int(k) for k in np.unravel_index(flat, left.shape))
            claimed, expected = forced(left[index]), forced(right[index])
            size = sum((abs(forced(term[index])) for term in terms), abs(claimed))
            if not mpmath.isfinite(expected):
                continue
            compared = True
            if not abs(claimed - expected) <= max(size * relative, self._largest * absolute):
                place = f" at {list(index)}" if index else ""
                shown = mpmath.nstr(claimed - expected, 6)
                text = f"numeric witness: {self._shown()} gives {shown}{place}"
                return Evidence(0, text, str(mpmath.nstr(claimed, 17)), str(mpmath.nstr(expected, 17)))
        return compared

    def _tolerances(self, equation: LocalEquation) -> tuple[float, float]:
        """Return how far both sides may be apart, by the equation's terms and by all values."""
        if self._long:
            return 2.0**-40, 2.0**-130
        single = any(node.dtype == "f32" for node in (equation.node, *equation.roots))
        return (2.0**-8, 2.0**-16) if single else (2.0**-20, 2.0**-32)

    def _compute(self, equation: LocalEquation) -> None:
        """Compute what the equation speaks of, and the operands of its elementwise operations."""
        wanted = [*equation.roots, *(each for node in equation.consumers for each in node.inputs)]
        if self._long:
            for node in topological(wanted, stop=set(self._values)):
                if node not in self._values:
                    ask()
                    operands = [self._values[each] for each in node.inputs]
                    self._keep(node, MULTIPRECISION.apply(node, operands, self._resolve))
            return
        nodes = topological(wanted, stop=set(self._numbers))
        evaluate_nodes(nodes, (), self._numbers, self._symbols)
        for node in wanted:
            if node not in self._values:
                self._keep(node, MULTIPRECISION.array(self._numbers[node]))

    def _keep(self, node: Node, value: Objects) -> None:
        self._values[node] = value
        if node.type.is_float:
            self._largest = max([self._largest, *(abs(each) for each in value.flat if mpmath.isfinite(each))])

    def _shown(self) -> str:
        parts = [np.array2string(value, precision=6, threshold=8) for value in self._inputs]
        return ", ".join(f"{name}={text}" for name, text in zip(self._names, parts, strict=True))


def _slope(consumer: Node, place: int, arrays: list[Objects]) -> Objects:
    """Return difference quotients of an operation by one argument, element by element; NaN on kinks."""
    op = consumer.op
    assert isinstance(op, Elementwise)

    def at(*args: Any) -> Any:
        ask()
        x = args[place]
        step = MULTIPRECISION.number(_STEP) * (abs(x) if x else 1)
        low, middle, high = (
            MULTIPRECISION.scalar(op, *args[:place], x + shift, *args[place + 1 :])
            for shift in (-step, 0, step)
        )
        left, right = (middle - low) / step, (high - middle) / step
        smooth = abs(left - right) <= _KINK * (1 + abs(left) + abs(right))
        return (left + right) / 2 if smooth else MULTIPRECISION.number(float("nan"))

    return np.asarray(np.frompyfunc(partial(Deferred, at), len(arrays), 1)(*arrays), object)
