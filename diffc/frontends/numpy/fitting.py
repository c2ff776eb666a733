"""Polynomials fitted to points by least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer, unsupported
from diffc.frontends.numpy.linalg import lstsq
from diffc.frontends.numpy.operands import as_array, floating
from diffc.frontends.numpy.polynomials import vander
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node
from diffc.ops import cast
from diffc.ops.arithmetic import div, mul, square
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import sqrt
from diffc.ops.reshaping import expand_dims

__all__: list[str] = []


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False
) -> Node:
    """numpy.polyfit: the coefficients alone, in f64 as NumPy's."""
    unsupported("polyfit", full=full or None, cov=cov or None)
    points, values = floating(as_array(x)), floating(as_array(y))
    count = known_integer(deg, "deg") + 1
    if count < 1 or points.rank != 1 or values.rank not in (1, 2):
        raise TypeProblem(
            f"numpy.polyfit: it takes a vector of places, values for each and a degree from 0 on, not "
            f"{points.type}, {values.type} and {deg!r}"
        )
    powers = vander(points, count)
    if w is not None:
        weights = floating(as_array(w))
        if weights.rank != 1:
            raise TypeProblem(f"numpy.polyfit: the weights are a vector, not {weights.type}")
        column = expand_dims(weights, (1,))
        powers = mul(powers, column)
        values = mul(values, column if values.rank == 2 else weights)
    # Columns of one length, as in NumPy: what is small beside them is none.
    scale = sqrt(sum_(square(powers), 0))
    tolerance = rcond
    if tolerance is None and isinstance(points.shape[0], int):
        tolerance = points.shape[0] * float(np.finfo(np.float32 if points.dtype == "f32" else float).eps)
    found = lstsq(div(powers, scale), values, tolerance)[0]
    return cast(div(found, expand_dims(scale, (1,)) if found.rank == 2 else scale), "f64")
