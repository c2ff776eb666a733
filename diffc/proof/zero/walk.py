"""Walking SymPy expressions without recursion, shared terms once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import sympy

from diffc.proof.budget import ask

__all__ = ["Visit", "walk"]

T = TypeVar("T")
Visit = Generator[sympy.Basic, T, T]


def walk(
    root: sympy.Basic,
    visit: Callable[[sympy.Basic], Visit[T]],
    memo: dict[int, tuple[T, sympy.Basic]],
) -> T:
    """Return ``visit``'s result on ``root``: it yields subterms and is sent their results; no recursion.

    ``memo`` goes by identity (comparing two copies of a shared graph structurally is exponential) and
    keeps each term alive.
    """
    stack = [(root, visit(root))]
    sent: Any = None
    while stack:
        ask()
        term, frame = stack[-1]
        try:
            child = frame.send(sent)
        except StopIteration as done:
            stack.pop()
            sent = done.value
            memo[id(term)] = (sent, term)
            continue
        if id(child) in memo:
            sent = memo[id(child)][0]
        else:
            stack.append((child, visit(child)))
            sent = None
    return sent
