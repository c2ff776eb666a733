"""From SymPy's expression trees to nodes: the walk, and the heads that are more than a function.

Sums become `add` and `sub`, products `mul` and `div`, as a person would write them. The walk
visits each SymPy object once and does not recurse. Objects are told apart by identity, because
comparing two deep expressions would recurse inside SymPy; interning brings equal ones together.

SymPy itself is imported in `diffc/frontends/sympy.py` alone: what an expression is can be read
from its attributes and from the name of its class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from diffc.errors import DiffcError
from diffc.frontends.sympy_advice import ADVICE, advice, advice_without_i
from diffc.frontends.sympy_functions import FUNCTIONS
from diffc.frontends.sympy_matrices import LEAVES, MATRICES, matrix_extents
from diffc.frontends.sympy_parts import REAL, argument, imaginary_part, vanishing
from diffc.frontends.sympy_text import shown
from diffc.frontends.sympy_trees import children_of, fits, head_of, is_leaf, is_number, is_supported
from diffc.ir import Node, Type
from diffc.ops import constant, constant_like, lift
from diffc.ops.arithmetic import add, div, mul, neg, sub
from diffc.ops.broadcasting import full
from diffc.ops.constant import Unrounded, const, pi
from diffc.ops.elementary import exp
from diffc.ops.exact import weak
from diffc.ops.logic import where
from diffc.ops.powers import power

__all__ = ["Translator"]

_LARGEST = 10**300


class Translator:
    """Turns expressions into nodes; what several expressions share is visited once."""

    def __init__(self, atoms: Mapping[Any, Node], dtype: str) -> None:
        """Take the expressions that are inputs, with their nodes, and the dtype of all numbers."""
        self.atoms = atoms
        self.dtype = dtype
        self.missing: list[Any] = []
        """Symbols met that are no inputs; the caller reports them all at once."""
        self._atom_types = {type(each) for each in atoms}
        # The expression is kept beside its node: an object that dies gives its id to another.
        self._done: dict[int, tuple[Any, Node]] = {}
        self._root: Any = None
        self._imaginary: set[Node] = set()
        """The imaginary parts met, +0.0 or NaN."""
        self._real: dict[int, Any] = {}

    def translate(self, root: Any) -> Node:
        """Return the expression's node; raise `DiffcError` for what diffc cannot express."""
        self._root = root
        stack: list[tuple[Any, tuple[Any, ...] | None]] = [(root, None)]
        while stack:
            expr, children = stack.pop()
            if id(expr) in self._done:
                continue
            if children is not None:
                self._finish(expr, self._build(expr, [self._node(each) for each in children]))
            elif (leaf := self._leaf(expr)) is not None:
                self._finish(expr, leaf)
            else:
                children = tuple(children_of(expr))
                stack.append((expr, children))
                stack.extend((each, None) for each in reversed(children))
        return self._node(root)

    def _finish(self, expr: Any, node: Node) -> None:
        self._done[id(expr)] = (expr, node)

    def _node(self, expr: Any) -> Node:
        return self._done[id(expr)][1]

    def _leaf(self, expr: Any) -> Node | None:
        """Return the node of an input or a constant; None for what has operands to visit first."""
        if self._is_atom(expr):
            return self.atoms[expr]
        if getattr(expr, "is_Number", False) or getattr(expr, "is_NumberSymbol", False):
            return constant_like(self._number(expr), self.dtype)
        head = head_of(expr)
        if getattr(expr, "is_Symbol", False) or head == "MatrixSymbol":
            self.missing.append(expr)
            shape = matrix_extents(expr) if head == "MatrixSymbol" else ()
            return full(math.nan, Type(self.dtype, shape))
        if head in LEAVES:
            return LEAVES[head](expr, self.dtype)
        if head in ("BooleanTrue", "BooleanFalse"):
            return constant(head == "BooleanTrue")
        if head in ("ImaginaryUnit", "ComplexInfinity"):
            raise self._complex(expr)
        return None if is_supported(expr) else self._constant_function(expr)

    def _is_atom(self, expr: Any) -> bool:
        # Only the inputs' own types are looked up: hashing a deep expression can recurse.
        return type(expr) in self._atom_types and expr in self.atoms

    def _number(self, expr: Any) -> float:
        """Return a weak number, exact or the nearest double; raise `DiffcError` for one that is too large."""
        exact = _exact(expr)
        # SymPy truncates pi and its like when it is asked for 53 bits at once.
        value = float(expr.evalf(40) if expr.is_NumberSymbol else expr) if exact is None else exact
        largest = 3.4028235677973362e38 if self.dtype == "f32" else math.inf
        if abs(value) >= largest and expr.is_finite:
            raise DiffcError(f"the number {shown(expr)} is too large for {self.dtype}")
        return value

    def _constant_function(self, expr: Any) -> Node:
        """Return the value of an unsupported function of numbers, such as gamma(1/3); else raise."""
        head = head_of(expr)
        if head and head not in ADVICE and is_number(expr):
            value = expr.evalf(40)
            if getattr(value, "is_Number", False):
                return constant_like(self._number(value), self.dtype)
            if getattr(value, "is_real", None) is False:
                raise self._complex(expr)
        raise self._unsupported(expr)

    def _unsupported(self, expr: Any) -> DiffcError:
        head, name = head_of(expr), type(expr).__name__
        if type(type(expr)).__name__ == "UndefinedFunction":
            reason = f"the function {name} is undefined; list {shown(expr)} itself in inputs, or put in its "
            reason += "definition with .subs()"
        else:
            reason = f"{name} is not supported; {advice(expr, head, fits)}"
        return DiffcError(f"{self._place(expr)}: {reason}")

    def _complex(self, expr: Any) -> DiffcError:
        way = advice_without_i(self._root, fits)
        return DiffcError(f"{self._place(expr)}: complex numbers are not supported{way}")

    def _place(self, expr: Any) -> str:
        return shown(expr) if expr is self._root else f"{shown(expr)} in {shown(self._root)}"

    def _build(self, expr: Any, operands: list[Node]) -> Node:
        head = head_of(expr)
        if head in MATRICES:
            return MATRICES[head](expr, operands)
        if any(each.rank for each in operands):
            name = type(expr).__name__
            raise DiffcError(
                f"{self._place(expr)}: {name} of a matrix is not supported; write out its elements, with "
                f".as_explicit(), or of each of them A.applyfunc({name}).as_explicit()"
            )
        if not self._imaginary.isdisjoint(operands):
            part = vanishing(head, expr, operands, [each in self._imaginary for each in operands])
            if part is not None:
                self._imaginary.add(part)
                return part
        match head:
            case "im":
                self._imaginary.add(part := imaginary_part(operands[0], self._is_real(expr.args[0])))
                return part
            case "arg":
                return argument(operands[0], self._is_real(expr.args[0]))
            case "Add":
                return self._sum(expr, operands)
            case "Mul":
                sign, magnitude = self._product(expr, operands, fold_sign=True)
                return neg(magnitude) if sign < 0 else magnitude
            case "Pow":
                return self._power(expr)
            case "Piecewise":
                return _piecewise(operands)
            case _:
                return FUNCTIONS[head](*operands)

    def _sum(self, expr: Any, operands: Sequence[Node]) -> Node:
        """Return a chain of `add` and `sub` that starts, where it can, with a term that is added."""
        pairs = [each for each in zip(expr.args, operands, strict=True) if not self._is_zero_part(each[1])]
        operands = [operand for _, operand in pairs]
        terms = [self._term(*each) for each in pairs]
        numbers = [term.is_Number for term, _ in pairs]
        first = next((k for k, (sign, _) in enumerate(terms) if sign > 0), None)
        if first is None:
            first = next((k for k, is_number in enumerate(numbers) if is_number), None)
        if first is None:
            return neg(_chain([(1, magnitude) for _, magnitude in terms]))
        return _chain([(1, operands[first]), *terms[:first], *terms[first + 1 :]])

    def _term(self, term: Any, operand: Node) -> tuple[int, Node]:
        """Return a term of a sum as a sign and what the sign leaves."""
        if head_of(term) == "Mul" and not self._is_atom(term) and operand not in self._imaginary:
            operands = [self._node(each) for each in term.args]
            return self._product(term, operands, fold_sign=False)
        if term.is_Number and term.is_extended_negative:
            return -1, constant_like(self._number(-term), self.dtype)
        return 1, operand

    def _is_zero_part(self, node: Node) -> bool:
        return node in self._imaginary and node.op is const

    def _is_real(self, expr: Any) -> bool:
        """Tell whether an expression is real wherever it has a value, all inputs being real."""
        stack, seen = [expr], dict[int, Any]()
        while stack:
            each = stack.pop()
            if id(each) in seen or id(each) in self._real or self._is_atom(each) or is_leaf(each):
                continue
            head = head_of(each)
            whole = head == "Pow" and (each.args[1].is_Integer or head_of(each.args[0]) == "Exp1")
            if not (whole or head in REAL or getattr(each, "is_Boolean", False)):
                return False
            seen[id(each)] = each
            stack.extend(children_of(each))
        self._real.update(seen)
        return True

    def _product(self, expr: Any, operands: Sequence[Node], *, fold_sign: bool) -> tuple[int, Node]:
        """Return a sign and a quotient of products: negative powers go below the line.

        With `fold_sign`, the sign goes into the product's number where there is one.
        """
        sign, numbers, above, below = 1, list[float](), list[Node](), list[Node]()
        for factor, operand in zip(expr.args, operands, strict=True):
            if factor.is_Number and not math.isnan(value := self._number(factor)):
                sign = -sign if value < 0 else sign
                numbers += [value if value >= 0 else self._number(-factor)] if abs(value) != 1 else []
            elif (exponent := _negative_exponent(factor)) is not None and not self._is_atom(factor):
                below.append(self._raise(factor, -exponent))
            else:
                above.append(operand)
        if not above and not numbers:
            numbers = [1.0]
        if fold_sign and numbers:
            sign, numbers[0] = 1, _negated(numbers[0]) if sign < 0 else numbers[0]
        upper = _multiply([*(constant_like(each, self.dtype) for each in numbers), *above])
        return sign, div(upper, _multiply(below)) if below else upper

    def _power(self, expr: Any) -> Node:
        exponent = _negative_exponent(expr)
        if exponent is not None:
            return div(1, self._raise(expr, -exponent))
        return self._raise(expr, expr.args[1])

    def _raise(self, expr: Any, exponent: Any) -> Node:
        """Return the base of a power raised to another exponent, a number or the power's own."""
        base = expr.args[0]
        node = self._node(base)
        if not exponent.is_Number:
            raised = self._node(exponent)
            return exp(raised) if head_of(base) == "Exp1" else power(node, raised)
        value = self._number(exponent)
        if base.is_Number and base.is_extended_negative and math.isfinite(value) and value % 1:
            raise self._complex(expr)
        return exp(lift(value, self.dtype)) if head_of(base) == "Exp1" else power(node, value)


