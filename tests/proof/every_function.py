"""A formula for every function of the expression language, taken from the language's own table."""

from __future__ import annotations

import re

from diffc.syntax.functions import FUNCTIONS

INPUTS = {"x": "f64", "y": "f64", "v": "f64[3]", "w": "f64[3]", "a": "f64[2,2]", "b": "f64[2,2]"}

# What stands for a parameter: scalars for elementwise functions, arrays for the others.
SCALARS = {
    "x": "x", "y": "y", "r": "x", "delta": "y", "low": "-1", "high": "y", "at_zero": "y", "n": "2",
    "condition": "x > y",
}  # fmt: skip
ARRAYS = {
    "x": "v", "a": "a", "b": "b", "shape": "(3, 1)", "axis": "0", "indices": "arange(2)", "parts": "[v, w]",
}  # fmt: skip
CALLS = {
    "einsum": 'einsum("ij,jk->ik", a, b)',
    "matrix_power": "matrix_power(a, 3)", "outer": "outer(v, w)", "dot": "dot(v, w)",
    "broadcast_to": "broadcast_to(v, (2, 3))", "dim": "v[0]*dim(v)", "arange": "v[0] + arange(3)",
    "polygamma": "polygamma(1, x)", "any": "any(v > w)", "all": "all(v > w)",
    "and": "x > 0 and y > 0", "or": "x > 0 or y > 0", "not": "not x > 0",
    "cholesky": "cholesky(a @ a.T + b + b.T)", "binom": "binom(x + 3, y)", "eye": "v[0]*eye(2)",
    "zeros": "v + zeros(3)", "ones": "v[0]*ones(3)", "linspace": "v[0]*linspace(0, 1, 3)",
}  # fmt: skip
NUMBERS = ("i64", "any", "all", "argsort", "argmax", "argmin")
TRUTHS = (
    "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "signbit", "isnan", "isinf", "isfinite",
    "logical_xor",
)  # fmt: skip


def inputs_of(text: str) -> dict[str, str]:
    """Return the types of the inputs that a formula names."""
    return {name: kind for name, kind in INPUTS.items() if re.search(rf"\b{name}\b", text)}


def forms(name: str) -> list[str]:
    """Return a function alone, squared, and times an input of its own."""
    text = call(name)
    own = inputs_of(text)
    factor = "x" if "x" in own else "v[1]" if "v" in own else "a[0, 1]"
    return [text, f"({text})**2", f"({text})*{factor}"]


def call(name: str) -> str:
    """Return a call of a function as a scalar that is a float."""
    text = CALLS.get(name) or _call(name)
    if name in NUMBERS or name in TRUTHS:
        text = f"f64({text})"
    return text if _is_scalar(name) else f"sum({text})"


def _call(name: str) -> str:
    function = FUNCTIONS[name]
    given = SCALARS if _is_scalar(name) else ARRAYS
    names = [each.partition("=") for each in function.parameters.split(", ")]
    return f"{name}({', '.join(given[parameter] for parameter, default, _ in names if not default)})"


def _is_scalar(name: str) -> bool:
    """Tell whether a function works element by element: those come first in the table, up to `sum`."""
    names = list(FUNCTIONS)
    return names.index(name) < names.index("sum") or name in ("f64", "f32", "i64", "dim", "any", "all")
