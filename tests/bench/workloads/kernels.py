"""diffc's calls of a traced function: its value, and its value with gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Call = Callable[[], list[Any]]


def value_alone(function: Any, args: Sequence[Any]) -> Call:
    """Return a call of the function's kernel."""
    import diffc as dc

    kernel = dc.compile(function)
    return lambda: [kernel(*args)]


def value_and_gradients(function: Any, names: Sequence[str], args: Sequence[Any], parallel: bool) -> Call:
    """Return a call that gives the value and the gradients by the inputs that are named."""
    import diffc as dc

    kernel = dc.compile(dc.value_and_grad(function, names), parallel=parallel)

    def call() -> list[Any]:
        value, gradients = kernel(*args)
        return [value, *gradients]

    return call
