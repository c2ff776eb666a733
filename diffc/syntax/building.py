"""A program becomes nodes: each instruction calls the builders of `diffc.ops` once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from diffc.errors import SyntaxProblem, TypeProblem
from diffc.ir import Node, note
from diffc.ops import constant
from diffc.ops.constant import pi
from diffc.ops.elementary import exp
from diffc.ops.exact import weak
from diffc.syntax.functions import ALIASES, FUNCTIONS, call_function
from diffc.syntax.program import Apply, Collect, Index, Instruction, Literal, Load, ParsedProgram, Slice
from diffc.syntax.subscripts import subscript
from diffc.syntax.suggestions import instead_of_name, nearest
from diffc.syntax.values import Bundle, Part, Value, Weak, as_extent, as_node

__all__ = ["CONSTANTS", "ExpressionProblem", "Scope", "build", "build_outputs"]

Scope: TypeAlias = Mapping[str, Node] | Mapping[str, Node | Weak]
"""What the names of a formula stand for."""

CONSTANTS: Mapping[str, Weak] = {
    "pi": weak(pi()),
    "e": weak(exp(constant(1.0))),
    "inf": math.inf,
    "nan": math.nan,
}
"""Names that stand for numbers where the scope does not have them."""


class ExpressionProblem(SyntaxProblem, TypeProblem):
    """A formula reads well but means nothing: a name is unknown or an operation refuses its operands."""


def build(program: ParsedProgram, scope: Scope) -> Node:
    """Return the node of a formula.

    Raises:
        ExpressionProblem: with a caret under the operator, function or name at fault.
    """
    value = _run(program, scope)
    try:
        return as_node(value)
    except TypeProblem as problem:
        raise ExpressionProblem(str(problem), program.text, program.code[-1].position) from None


def build_outputs(program: ParsedProgram, scope: Scope) -> Node | tuple[Node, ...]:
    """Return the node of a formula, or those of formulas with commas between them.

    Raises:
        ExpressionProblem: with a caret under the operator, function or name at fault.
    """
    value = _run(program, scope)
    try:
        if isinstance(value, Bundle) and value.kind == "tuple":
            return tuple(as_node(each) for each in value.items)
        return as_node(value)
    except TypeProblem as problem:
        raise ExpressionProblem(str(problem), program.text, program.code[-1].position) from None


def _run(program: ParsedProgram, scope: Scope) -> Value:
    stack: list[Value] = []
    # A float that f32 cannot hold becomes inf, as in NumPy, without its warning.
    with np.errstate(all="ignore"):
        for step in program.code:
            try:
                _execute(step, stack, scope)
                if isinstance(stack[-1], Node):
                    note(stack[-1])
            except TypeProblem as problem:
                raise ExpressionProblem(str(problem), program.text, step.position) from None
    return stack[-1]


def _execute(step: Instruction, stack: list[Value], scope: Scope) -> None:
    """Run one instruction: pop its operands, push its result."""
    match step:
        case Apply():
            keywords = dict(zip(step.keywords, _pop(stack, len(step.keywords)), strict=True))
            operands = _pop(stack, step.count)
            if step.function not in FUNCTIONS and step.function in scope:
                raise TypeProblem(f"{step.function!r} is no function: write {step.function}*(...)")
            stack.append(call_function(step.function, operands, keywords))
        case Load():
            stack.append(_lookup(step.name, scope))
        case Literal():
            stack.append(step.value)
        case Collect():
            stack.append(_collected(step.kind, _pop(stack, step.count)))
        case Slice():
            stack.append(_part(step, _pop(stack, sum(step.present))))
        case Index():
            items = _pop(stack, step.count)
            stack.append(subscript(as_node(stack.pop()), items))


def _pop(stack: list[Value], count: int) -> list[Value]:
    if not count:
        return []
    values = stack[-count:]
    del stack[-count:]
    return values


def _lookup(name: str, scope: Scope) -> Value:
    found = scope.get(name)
    if found is None:
        found = CONSTANTS.get(name)
    if found is None:
        if name in FUNCTIONS or name in ALIASES:
            raise TypeProblem(f"{name!r} is a function: write {name}(x)")
        known = ", ".join(list(scope)[:20]) or "none"
        meant = instead_of_name(name)
        hint = nearest(name, [*scope, *CONSTANTS]) if meant is None else f": {meant}"
        raise TypeProblem(f"unknown name {name!r}{hint} (the names here: {known})")
    return found


def _collected(kind: str, items: list[Value]) -> Bundle:
    # A list within a list becomes an array at once, so that nothing is ever deep.
    return Bundle(kind, tuple(as_node(each) if isinstance(each, Bundle) else each for each in items))


def _part(step: Slice, values: list[Value]) -> Part:
    given = iter(values)
    start, stop, stride = (next(given) if present else None for present in step.present)
    extents = [
        None if each is None else as_extent(each, "a bound of a slice") for each in (start, stop, stride)
    ]
    if not (extents[2] is None or isinstance(extents[2], int)):
        raise TypeProblem("the step of a slice must be an integer")
    return Part(extents[0], extents[1], extents[2])
