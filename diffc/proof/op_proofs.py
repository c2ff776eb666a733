"""Each operation's derivative, proved once with SymPy.

* Elementwise: each partial, as an expression in free real symbols, minus `sympy.diff` of the
  operation's SymPy form, is decided to be zero on the open domain, where all parts are real and no
  switch ties. The values on edges and ties are conventions, tested on numbers.
* Linear: on every instance in `instances`, T(x) is additive and homogeneous, and <T(x), y> equals
  <x, T*(y)>, with the elements of x and y free symbols.
* Composite: on every instance and for every choice of inputs with a tangent, the JVP equals the
  derivative of the value along the tangent; the pullback pairs with it; `expand` has the same value, unless
  it approximates it.
* Factorizations: on every instance the JVP solves the defining equations differentiated; see `implicit`.
* What is not differentiable takes discrete values, so that its derivative is 0 where it exists, or
  says by definition that nothing passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import sympy

from diffc.autodiff.reverse import pullback
from diffc.ir import Node, Operation, Type, topological
from diffc.ops import Composite, Elementwise, Leaf, Linear, constant_like, input_node
from diffc.proof.arithmetic import Objects
from diffc.proof.implicit import Solution, determined, differentiated, solution_of
from diffc.proof.instances import instances_of
from diffc.proof.matrices import IMPLICIT
from diffc.proof.symbolic import shown, symbol_array, symbolic
from diffc.proof.zero import decide_zero

__all__ = ["Proof", "prove_op"]

EXPONENTS = (0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5)
"""The constant exponents for which the power's own rules are proved besides the general one."""


@dataclass(frozen=True)
class Proof:
    """What was shown of an operation: `verdict` is proved, refuted, or unknown."""

    op: str
    verdict: str
    basis: str
    detail: str = ""


@cache
def prove_op(op: Operation) -> Proof:
    """Return the proof of an operation's derivative, made once in a process."""
    claims = _Claims(op.name)
    if isinstance(op, Leaf):
        return Proof(op.name, "proved", "it has no inputs: there is nothing to differentiate")
    if isinstance(op, Elementwise):
        basis = _prove_elementwise(op, claims)
    elif isinstance(op, Linear | Composite):
        nodes = instances_of(op.name)
        if not nodes:
            return Proof(op.name, "unknown", f"no instances of {op.name} are listed in diffc/proof/instances")
        if not op.differentiable and (op.jumps or not any(node.type.is_float for node in nodes)):
            return Proof(op.name, "proved", "its values are integers: the derivative is 0 where it exists")
        for node in nodes:
            if isinstance(op, Linear):
                _prove_linear(node, op, claims)
            elif op.name in IMPLICIT:
                _prove_implicit(node, op, claims)
            else:
                _prove_derived(node, op, claims)
        basis = _basis_of_structural(op, len(nodes))
    else:
        return Proof(op.name, "unknown", "it belongs to no family that has a derivative rule")
    return claims.verdict(basis)


class _Claims:
    """Equations that must hold for one operation, decided as they come."""

    def __init__(self, op: str) -> None:
        self._op = op
        self._count = 0
        self._cases: set[str] = set()
        self._failure: tuple[str, str] | None = None

    def equal(self, what: str, left: Any, right: Any) -> None:
        """Decide left == right; keep the first failure."""
        if self._failure is not None:
            return
        self._count += 1
        found = decide_zero(sympy.Add(left, sympy.Mul(-1, right)))
        if found.verdict != "zero":
            text = f"{what}: the rule gives {shown(left)}, expected {shown(right)}; {found.basis}"
            self._failure = ("refuted" if found.verdict == "nonzero" else "unknown", text)
        else:
            self._cases.add(found.basis.split(":")[0])

    def arrays(self, what: str, left: Objects, right: Objects) -> None:
        """Decide that two arrays are equal, element by element."""
        left, right = np.asarray(left, object), np.asarray(right, object)
        if left.shape != right.shape:
            self.refuse(f"{what}: the shapes {left.shape} and {right.shape} differ")
            return
        for a, b in zip(left.flat, right.flat, strict=True):
            self.equal(what, a, b)

    def refuse(self, text: str) -> None:
        """Note something that is wrong without an equation."""
        self._failure = self._failure or ("refuted", text)

    def verdict(self, basis: str) -> Proof:
        """Return the proof as far as it went."""
        if self._failure is not None:
            return Proof(self._op, self._failure[0], basis, self._failure[1])
        kinds = " and ".join(sorted(self._cases)) or "by definition"
        return Proof(self._op, "proved", f"{basis}; {self._count} equations, {kinds}")


# Elementwise


