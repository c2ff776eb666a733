"""The inverse hyperbolic functions that have code of their own.

Derivatives: Abramowitz and Stegun, Handbook of Mathematical Functions, sections 4.6.37 and 4.6.39.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops.arithmetic import add, div, mul, sub
from diffc.ops.base import register
from diffc.ops.elementary import MathsFunction, hypot
from diffc.ops.elementwise import Partial

__all__ = ["asinh", "atanh"]


@register
class asinh(MathsFunction):
    """The inverse hyperbolic sine."""

    name, source, summary = "asinh", "np.arcsinh({0})", "the inverse hyperbolic sine"

    def numpy(self, *arrays: Any) -> Any:
        return np.arcsinh(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, hypot(1, inputs[0])),)  # whose square may overflow


@register
class atanh(MathsFunction):
    """The inverse hyperbolic tangent; NaN outside [-1, 1]."""

    name, source, summary = "atanh", "np.arctanh({0})", "the inverse hyperbolic tangent"

    def numpy(self, *arrays: Any) -> Any:
        return np.arctanh(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        # 1 - x**2 as a product, which does not cancel near +-1.
        return (div(1, mul(sub(1, inputs[0]), add(1, inputs[0]))),)
