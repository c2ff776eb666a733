"""Extents as code: every polynomial that a program needs, evaluated once where the kernel begins."""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.ir import Extent

__all__ = ["Extents"]


class Extents:
    """The values of extents in one function; evaluated where they are first asked for.

    `prepare` is called in the entry block, for every extent that the body asks for later.
    """

    def __init__(self, emitter: Emitter, symbols: dict[str, Value]) -> None:
        """Take the emitter, in its entry block, and the value of each symbol."""
        self._e = emitter
        self._symbols = symbols
        self._known: dict[Extent, Value] = {}

    def __call__(self, extent: Extent) -> Value:
        """Return an extent's value as i64."""
        if isinstance(extent, int):
            return self._e.constant("i64", extent)
        return self._known[extent]

    def prepare(self, extent: Extent) -> None:
        """Evaluate an extent."""
        if isinstance(extent, int) or extent in self._known:
            return
        e, total = self._e, None
        for monomial, coefficient in extent.terms:
            term = None if coefficient == 1 and monomial else e.constant("i64", coefficient)
            for name, power in monomial:
                for _ in range(power):
                    symbol = self._symbols[name]
                    term = symbol if term is None else e.imul(term, symbol)
            if term is not None:
                total = term if total is None else e.iadd(total, term)
        if total is not None:
            self._known[extent] = total
