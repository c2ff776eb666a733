"""Which builder stands for which NumPy function.

A builder has the NumPy function's own parameters, as far as they have a meaning here. It is called with every
traced value replaced by its node, inside lists and tuples too; arrays, numbers, None and slices come as they
are. It returns a node, a tuple or list of nodes, or a plain value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

__all__ = ["BUILDERS", "REFUSED", "Builder", "implements", "present", "refuses"]

Builder = Callable[..., Any]
BUILDERS: dict[Builder, Builder] = {}
"""The builder of each NumPy function."""

_Builder = TypeVar("_Builder", bound=Builder)


def implements(*functions: Builder) -> Callable[[_Builder], _Builder]:
    """Register a builder for NumPy functions that mean the same."""

    def register(builder: _Builder) -> _Builder:
        for function in functions:
            if function in BUILDERS:
                raise ValueError(f"{function!r} has two builders")
            BUILDERS[function] = builder
        return builder

    return register


REFUSED: dict[Builder, str] = {}
"""Why a NumPy function cannot be traced, and what to use instead."""


def refuses(reason: str, *functions: Builder) -> None:
    """Say why NumPy functions cannot be traced, and what to use instead."""
    for function in functions:
        if function in BUILDERS or function in REFUSED:
            raise ValueError(f"{function!r} is listed twice")
        REFUSED[function] = reason


def present(*names: str) -> tuple[Builder, ...]:
    """Return those functions of `numpy` that the installed version has: some are newer than NumPy 2.0."""
    return tuple(getattr(np, name) for name in names if hasattr(np, name))
