"""Which builder stands for which NumPy function.

A builder has the NumPy function's own parameters, as far as they have a meaning here. It is called with every
traced value replaced by its node, inside lists and tuples too; arrays, numbers, None and slices come as they
are. It returns a node, a tuple or list of nodes, or a plain value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

__all__ = [
    "BUILDERS", "NAMED", "REFUSED", "Builder", "documented_name", "implements", "present", "refuses",
    "registering",    "stands_for",
]  # fmt: skip

Builder = Callable[..., Any]
BUILDERS: dict[Any, Builder] = {}
"""The builder of each NumPy function, and of what is subscripted like one, such as np.r_."""

_Builder = TypeVar("_Builder", bound=Builder)


def registering(table: dict[Any, Builder], keys: Sequence[Any]) -> Callable[[_Builder], _Builder]:
    """Return what enters a builder into a table, under each of some keys, and refuses a second one."""

    def register(builder: _Builder) -> _Builder:
        for key in keys:
            if key in table:
                raise ValueError(f"{key!r} has two builders")
            table[key] = builder
        return builder

    return register


def implements(*functions: Any) -> Callable[[_Builder], _Builder]:
    """Register a builder for NumPy functions that mean the same."""
    return registering(BUILDERS, functions)


NAMED: dict[str, Builder] = {}
"""The builders of SciPy's functions, by names such as "scipy.special.logsumexp": SciPy is never imported."""


def stands_for(*names: str) -> Callable[[_Builder], _Builder]:
    """Register a builder for functions of SciPy, by the names that its documentation gives them."""
    return registering(NAMED, names)


def documented_name(function: Any) -> str | None:
    """Return the name by which SciPy's documentation calls a function, None for one of another package.

    That of a method of a distribution is "scipy.stats.norm.logpdf".
    """
    owner = getattr(function, "__self__", None)
    module = getattr(function if owner is None else type(owner), "__module__", None) or ""
    name = getattr(function, "__name__", None)
    if name is None or not module.startswith("scipy."):
        return None
    public = ".".join(module.split(".")[:2])
    if owner is None:
        return f"{public}.{name}"
    return f"{public}.{type(owner).__name__.removesuffix('_gen')}.{name}"


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
