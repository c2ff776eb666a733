"""Rules as data: "before => after  if condition", in diffc's own expression language.

A rule is read once into patterns. Applying it never changes a node's type: a replacement of a smaller
shape is broadcast, and one that cannot be brought to the type is refused. The same text prints itself
in the documentation, and gives SymPy both sides to prove (`sympy_sides`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Node, broadcast_shapes
from diffc.ir.lazy import lazy
from diffc.ops import REGISTRY, Elementwise, constant_like
from diffc.ops.broadcasting import broadcast
from diffc.optimize.facts import PREDICATES
from diffc.optimize.pattern import Bindings, Number, Pattern, Term, Variable, build, match, read_pattern
from diffc.optimize.pattern import variables as variables_of
from diffc.optimize.rewrite import Rewrite, Stage

__all__ = ["Rule", "sympy_value"]

_CONDITION = re.compile(r"\s*(\w+)\(([\w\s,]*)\)\s*\Z")
_CONSTANTS = ("const", "broadcast")
_LENGTH = 3
"""The length of the vectors for which a rule on reductions is written out."""


@dataclass(frozen=True, eq=False)
class Rule(Rewrite):
    """One identity.

    Attributes:
        name: unique among all rules; tests and certificates cite it.
        text: "before => after".
        condition: predicates of `facts.PREDICATES` on the rule's names, joined by "and".
        stage: see `rewrite.Stage`.
        math: "fast" for what holds for real numbers only.
        exact: whether both sides agree to the last bit for all operands, zeros' signs, infinities and
            NaN included. Other precise rules agree within rounding wherever the left side is finite.
        note: why the rule is there, or why it is allowed.
    """

    name: str
    text: str
    condition: str = ""
    stage: Stage = "any"
    math: Literal["precise", "fast"] = "precise"
    exact: bool = False
    note: str = ""
    before: Pattern = field(init=False)
    after: Pattern = field(init=False)

    def __post_init__(self) -> None:
        """Read both sides; raise `DiffcError` for a rule that says nothing or invents a name."""
        before, arrow, after = self.text.partition("=>")
        if not arrow:
            raise DiffcError(f"the rule {self.name} has no '=>'")
        object.__setattr__(self, "before", read_pattern(before))
        object.__setattr__(self, "after", read_pattern(after))
        if not isinstance(self.before, Term) or set(variables_of(self.after)) - set(self.variables):
            raise DiffcError(f"the rule {self.name} is no rewrite: {self.text}")

    def __str__(self) -> str:
        return " ".join(self.text.split()) + (f"  if {self.condition}" if self.condition else "")

    @lazy
    def variables(self) -> list[str]:
        """The names of the left side's values, in order of appearance."""
        return variables_of(self.before)

    @lazy
    def conditions(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The condition as (predicate, names), each of which must hold."""
        found: list[tuple[str, tuple[str, ...]]] = []
        for part in self.condition.split(" and ") if self.condition else ():
            read = _CONDITION.match(part)
            if read is None or read.group(1) not in PREDICATES:
                raise DiffcError(f"the rule {self.name} has an unknown condition: {part!r}")
            found.append((read.group(1), tuple(name.strip() for name in read.group(2).split(","))))
        return tuple(found)

    @lazy
    def _roots(self) -> tuple[tuple[str, tuple[frozenset[str] | None, ...]], ...]:
        """The operations that the root may have, with those of its operands (None for any)."""
        root = self.before
        assert isinstance(root, Term)
        operands = tuple(self._kinds(each) for each in root.args[:2])
        orders = [(root.op, operands)]
        if not root.axes and getattr(REGISTRY[root.op], "commutative", False):
            orders.append((root.op, operands[::-1]))
        if root.keepdims:
            orders.append(("reshape", (frozenset((root.op,)),)))
        return tuple(orders)

    @lazy
    def _twins(self) -> bool:
        """Whether the root is x op x, which one comparison rules out nearly always."""
        args = self.before.args if isinstance(self.before, Term) else ()
        return len(args) == 2 and isinstance(args[0], Variable) and args[0] == args[1]

    def _kinds(self, pattern: Pattern) -> frozenset[str] | None:
        if isinstance(pattern, Term):
            if pattern.op == "expand_dims":
                return None
            return frozenset((pattern.op, "reshape")) if pattern.keepdims else frozenset((pattern.op,))
        if isinstance(pattern, Number):
            return frozenset(_CONSTANTS)
        known = [name for name, names in self.conditions if names == (pattern.name,)]
        if "constant" in known or "negative_constant" in known or "power_of_two" in known:
            return frozenset(_CONSTANTS)
        return frozenset(("mul",)) if "product" in known else None

    def wants(self, op: str, operands: Sequence[str]) -> bool:
        """Compare the root and its operands with the left side."""
        return any(
            op == root and all(a is None or b in a for a, b in zip(kinds, operands, strict=False))
            for root, kinds in self._roots
        )

    def apply(self, node: Node) -> Node | None:
        """Return the right side for the first reading of the node under which the condition holds."""
        if self._twins and node.inputs[0] is not node.inputs[1]:
            return None
        for bindings in match(self.before, node):
            if self._holds(bindings):
                result = self._typed(bindings, node)
                if result is not None:
                    return result
        return None

    def _holds(self, bindings: Bindings) -> bool:
        for name, arguments in self.conditions:
            if not PREDICATES[name](*[bindings[each] for each in arguments]):
                return False
        return True

    def _typed(self, bindings: Bindings, node: Node) -> Node | None:
        """Return the right side with exactly the node's type, or None."""
        try:
            result = build(self.after, bindings)
        except TypeProblem:
            return None
        if not isinstance(result, Node):
            result = constant_like(result, node.dtype)
        if result.dtype != node.dtype or result is node:
            return None
        if result.shape == node.shape:
            return result
        if broadcast_shapes(result.shape, node.shape) != node.shape:
            return None
        result = broadcast(result, node.shape)
        return None if result is node else result

    def sympy_sides(self, S: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """Return both sides as SymPy expressions, and the assumptions under which they are equal.

        A rule without reductions has one expression a side. One with reductions is written out for
        vectors of three symbols, of which names that do not vary along the axes have one alone: there
        is one expression for each element of the result.
        """
        vectors = _vectors(self.before)
        assumed: list[Any] = []
        values: dict[str, Any] = {}
        scalars = _scalars(self.before)
        scalars |= {names[0] for name, names in self.conditions if name == "constant_along"}
        for name in self.variables:
            count = _LENGTH if vectors and name not in scalars else 1
            known = {each for each, names in self.conditions if names == (name,)}
            symbols = [S.Symbol(f"{name}{k}" if count > 1 else name, real=True) for k in range(count)]
            assumed += [s > 0 for s in symbols if "positive" in known]
            assumed += [s >= 0 for s in symbols if "nonnegative" in known]
            assumed += [s < 0 for s in symbols if "negative_constant" in known]
            values[name] = [s > 0 for s in symbols] if "boolean" in known else symbols
        before, after = (sympy_value(side, values, S) for side in (self.before, self.after))
        length = max(len(before), len(after))
        return tuple(before * (length // len(before))), tuple(after * (length // len(after))), tuple(assumed)


def _vectors(pattern: Pattern) -> bool:
    return isinstance(pattern, Term) and (bool(pattern.axes) or any(map(_vectors, pattern.args)))


def _scalars(pattern: Pattern) -> set[str]:
    """Return the names that have lost the axes already: those that expand_dims gives back."""
    if not isinstance(pattern, Term):
        return set()
    if pattern.op == "expand_dims":
        return set(variables_of(pattern))
    return set().union(*map(_scalars, pattern.args))


def sympy_value(pattern: Pattern, values: Mapping[str, list[Any]], S: Any) -> list[Any]:
    """Return a pattern's elements as SymPy expressions, for names given as lists of one or three."""
    if isinstance(pattern, Variable):
        return values[pattern.name]
    if isinstance(pattern, Number):
        return [_sympy_number(pattern.value, S)]
    args = [sympy_value(each, values, S) for each in pattern.args]
    if pattern.op == "expand_dims":
        return args[0]
    if pattern.axes:
        (x,) = args
        # A value that does not vary along the axes is still summed as often as they are long.
        x = x * (_LENGTH // len(x))
        if pattern.op == "sum":
            return [S.Add(*x)]
        if pattern.op == "max":
            return [S.Max(*x)]
        total = S.Add(*map(S.exp, x))
        return [S.exp(each) / total for each in x] if pattern.op == "softmax" else [S.log(total)]
    op = REGISTRY[pattern.op]
    assert isinstance(op, Elementwise)
    length = max(map(len, args))
    rows = [each * (length // len(each)) for each in args]
    return [op.sympy(S, *row) for row in zip(*rows, strict=True)]


def _sympy_number(value: float | int | bool, S: Any) -> Any:
    if isinstance(value, bool):
        return S.true if value else S.false
    if value in (float("inf"), -float("inf")):
        return S.oo if value > 0 else -S.oo
    exact = Fraction(value)
    return S.Rational(exact.numerator, exact.denominator)
