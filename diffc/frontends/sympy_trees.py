"""SymPy's expression trees: the name of an expression's kind, its parts, and whether diffc knows them.

An expression is read from its attributes and the name of its class, so that this needs no SymPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from diffc.frontends.sympy_functions import FUNCTIONS
from diffc.frontends.sympy_matrices import LEAVES, MATRICES, matrix_children

__all__ = ["children_of", "fits", "free_symbols", "head_of", "is_leaf", "is_number", "is_supported"]

_STRUCTURAL = frozenset({"Add", "Mul", "Pow", "Piecewise", "im", "arg"})
_LEAVES = frozenset({"MatrixSymbol", "BooleanTrue", "BooleanFalse", *LEAVES})


def free_symbols(roots: Sequence[Any]) -> list[Any]:
    """Return the symbols that a translation of these expressions meets, matrix symbols included."""
    found: dict[Any, None] = {}
    seen: dict[int, Any] = {}
    stack = list(reversed(roots))
    while stack:
        expr = stack.pop()
        if id(expr) in seen:
            continue
        seen[id(expr)] = expr
        if getattr(expr, "is_Symbol", False) or head_of(expr) == "MatrixSymbol":
            found[expr] = None
        elif is_supported(expr):
            stack.extend(reversed(list(children_of(expr))))
    return list(found)


def head_of(expr: Any) -> str:
    """Return the name of a SymPy class, and nothing for classes that others defined."""
    kind = type(expr)
    return kind.__name__ if str(kind.__module__).startswith("sympy.") else ""


def is_supported(expr: Any) -> bool:
    """Tell whether diffc knows what an expression of this kind is."""
    head = head_of(expr)
    return head in FUNCTIONS or head in _STRUCTURAL or head in MATRICES


def fits(root: Any) -> bool:
    """Tell whether an expression holds nothing that is refused for what it is."""
    stack = [root]
    while stack:
        expr = stack.pop()
        if is_supported(expr):
            stack.extend(children_of(expr))
        elif not is_leaf(expr) and head_of(expr) not in _LEAVES:
            return False
    return True


def is_leaf(expr: Any) -> bool:
    """Tell whether an expression is a symbol or a number, which may be infinite."""
    return any(getattr(expr, f"is_{kind}", False) for kind in ("Symbol", "Number", "NumberSymbol"))


def children_of(expr: Any) -> Iterator[Any]:
    """Return what must be translated before an expression is; pairs of a Piecewise lie flat."""
    head = head_of(expr)
    if head in MATRICES:
        yield from matrix_children(expr, head)
        return
    if head != "Piecewise":
        yield from expr.args
        return
    for pair in expr.args:
        yield from pair.args


def is_number(expr: Any) -> bool:
    """Tell whether an expression is known to have no symbols."""
    try:
        return bool(getattr(expr, "is_number", False))
    except RecursionError:  # SymPy's own walk; an expression this deep is no constant to evaluate
        return False