def _exact(expr: Any) -> float | None:
    """Return a ratio of doubles, pi and e as the weak numbers that they are; None for any other number."""
    if head_of(expr) == "Pi":
        return weak(pi())
    if head_of(expr) == "Exp1":
        return weak(exp(constant(1.0)))
    parts = (expr.p, expr.q) if expr.is_Rational else ()
    if parts and all(abs(each) < _LARGEST and int(float(each)) == each for each in parts):
        return float(expr.p) if expr.q == 1 else weak(div(*(constant(float(each)) for each in parts)))
    return None


def _negated(number: float) -> float:
    return weak(neg(number.node)) if isinstance(number, Unrounded) else -number


def _piecewise(operands: Sequence[Node]) -> Node:
    """Return nested choices, from values and conditions in turn; NaN where no condition holds."""
    result: Node | float = math.nan
    for k in reversed(range(0, len(operands), 2)):
        value, condition = operands[k : k + 2]
        result = value if condition is constant(True) else where(condition, value, result)
    return lift(result)


def _chain(terms: Sequence[tuple[int, Node]]) -> Node:
    (_, total), *others = terms
    for sign, magnitude in others:
        total = add(total, magnitude) if sign > 0 else sub(total, magnitude)
    return total


def _multiply(factors: Sequence[Node]) -> Node:
    first, *others = factors
    for factor in others:
        first = mul(first, factor)
    return first


def _negative_exponent(expr: Any) -> Any:
    """Return the exponent of a power whose exponent is a negative number, else None."""
    if head_of(expr) != "Pow":
        return None
    exponent = expr.args[1]
    return exponent if exponent.is_Number and exponent.is_extended_negative else None
