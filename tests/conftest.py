"""Options and fixtures that all tests share."""

import os

import pytest

os.environ["DIFFC_CHECK"] = (
    "1"  # graphs and loops are checked between all steps, in processes that tests start, too
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what was computed into the fixtures")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--update-golden")
