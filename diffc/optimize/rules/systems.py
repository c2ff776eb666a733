"""Linear systems whose matrix is known to be triangular."""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.linalg import triangular_solve
from diffc.optimize.facts import number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]

_MAX_DEPTH = 6
"""How far a triangle is looked for."""


@function_rewrite("solve")
def solve_triangle(node: Node) -> Node | None:
    """solve(l, r) => triangular_solve(l, r), for l a Cholesky factor, a triangle, or the transpose of one.

    Substitution takes n**2 operations where elimination takes n**3. What lies outside the triangle is zero,
    and stays so under differentiation.
    """
    a, r = node.inputs
    lower = _is_lower(a)
    return None if lower is None else triangular_solve(a, r, lower)


def _is_lower(a: Node) -> bool | None:
    """Return whether a matrix is lower triangular (True) or upper triangular (False), None if neither."""
    is_turned = False
    for _ in range(_MAX_DEPTH):
        if a.is_op("cholesky"):
            return not is_turned
        if a.is_op("where"):
            is_lower = _is_lower_part(a)
            return None if is_lower is None else is_lower != is_turned
        if a.is_op("transpose"):
            axes = a.attrs["axes"]
            if axes[-2:] != (a.rank - 1, a.rank - 2):
                return None
            is_turned = not is_turned
        elif not (a.is_op("neg") or (a.is_op("broadcast") and a.shape[-2:] == a.inputs[0].shape[-2:])):
            return None
        a = a.inputs[0]
    return None


def _is_lower_part(a: Node) -> bool | None:
    """Return which triangle of a matrix is kept where the rest is replaced by 0, None for another choice."""
    condition, x, y = a.inputs
    keeps_true = number_of(y) == 0
    if not (keeps_true or number_of(x) == 0) or condition.op.name not in ("ge", "gt", "le", "lt"):
        return None
    left, right = condition.inputs
    if _is_count(left, 2) and _is_count(right, 1):
        is_lower = condition.is_op("ge", "gt")
    elif _is_count(left, 1) and _is_count(right, 2):
        is_lower = condition.is_op("le", "lt")
    else:
        return None
    return is_lower == keeps_true


def _is_count(x: Node, axis: int) -> bool:
    """Tell whether x counts 0, 1, ... along the last axis (1) or the last but one (2) and no other one."""
    counted = x.inputs[0] if x.is_op("reshape") else x
    return counted.is_op("iota") and x.rank >= axis and x.shape[-axis] == counted.shape[0]


STRUCTURAL: tuple[FunctionRewrite, ...] = (solve_triangle,)
