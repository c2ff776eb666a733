"""Patterns: one side of a rule as a small tree, read from the expression language.

A variable matches any value, and the same value wherever it appears again. A number matches a scalar
constant of that value, sign of zero included, whatever its dtype and also where it is broadcast. No
operation of a pattern matches within a constant expression.
Commutative operations match in both orders. A reduction's `axis=A` binds the axes to a name of their
own; `keepdims=True` matches the reduction with its axes kept and, where these lead or all before them have
extent 1, without, as broadcasting then puts them back. `expand_dims(m, axis=A)` is m with axes of extent 1
put in.

A rule's sides are a few operations deep, so that recursion over a pattern is no recursion over a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from diffc.errors import DiffcError
from diffc.ir import Extent, Node
from diffc.ops import REGISTRY, Elementwise
from diffc.ops.broadcasting import sum_
from diffc.ops.powers import pow_, power
from diffc.ops.reductions import amax
from diffc.ops.reshaping import expand_dims
from diffc.ops.softmax import logsumexp, softmax
from diffc.optimize.facts import number_of
from diffc.syntax import ParsedProgram, parse_expression
from diffc.syntax.program import Apply, Literal, Load

__all__ = ["Bindings", "Number", "Pattern", "Term", "Variable", "build", "match", "read_pattern", "variables"]

REDUCTIONS: dict[str, Callable[..., Node]] = {
    "sum": sum_,
    "max": amax,
    "logsumexp": logsumexp,
    "softmax": lambda x, axes, _keepdims: softmax(x, axes),
}
_NUMBERS = {"inf": math.inf, "True": True, "False": False}


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that matches any value."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float | int | bool


@dataclass(frozen=True, slots=True)
class Term:
    """An operation on patterns; `axes` names the axes of a reduction or of expand_dims."""

    op: str
    args: tuple[Pattern, ...]
    axes: str = ""
    keepdims: bool = False


Pattern: TypeAlias = Variable | Number | Term
Bindings: TypeAlias = Mapping[str, Any]
"""What the names of a pattern stand for: nodes, or tuples of axes."""


def read_pattern(text: str) -> Pattern:
    """Return the pattern that a text denotes; raise `DiffcError` for what no rule can say."""
    return _from_program(parse_expression(text))


def _from_program(program: ParsedProgram) -> Pattern:
    stack: list[Any] = []
    for step in program.code:
        if isinstance(step, Load):
            stack.append(Number(_NUMBERS[step.name]) if step.name in _NUMBERS else Variable(step.name))
        elif isinstance(step, Literal) and isinstance(step.value, int | float):
            stack.append(Number(step.value))
        elif isinstance(step, Apply):
            total = step.count + len(step.keywords)
            operands = stack[len(stack) - total :]
            del stack[len(stack) - total :]
            keywords = dict(zip(step.keywords, operands[step.count :], strict=True))
            stack.append(_term(step.function, tuple(operands[: step.count]), keywords, program))
        else:
            raise DiffcError(f"a rule cannot use this: {program.text!r}")
    return stack[0]


def _term(name: str, args: tuple[Any, ...], keywords: dict[str, Any], program: ParsedProgram) -> Pattern:
    if name == "neg" and isinstance(args[0], Number):
        return Number(-args[0].value)
    if name in REDUCTIONS or name == "expand_dims":
        axes = keywords.get("axis")
        if not isinstance(axes, Variable):
            raise DiffcError(f"{name} in a rule binds its axes: write axis=A in {program.text!r}")
        return Term(name, args, axes.name, keywords.get("keepdims") == Number(True))
    if keywords or not isinstance(REGISTRY.get(name), Elementwise):
        raise DiffcError(f"a rule cannot use {name} in {program.text!r}")
    return Term(name, args)


def variables(pattern: Pattern) -> list[str]:
    """Return the names of the values (not of axes) in a pattern, in order of appearance."""
    found: dict[str, None] = {}
    stack: list[Pattern] = [pattern]
    while stack:
        item = stack.pop()
        if isinstance(item, Variable):
            found[item.name] = None
        elif isinstance(item, Term):
            stack.extend(reversed(item.args))
    return list(found)


_Goals: TypeAlias = "tuple[Pattern, Node, _Goals] | None"


def match(pattern: Pattern, node: Node) -> Iterator[Bindings]:
    """Yield every way in which the pattern reads the node, at most one for each order of operands."""
    return _solve((pattern, node, None), {})


def _solve(goals: _Goals, bindings: Bindings) -> Iterator[Bindings]:
    while goals is not None:
        pattern, node, goals = goals
        if isinstance(pattern, Variable):
            bound = bindings.get(pattern.name)
            if bound is None:
                bindings = {**bindings, pattern.name: node}
            elif bound is not node:
                return
        elif isinstance(pattern, Number):
            if not _is_number(node, pattern.value):
                return
        else:
            readings = _readings(pattern, node, bindings)
            if not readings:
                return
            for inputs, found in readings[1:]:
                yield from _solve(_more(pattern.args, inputs, goals), found)
            inputs, bindings = readings[0]
            goals = _more(pattern.args, inputs, goals)
    yield bindings


def _more(patterns: tuple[Pattern, ...], nodes: tuple[Node, ...], goals: _Goals) -> _Goals:
    for pattern, node in zip(reversed(patterns), reversed(nodes), strict=True):
        goals = (pattern, node, goals)
    return goals


def _is_number(node: Node, value: float | int | bool) -> bool:
    number = number_of(node)
    if number is None or number != value or isinstance(number, bool) != isinstance(value, bool):
        return False
    return not isinstance(number, float) or math.copysign(1, number) == math.copysign(1, value)


def _readings(term: Term, node: Node, bindings: Bindings) -> list[tuple[tuple[Node, ...], Bindings]]:
    """Return the operand lists that the term's arguments may be matched with."""
    if term.op == "expand_dims":
        return _unexpanded(node, bindings.get(term.axes), bindings)
    if term.axes:
        return _reduction(term, node, bindings)
    if node.op.name != term.op or node.is_constant:
        return []
    readings = [(node.inputs, bindings)]
    if node.op.commutative and node.inputs[0] is not node.inputs[1]:
        readings.append(((node.inputs[1], node.inputs[0]), bindings))
    return readings


