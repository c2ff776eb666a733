"""Options and fixtures that all tests share."""

import os
import sys
from collections.abc import Callable

import numpy as np
import pytest

os.environ["DIFFC_CHECK"] = (
    "1"  # graphs and loops are checked between all steps, in processes that tests start, too
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what was computed into the fixtures")


def _calls(thunk: Callable[[], object]) -> int:
    """Return how many functions are called, in Python and in C; no busy machine changes it."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    around = sys.getprofile()
    sys.setprofile(note)
    try:
        thunk()
    finally:
        sys.setprofile(around)
    return count


@pytest.fixture
def assert_linear() -> Callable[[Callable[[int], object], int], None]:
    """Return a check that work grows no faster than its input."""

    def check(work: Callable[[int], object], size: int) -> None:
        work(max(1, size // 10))  # what happens once only
        small, large = _calls(lambda: work(size)), _calls(lambda: work(4 * size))
        assert large < 5 * small, f"{small} calls at {size}, {large} at {4 * size}"

    return check


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest) -> None:
    """Give each test the same random numbers, whichever tests ran before it: a module's `RNG` begins anew."""
    generator = getattr(request.module, "RNG", None)
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = np.random.default_rng(0).bit_generator.state


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--update-golden")
