"""convolve and correlate: every length beside every other, in every mode, known and symbolic."""

import numpy as np
import pytest

import diffc as dc

RNG = np.random.default_rng(5)
LENGTHS = (1, 2, 3, 4, 5, 7)
VECTORS = {n: RNG.normal(size=n) for n in LENGTHS}
OTHERS = {n: RNG.normal(size=n) for n in LENGTHS}


def check(got, want, label):
    assert got.shape == want.shape, label
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12, err_msg=label)


@pytest.mark.parametrize("function", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_known_lengths(function, mode):
    slide = dc.jit(lambda a, v: function(a, v, mode))
    for n, a in VECTORS.items():
        for m, v in OTHERS.items():
            check(slide(a, v), function(a, v, mode), f"{n} beside {m}")


@pytest.mark.parametrize("function", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("first", [True, False])
def test_a_symbolic_length_is_right_or_refused(function, mode, first):
    """Where one is known, both cases differ in shape or place: the shorter one is refused."""
    for m, v in OTHERS.items():
        f = dc.trace(
            (lambda x, v=v: function(x, v, mode)) if first else (lambda x, v=v: function(v, x, mode)),
            dc.f64("N"),
        )
        for n, x in VECTORS.items():
            want = function(x, v, mode) if first else function(v, x, mode)
            if mode == "full" or n > m:
                check(f(x), want, f"{n} beside {m}")
                continue
            try:
                got = f(x)
            except dc.DiffcError as problem:
                assert "must" in str(problem) or "negative" in str(problem)  # noqa: PT017
            else:
                check(got, want, f"{n} beside {m}")
