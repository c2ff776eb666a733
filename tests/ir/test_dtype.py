"""The table of dtypes against NumPy, which the IR itself does not import."""

import numpy as np
import pytest

from diffc.ir.dtype import FLOATS, FORMATS, SPELLINGS
from diffc.ir.types import parse_type


@pytest.mark.parametrize("name", FORMATS)
def test_sizes_are_numpys(name):
    form = FORMATS[name]
    assert np.dtype(form.numpy).itemsize == form.bytes
    assert (np.dtype(form.numpy).kind == "f") == form.is_float


@pytest.mark.parametrize("name", FLOATS)
def test_limits_are_numpys(name):
    limits = np.finfo(FORMATS[name].numpy)
    assert FORMATS[name].epsilon == limits.eps
    assert FORMATS[name].largest == limits.max


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_are_read(text):
    assert parse_type(f"{text}[N]").dtype == SPELLINGS[text]
    assert np.dtype(text) == np.dtype(FORMATS[SPELLINGS[text]].numpy)
