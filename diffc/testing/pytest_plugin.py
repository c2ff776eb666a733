"""The pytest plugin: a fixture `assert_derivatives`, and a certificate in the report where it fails.

Plugins are loaded in every run of pytest, so that nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_derivatives"]


@pytest.fixture(name="assert_derivatives")
def assert_derivatives() -> Callable[..., Any]:
    """Return `diffc.testing.assert_derivatives`."""
    from diffc.testing.assertions import assert_derivatives as check

    return check
