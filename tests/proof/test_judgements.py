"""A right derivative is not called wrong, and a wrong kernel is not certified, as once they were."""

from dataclasses import replace

import numpy as np
import pytest

import diffc as dc
from diffc.functions import certified
from diffc.testing.assertions import assert_derivatives


def test_exact_zeros_of_a_user_are_right():
    """Floating point leaves what does not cancel; the truth is 0."""
    assert assert_derivatives(
        lambda x: np.linalg.norm(x) ** 2,
        dc.f64(3),
        gradient=lambda x: 2 * x,
        hessian=lambda x: 2 * np.eye(3),
    ).ok
    shares = lambda x: np.sum(np.exp(x) / np.sum(np.exp(x)))  # noqa: E731
    assert assert_derivatives(shares, dc.f64(3), order=1, gradient=lambda x: 0 * x).ok
    with pytest.raises(AssertionError, match="your gradient"):
        assert_derivatives(shares, dc.f64(3), order=1, gradient=lambda x: 0 * x + 1e-9)


def test_a_hessian_of_f32_and_f64_is_measured_by_the_coarser():
    f = dc.trace(lambda x, y: np.sum(x * 0.3) * np.sum(y), dc.f32(3), dc.f64(3))
    assert dc.verify(f).verdict == "holds"


@pytest.mark.parametrize("text", ["sqrt(T - 273.15)", "log(x - 5)", "acosh(0.3*x + 0.1)"])
def test_domains_that_begin_far_from_zero_are_found(text):
    assert dc.verify(dc.parse(text)).verdict == "holds"


def test_a_kernel_that_is_wrong_in_its_vectors_alone_is_refuted(monkeypatch):
    """With three elements no vector is filled."""
    measured = certified.measured

    def faulty(*arguments):
        each = measured(*arguments)

        def run():
            kernel = each.run()

            def wrong(*values):
                result = kernel(*values)
                if all(np.size(value) < 4 for value in values):
                    return result
                return tuple(x * 1.5 for x in result) if isinstance(result, tuple) else result * 1.5

            return wrong

        return replace(each, run=run)

    formula = dc.parse("sum(exp(v)*v)", {"v": "f64[N]"})
    assert dc.verify(formula).verdict == "holds"
    monkeypatch.setattr(certified, "measured", faulty)
    assert dc.verify(formula).verdict == "refuted"


@pytest.mark.parametrize("text", ["ceil(gamma(8))", "floor(15*pi/pi)", "sign(sin(pi))", "floor(sqrt(5)**2)"])
def test_a_constant_at_a_jump_is_not_certified(text):
    assert dc.verify(dc.parse(f"x*({text})"), order=1).verdict != "holds"


@pytest.mark.parametrize("text", ["floor(pi)", "where(pi > 3, 2.5, 1.0)", "sign(log(2))", "ceil(exp(1))"])
def test_a_constant_away_from_a_jump_is(text):
    assert dc.verify(dc.parse(f"x*({text})"), order=1).verdict == "holds"