def _prove_elementwise(op: Elementwise, claims: _Claims) -> str:
    dtypes = _operand_dtypes(op)
    inputs = [input_node(f"x{k}", Type(dtype)) for k, dtype in enumerate(dtypes)]
    node = Node.make(op, inputs)
    if not op.differentiable:
        return _prove_flat(op, node, claims)
    _prove_partials(op, node, claims)
    if op.name == "pow":
        for exponent in EXPONENTS:
            _prove_partials(op, Node.make(op, (inputs[0], constant_like(exponent, "f64"))), claims)
    return "sympy.diff of its SymPy form on the open domain"


def _operand_dtypes(op: Elementwise) -> list[str]:
    if op.name == "where":
        return ["bool", "f64", "f64"]
    return ["bool" if op.domain == "bool" else "f64"] * op.arity


def _prove_partials(op: Elementwise, node: Node, claims: _Claims) -> None:
    places = [k for k, each in enumerate(node.inputs) if each.is_op("input")]
    values = {
        each: symbol_array(each.attrs["name"], (), each.dtype) for each in node.inputs if each.is_op("input")
    }
    (value,) = symbolic([node], values)
    values[node] = value
    for k, partial in enumerate(op.partials(node, *node.inputs)):
        if k not in places or k in op.parameters or not node.inputs[k].type.is_float:
            continue
        nodes = [partial] if isinstance(partial, Node) else []
        given = symbolic(nodes, values)[0].item() if nodes else sympy.Rational(float(partial or 0))  # type: ignore[arg-type]
        expected = sympy.diff(value.item(), values[node.inputs[k]].item())
        claims.equal(f"the partial of {op.name} by argument {k}", given, expected)


def _prove_flat(op: Elementwise, node: Node, claims: _Claims) -> str:
    """Show that an operation without a derivative has none to give."""
    if not node.type.is_float:
        return f"its values are {node.dtype}: the derivative is 0 wherever it exists"
    if op.name == "stop_gradient":
        return "by definition nothing passes"
    values = _symbols(node.inputs)
    value = symbolic([node], values)[0].item()
    if value.is_integer:
        return "its values are integers: the derivative is 0 wherever it exists"
    for each in node.inputs:
        claims.equal(f"the partial of {op.name}", sympy.S.Zero, sympy.diff(value, values[each].item()))
    return "sympy.diff of its SymPy form is 0 almost everywhere"


# Structural


def _symbols(nodes: Iterable[Node], prefix: str = "") -> dict[Node, Objects]:
    return {
        each: symbol_array(f"{prefix}{each.attrs['name']}", [int(str(e)) for e in each.shape], each.dtype)
        for each in nodes
        if each.is_op("input")
    }


def _cotangent(node: Node) -> tuple[Node, Objects]:
    seed = input_node("y", node.type)
    return seed, _symbols([seed])[seed]


def _pairing(a: Objects, b: Objects) -> sympy.Expr:
    return sympy.expand(sympy.Add(*(x * y for x, y in zip(a.flat, b.flat, strict=True))))


def _basis_of_structural(op: Linear | Composite, count: int) -> str:
    if not op.differentiable:
        return "its values are bool: the derivative is 0 wherever it exists"
    if isinstance(op, Linear):
        return f"linear, and <T(x), y> = <x, T*(y)>; free symbols, {count} instances"
    if op.name in IMPLICIT:
        return f"its JVP solves its defining equations differentiated; free symbols, {count} instances"
    return f"its JVP is the derivative along the tangent; free symbols, {count} instances"


def _prove_linear(node: Node, op: Linear, claims: _Claims) -> None:
    positions = list(op.linear_in(node))
    if not positions:
        if node.type.is_float and any(each.type.is_float for each in node.inputs):
            claims.refuse(f"{_shown(node)} says that it is linear in no input")
        return
    groups = [[k] for k in positions] if op.multilinear else [positions]
    values = _symbols(node.inputs)
    seed, seed_values = _cotangent(node)
    (image,) = symbolic([node], values)
    for group in groups:
        moving = {node.inputs[k] for k in group}
        factor = sympy.Symbol("s", real=True)
        other = _symbols(moving, "other_")
        mixed = {n: v * factor + other[n] if n in moving else v for n, v in values.items()}
        (both,), (second,) = symbolic([node], mixed), symbolic([node], {**values, **other})
        claims.arrays(f"{_shown(node)} is linear", both, image * factor + second)
        right = sympy.S.Zero
        for k in group:
            back = op.transpose(node, k, seed)
            if back.anytype != node.inputs[k].anytype:
                claims.equal(
                    f"{_shown(node)}: the transpose by argument {k} is {back.anytype}",
                    sympy.S.One,
                    sympy.S.Zero,
                )
                return
            (cotangent,) = symbolic([back], {**values, seed: seed_values})
            right += _pairing(values[node.inputs[k]], cotangent)
        claims.equal(f"{_shown(node)}: <T(x), y> = <x, T*(y)>", right, _pairing(image, seed_values))


