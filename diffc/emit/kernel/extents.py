"""Extents as code: every polynomial that a program needs, evaluated once where the kernel begins."""

from __future__ import annotations

from functools import partial

from diffc.emit.interface import Emitter, Value
from diffc.ir import Extent
from diffc.ir.dim import fold_extent

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
        number, symbol = partial(self._e.constant, "i64"), self._symbols.__getitem__
        self._known[extent] = fold_extent(
            extent, number, symbol, self._product, self._sum, lambda a, b: self._e.sdiv(a, number(b))
        )

    def _product(self, a: Value, b: Value) -> Value:
        return b if a == self._e.constant("i64", 1) else self._e.imul(a, b)

    def _sum(self, a: Value, b: Value) -> Value:
        return b if a == self._e.constant("i64", 0) else self._e.iadd(a, b)