def _reduction(term: Term, node: Node, bindings: Bindings) -> list[tuple[tuple[Node, ...], Bindings]]:
    inner = node
    if term.keepdims and node.op.name == "reshape":
        inner = node.inputs[0]
    if inner.op.name != term.op or inner.is_constant:
        return []
    axes = inner.attrs["axes"]
    if term.keepdims:
        kept = _kept(inner.inputs[0].shape, axes)
        # Without its axes kept it broadcasts as if they were, where only axes of extent 1 lead.
        if kept != (*(1,) * (len(kept) - node.rank), *node.shape):
            return []
    if bindings.get(term.axes, axes) != axes:
        return []
    return [(inner.inputs, {**bindings, term.axes: axes})]


def _unexpanded(node: Node, axes: Any, bindings: Bindings) -> list[tuple[tuple[Node, ...], Bindings]]:
    """Return the value whose expansion by the axes, which are bound already, the node is."""
    readings: list[tuple[tuple[Node, ...], Bindings]] = []
    if node.op.name == "reshape":
        inner = node.inputs[0]
        if node.rank == inner.rank + len(axes) and _kept(node.shape, axes) == node.shape:
            rest = tuple(e for k, e in enumerate(node.shape) if k not in axes)
            if rest == inner.shape:
                readings.append(((inner,), bindings))
    if node.rank == 0 or _lead(axes):
        readings.append(((node,), bindings))
    return readings


def _kept(shape: tuple[Extent, ...], axes: tuple[int, ...]) -> tuple[Extent, ...]:
    return tuple(1 if k in axes else extent for k, extent in enumerate(shape))


def _lead(axes: tuple[int, ...]) -> bool:
    return axes == tuple(range(len(axes)))


def build(pattern: Pattern, bindings: Bindings, simply: bool = True) -> Any:
    """Return the node (or the bare number) that a pattern denotes; raise `TypeProblem` if ill typed.

    Powers are built in their simplest form unless `simply` is false, which shows a left side as it is.
    """
    if isinstance(pattern, Variable):
        return bindings[pattern.name]
    if isinstance(pattern, Number):
        return pattern.value
    args = [build(each, bindings, simply) for each in pattern.args]
    if pattern.axes:
        axes = bindings[pattern.axes]
        if pattern.op == "expand_dims":
            return args[0] if args[0].rank == 0 or _lead(axes) else expand_dims(args[0], axes)
        return REDUCTIONS[pattern.op](args[0], axes, pattern.keepdims and not _lead(axes))
    op: Any = REGISTRY[pattern.op]
    return power(*args) if op is pow_ and simply else op(*args)
