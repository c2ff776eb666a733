"""Kernels for the runtime's tests, built from the hand-written texts beside this file."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import pytest

from diffc.runtime import Kernel


@pytest.fixture(scope="session")
def samples():
    """The module `sample_kernels`; tests are no package, so it is loaded by its path."""
    place = Path(__file__).with_name("sample_kernels.py")
    spec = importlib.util.spec_from_file_location("runtime_sample_kernels", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def scalars(samples):
    return Kernel(samples.scalars_program())


@pytest.fixture(scope="session")
def twice(samples):
    return Kernel(samples.twice_program())


@pytest.fixture(scope="session")
def take(samples):
    return Kernel(samples.take_program())


@pytest.fixture
def build(samples):
    def make(*args, **fields):
        return Kernel(samples.make_program(*args, **fields))

    return make


@pytest.fixture(params=["fast", "checked"])
def path(request):
    """Both ways into a kernel: `path(kernel)` is the kernel, or a twin that has no fast entry."""

    def choose(kernel):
        if request.param == "fast":
            return kernel
        twin = Kernel(kernel.program)
        twin._entry = twin._entry_out = lambda *_: NotImplemented
        return twin

    return choose


@pytest.fixture(autouse=True)
def _fork_in_tests():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork.*", category=DeprecationWarning)
        yield
