"""Constants that the compiler rounded last: each against the value of its expression in long arithmetic.

Everything before that pass is exact, so that these are the only roundings between a formula and its code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from diffc.ir import Node, topological
from diffc.ir.dtype import FORMATS
from diffc.ops.base import DTYPES
from diffc.ops.number_systems import Objects, resolve_with
from diffc.proof.budget import attempt
from diffc.proof.certificate import Check
from diffc.proof.matrices import MATRIX_OPERATIONS
from diffc.proof.multiprecision import DIGITS, MULTIPRECISION, run_with_bounds
from diffc.proof.numeric import Array

__all__ = ["Rounded", "check_constants", "expression"]

Rounded = Sequence[tuple[Node, Node]]
"""Constant expressions, and what stands for each in the code."""

ROUNDED = "rounded correctly: each within half an ulp of the 50-digit value"
FACTORED = "matrices of constants, factored by NumPy: within what its roundings explain"

UNDECIDED = "80 digits do not tell its value: it lies at a jump or an edge, or almost all digits cancel"

_LIMIT = 16
_ILL = 1000
"""From so many ulps of error in doubles on, an expression lies at a jump or an edge, or cancels."""

_SHOWN = 200
_STATIC = resolve_with({})


def check_constants(rounded: Rounded, *, kind: str = "constants") -> list[Check]:
    """Return a check for each distinct constant: is it the nearest number to its expression?"""

    def checked(before: Node, after: Node) -> Check:
        source = after.inputs[0] if after.is_op("broadcast") else after
        if before.anytype != after.anytype or not source.is_op("const"):
            text = f"it is no constant of type {before.anytype}"
            return Check(kind, expression(before), "failed", text)
        subject = f"{expression(before)} => {_shown(after)}"
        values: dict[Node, Objects] = {}
        nodes = topological((before,))
        bounds = run_with_bounds(nodes, values, _STATIC)
        factored = any(node.is_op(*MATRIX_OPERATIONS) for node in nodes)
        got = np.asarray(_elements(after))
        pairs = zip(got.flat, values[before].flat, bounds[before].flat, strict=True)
        if _is_at_a_jump(nodes, values, bounds):
            return Check(kind, subject, "unknown", UNDECIDED)
        found = [_judged(a, b, before.dtype, c, factored) for a, b, c in pairs]
        wrong = [text for text, known in found if text and known]
        if wrong or all(known for _, known in found):
            verdict, basis = "failed" if wrong else "measured", FACTORED if factored else ROUNDED
            return Check(kind, subject, verdict, basis, "\n".join(wrong[:4]))
        return Check(kind, subject, "unknown", UNDECIDED)

    pairs = dict(rounded).items()
    return [attempt(kind, expression(before), partial(checked, before, after)) for before, after in pairs]


def _elements(node: Node) -> Array:
    """Return the elements of a constant or of a broadcast of one."""
    source = node.inputs[0] if node.is_op("broadcast") else node
    return np.broadcast_to(source.op.reference(source.attrs), [int(str(extent)) for extent in node.shape])


def _is_at_a_jump(
    nodes: Sequence[Node], values: Mapping[Node, Objects], bounds: Mapping[Node, Objects]
) -> bool:
    """Tell whether an operation with jumps is so close to one that its operand may lie on either side."""
    for node in nodes:
        if not node.inputs or not (node.op.jumps or node.dtype in ("bool", "i64")):
            continue
        for k, operand in enumerate(node.inputs):
            if not operand.type.is_float or not any(bounds[operand].flat):
                continue
            for sign in (-1, 1):
                moved = [values[each] for each in node.inputs]
                moved[k] = np.asarray(moved[k] + sign * bounds[operand], object)
                changed = MULTIPRECISION.apply(node, moved, _STATIC)
                least = _ILL * max(bounds[operand].flat)
                if any(
                    a != b and not abs(a - b) <= least
                    for a, b in zip(changed.flat, values[node].flat, strict=True)
                ):
                    return True
    return False


def _judged(got: Any, true: Any, dtype: str, bound: Any, factored: bool) -> tuple[str, bool]:
    """Return by how much an element is off, and whether that is known.

    `bound` is how far a computation in the program's own dtype may be off; in long arithmetic it is that much
    less as the digits are more, but for jumps and edges, which lie between the two.
    """
    text = _off(got, true, dtype, bound if factored else None)
    if factored or dtype in ("bool", "i64"):
        return text, True
    if got == 0 and abs(true) <= bound:  # exactly zero, as sin(pi) is
        return "", True
    unit = MULTIPRECISION.number(float(np.spacing(np.abs(DTYPES[dtype](got))))) if np.isfinite(got) else 0
    long_bound = bound * MULTIPRECISION.number(10) ** -DIGITS / MULTIPRECISION.number(FORMATS[dtype].epsilon)
    if not MULTIPRECISION.is_finite(bound) or not long_bound <= unit / 4:
        return text, not text and not np.isfinite(got)
    error = abs(MULTIPRECISION.number(got) - true)
    is_ill = bound > _ILL * unit and not error > _LIMIT * bound
    return text, not (text and is_ill)


def _off(got: Any, true: Any, dtype: str, bound: Any) -> str:
    """Return by how much an element is off, or nothing where no other number of the dtype is nearer."""
    if dtype in ("bool", "i64"):
        return "" if got == true else f"it is {got}, the expression {true}"
    shown = f"it is {got!r}, the expression {MULTIPRECISION.shown(true)}"
    if np.isnan(got) or MULTIPRECISION.is_nan(true):
        return "" if np.isnan(got) and MULTIPRECISION.is_nan(true) else shown
    if np.isinf(got):
        beyond = abs(true) >= MULTIPRECISION.number(FORMATS[dtype].largest)
        return "" if beyond and (got > 0) == (true > 0) else shown
    error = abs(MULTIPRECISION.number(got) - true)
    if bound is not None:
        return "" if error <= _LIMIT * bound else shown
    kind = DTYPES[dtype]
    around = [np.nextafter(kind(got), kind(side)) for side in (-np.inf, np.inf)]
    others = [abs(MULTIPRECISION.number(each) - true) for each in around if np.isfinite(each)]
    if not any(each < error for each in others):
        return ""
    unit = np.spacing(np.abs(kind(got))).item()
    return f"{shown}: off by {float(error / unit):.3g} ulp"


def expression(node: Node) -> str:
    """Return a constant expression as text, `mul(0.1, 0.3)`; a long one shortened."""
    texts: dict[Node, str] = {}
    for each in topological((node,)):
        inner = ", ".join([texts[operand] for operand in each.inputs])
        text = _shown(each) if each.is_op("const") else f"{each.op.name}({inner})" if inner else each.op.name
        texts[each] = text if len(text) <= _SHOWN else f"{each.op.name}(...)"
    return texts[node]


def _shown(node: Node) -> str:
    elements = _elements(node)
    if elements.ndim:
        return np.array2string(elements, threshold=6).replace("\n", "")
    return repr(elements.item()) if node.dtype != "f32" else f"{elements}f32"
