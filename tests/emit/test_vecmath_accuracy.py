"""Every maths function against 50-digit mpmath, in ulps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
from vecmath_cases import CASES, arguments_and_truth, ulps
from vecmath_kernels import LANES, SHAPES, compiled

from diffc.emit.maths import FUNCTIONS, MAX_ULP
from diffc.ops.gamma import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", CASES)
def test_accuracy_against_mpmath(name: str, kind: str, lanes: int) -> None:
    """No result is off by more than the promised bound."""
    arguments, truth = arguments_and_truth(name, kind)
    results = compiled(name, kind, lanes)(*arguments).tolist()
    with mpmath.workdps(50):
        errors = [ulps(result, true, kind) for result, true in zip(results, truth, strict=True)]
    worst = int(np.argmax(errors))
    where = [float(x[worst]) for x in arguments]
    assert errors[worst] <= MAX_ULP[name], f"{name}{tuple(where)} = {results[worst]}, {errors[worst]:.3g} ulp"


def test_every_function_has_a_bound_and_a_test() -> None:
    """Adding a function without its bound and its points fails here."""
    exact = {"sign", "minimum", "maximum", "mod", "fmod", "floor_divide"}
    between = {f"polygamma_{n}" for n in range(1, MAX_ORDER + 1)}
    assert FUNCTIONS.keys() == MAX_ULP.keys() == CASES.keys() | exact | between
    assert all(bound <= 1.3 for bound in MAX_ULP.values())


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("gammaln", lambda x: mpmath.loggamma(x).real),
        ("digamma", mpmath.digamma),
        *((f"polygamma_{n}", functools.partial(mpmath.psi, n)) for n in (1, 2, 5)),
    ],
)
def test_functions_of_gamma_below_0(name: str, reference: Callable[..., Any]) -> None:
    """The error is small beside the larger of the value and 1: there are zeros between the poles."""
    generator = np.random.default_rng(6)
    x = -np.concatenate([generator.uniform(0, 30, 300), 10.0 ** generator.uniform(-40, 2, 100)])
    x = x[x != np.rint(x)]
    results = compiled(name, "f64", LANES["f64"][1])(x)
    with mpmath.workdps(50):
        true = [reference(mpmath.mpf(each)) for each in x.tolist()]
    errors = [abs(r - t) / max(1, abs(t)) for r, t in zip(results.tolist(), true, strict=True)]
    assert max(errors) < 1e-13
