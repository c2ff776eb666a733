"""Checks of derivatives for users' tests: `assert_derivatives`, and a pytest fixture of that name."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffc.testing.assertions import assert_derivatives as assert_derivatives

__all__ = ["assert_derivatives"]


def __getattr__(name: str) -> Any:
    """Import the check when it is first used: every run of pytest loads the plugin beside it."""
    if name != "assert_derivatives":
        raise AttributeError(f"module 'diffc.testing' has no attribute {name!r}")
    from diffc.testing.assertions import assert_derivatives

    return assert_derivatives
