"""SymPy expressions in messages."""

from __future__ import annotations

from typing import Any

__all__ = ["shown"]

_SHOWN_NODES = 60
_SHOWN_CHARACTERS = 100


def shown(expr: Any) -> str:
    """Return an expression's text for a message: the head alone where the text would be long."""
    stack, count = [expr], 0
    while stack:
        stack.extend(getattr(stack.pop(), "args", ()))
        count += 1
        if count > _SHOWN_NODES:
            return f"{type(expr).__name__}(...)"
    text = str(expr)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