def _prove_derived(node: Node, op: Composite, claims: _Claims) -> None:
    values = _symbols(node.inputs)
    (value,) = symbolic([node], values)
    expanded = None if op.approximates(node) else op.expand(node)
    if expanded is not None:
        known = {**values, **_factored(expanded)}
        claims.arrays(f"{_shown(node)}: expand", *symbolic([expanded, node], known))
    if not op.differentiable:
        return
    for present in product(*((True, False) if each.type.is_float else (False,) for each in node.inputs)):
        if not any(present):
            continue
        tangents = [
            input_node(f"d_{k}", each.type) if has else None
            for k, (each, has) in enumerate(zip(node.inputs, present, strict=True))
        ]
        given = [each for each in tangents if each is not None]
        moving = {**values, **_symbols(given)}
        image = op.jvp(node, tangents)
        directional = _directional(
            value, [(values[n], moving[t]) for n, t in zip(node.inputs, tangents, strict=True) if t]
        )
        if image is None:
            claims.arrays(f"{_shown(node)}: no JVP", np.zeros_like(directional), directional)
            continue
        (tangent,) = symbolic([image], moving)
        claims.arrays(f"{_shown(node)}: the JVP by {list(present)}", tangent, directional)
        _prove_pullback(node, present, moving, (given, tangent), claims)


def _factored(expanded: Node) -> dict[Node, Objects]:
    """Return the values of the factorizations in an expansion, and of the matrices they factor."""
    found: dict[Node, Objects] = {}
    for node in topological([expanded]):
        if node.op.name in IMPLICIT:
            solution = solution_of(node)
            found |= {node.inputs[0]: solution.matrix, node: solution.factors}
    return found


def _prove_implicit(node: Node, op: Composite, claims: _Claims) -> None:
    """Show that the JVP solves the defining equations differentiated; see `implicit`."""
    solution = solution_of(node)
    if not determined(solution):
        claims.refuse(f"{_shown(node)}: its equations do not determine its derivative")
        return
    for left in solution.equations(solution.matrix, solution.factors):
        claims.equal(f"{_shown(node)}: its defining equations", left, sympy.S.Zero)
    tangent = input_node("d_0", node.inputs[0].type)
    image = op.jvp(node, [tangent])
    if image is None:
        claims.refuse(f"{_shown(node)} has no JVP")
        return
    values = {node.inputs[0]: solution.matrix, node: solution.factors, **_symbols([tangent])}
    expanded = op.expand(node)
    others = _companions(node, solution, [image] if expanded is None else [image, expanded])
    values |= others
    if expanded is not None and others:
        claims.arrays(f"{_shown(node)}: expand", symbolic([expanded], values)[0], solution.factors)
    (found,) = symbolic([image], values)
    for left in differentiated(solution, values[tangent], found):
        claims.equal(f"{_shown(node)}: its defining equations differentiated", left, sympy.S.Zero)
    _prove_pullback(node, (True,), values, ([tangent], found), claims)


def _companions(node: Node, solution: Solution, outputs: Sequence[Node]) -> dict[Node, Objects]:
    """Return the values of other factorizations of the same matrix, written in the same symbols."""
    others = [each for each in topological(outputs) if each.op.name in IMPLICIT and each is not node]
    found = {each: solution_of(each) for each in others if each.inputs == node.inputs}
    return {each: s.factors for each, s in found.items() if np.array_equal(s.matrix, solution.matrix)}


def _prove_pullback(
    node: Node,
    present: Sequence[bool],
    values: dict[Node, Objects],
    forward: tuple[Sequence[Node], Objects],
    claims: _Claims,
) -> None:
    """Show that what reverse mode makes of the operation pairs with its JVP."""
    given, tangent = forward
    seed, seed_values = _cotangent(node)
    wrt = [each for each, has in zip(node.inputs, present, strict=True) if has]
    shares, _ = pullback([node], [seed], wrt)
    right = sympy.S.Zero
    for share, direction in zip(shares, given, strict=True):
        if share is not None:
            (cotangent,) = symbolic([share], {**values, seed: seed_values})
            right += _pairing(values[direction], cotangent)
    claims.equal(f"{_shown(node)}: <JVP(dx), y> = <dx, pullback(y)>", right, _pairing(tangent, seed_values))


def _directional(value: Objects, pairs: Sequence[tuple[Objects, Objects]]) -> Objects:
    """Return the derivative of each element of a value along (point, direction) pairs, by sympy.diff."""
    result = np.empty(value.shape, object)
    for index in np.ndindex(*value.shape):
        total = sympy.S.Zero
        for points, directions in pairs:
            for x, dx in zip(points.flat, directions.flat, strict=True):
                total += sympy.diff(value[index], x) * dx
        result[index] = total
    return result


def _shown(node: Node) -> str:
    types = ", ".join(str(each.anytype) for each in node.inputs)
    attrs = ", ".join(f"{key}={value}" for key, value in node.attrs.items())
    return f"{node.op.name}({types}{'; ' + attrs if attrs else ''})"
