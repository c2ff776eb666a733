"""The last pass: constants that lose digits on the way are rounded from as many digits as they need."""

import mpmath
import numpy as np
import pytest

import diffc as dc

EXACT = mpmath.MPContext()
EXACT.dps = 1500
PI, EXP = EXACT.pi, EXACT.exp

LOSING = {
    "exp(200) + pi - exp(200)": PI,
    "exp(700) + sin(1) - exp(700)": EXACT.sin(1),
    "((exp(1) + pi*1e-90) - exp(1))*1e90": PI * EXACT.mpf(1e-90) * EXACT.mpf(1e90),
    "(exp(1e-90) - 1)*1e90": EXACT.expm1(EXACT.mpf(1e-90)) * EXACT.mpf(1e90),
    "1/log(1 + exp(-300))": 1 / EXACT.log1p(EXP(-300)),
    "1 - erf(15)": EXACT.erfc(15),
    "log(1 + exp(-500))": EXACT.log1p(EXP(-500)),
    "sin(exp(700))": EXACT.sin(EXP(700)),
    "sum([exp(200), pi, -exp(200)])": PI,
    "sqrt(2)*sqrt(3)/7": EXACT.sqrt(6) / 7,
    "log(3)/log(5)": EXACT.log(3) / EXACT.log(5),
}


@pytest.mark.parametrize("text", LOSING)
def test_a_constant_is_the_nearest_double(text):
    assert dc.parse(f"x*({text})")(1.0) == float(LOSING[text])
    assert dc.verify(dc.parse(f"x*({text})"), order=1).verdict != "refuted"


@pytest.mark.parametrize(
    "text", ["sin(pi)", "cos(pi/2)", "log(exp(2)) - 2", "sqrt(2)**2 - 2", "exp(log(3)) - 3"]
)
def test_what_is_exactly_zero_is_zero(text):
    f = dc.parse(f"x*({text})")
    assert f(1.0) == 0
    assert not np.signbit(f(1.0))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("floor(sqrt(5)**2)", np.floor(np.sqrt(5.0) ** 2)),
        ("ceil(exp(log(13)))", np.ceil(np.exp(np.log(13.0)))),
        ("where(sqrt(2)**2 == 2, 1.0, 0.0)", float(np.sqrt(2.0) ** 2 == 2)),
        ("sign(sin(pi))", np.sign(np.sin(np.pi))),
    ],
)
def test_at_a_jump_the_value_is_that_of_numpy(text, value):
    """No digits tell on which side of the jump it lies. That is not certified either."""
    assert dc.parse(f"x*({text})")(1.0) == value


def test_what_80_digits_do_not_tell_is_not_certified():
    certificate = dc.verify(dc.parse("x*(exp(200) + pi - exp(200))"), order=1)
    assert certificate.verdict == "undecided"
    assert any("80 digits do not tell" in each.basis for each in certificate.open)
