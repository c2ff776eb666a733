"""Kernels that run by the size of a call: plain, with non-temporal stores of results, or in blocks.

What is never called is never generated: the plain code comes with the first call that is small, and with what
needs it (`save`, `run`, `jitted`); the code for large results and that of the blocks with the first call of
their size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diffc.ir import evaluate_extent
from diffc.runtime.calls.kernel import Kernel, no_entry
from diffc.runtime.once import Once
from diffc.runtime.store.program import CompiledProgram

if TYPE_CHECKING:
    from diffc.runtime.blocks.runner import Cut
    from diffc.runtime.calls.variants import Variants

__all__ = ["AdaptiveKernel"]

_KEPT = 256
"""For how many values of the symbols a kernel remembers how to run."""


class AdaptiveKernel(Kernel):
    """A kernel with several ways to run: in blocks, and in the variants of its plain code.

    `signature.workspace` and the counts in `stats` are the plain code's. A call in blocks needs less.
    """

    def __init__(
        self,
        outline: CompiledProgram,
        variants: Variants,
        cut: Once[Cut | None] | None = None,
        least: int | None = None,
    ) -> None:
        """Generate no code, unless a workspace decides.

        Args:
            outline: the program, which may lack its object code.
            variants: its code when it does not run in blocks.
            cut: the program cut into blocks; None where it cannot be.
            least: the plain code runs where its workspace has no more bytes than this. The entries of the
                plain kernel see to that, so it is compiled now. Without it the work of a call alone decides.
        """
        plain = variants.plain

        def launch(arrays: Sequence[NDArray[Any]], values: Sequence[int], work: NDArray[np.uint8]) -> int:
            return plain()._launch(arrays, values, work)

        super().__init__(outline, launch)
        self._variants = variants
        self._cut: Callable[[], Cut | None] = cut or (lambda: None)
        self._least = least
        self._chosen: dict[tuple[int, ...], Cut | None] = {}
        if least is not None:
            self._entry, self._entry_out = plain()._entry, plain()._entry_out
        elif outline.signature.symbols:
            self._entry = self._entry_by_shape(lambda: plain()._entry)
            self._entry_out = self._entry_by_shape(lambda: plain()._entry_out)

    @property
    def program(self) -> CompiledProgram:
        """The plain program, compiled when this is asked for."""
        plain = self._variants.plain().program
        return replace(plain, stages=self.stages, stats={**plain.stats, **self.stats})

    def _entry_by_shape(self, small: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """Return an entry that serves small calls by the plain kernel's, which still checks all inputs.

        The shapes of the inputs that give the symbols' values choose. To find them known takes 0.3 us.
        """
        positions = sorted({each.input for each in self.signature.bindings})
        first, single = positions[0], len(positions) == 1
        known: dict[Any, Callable[..., Any]] = {}

        def choose(args: Sequence[Any]) -> Callable[..., Any]:
            try:
                shapes = {position: args[position].shape for position in positions}
                values = [
                    divmod(shapes[each.input][each.axis] - each.offset, each.factor)
                    for each in self.signature.bindings
                ]
                fits = not any(value < 0 or rest for value, rest in values)
                plain = fits and self._cut_for(tuple(value for value, _ in values)) is None
            except (AttributeError, IndexError, TypeError):
                return no_entry
            entry = small() if plain else no_entry
            if len(known) < _KEPT:
                known[shapes[first] if single else tuple(shapes.values())] = entry
            return entry

        def call(*args: Any) -> Any:
            try:
                key = args[first].shape if single else tuple([args[each].shape for each in positions])
                entry = known[key]
            except (AttributeError, IndexError, KeyError, TypeError):
                entry = choose(args)
            return entry(*args)

        return call

    def _run_checked(
        self,
        inputs: Sequence[NDArray[Any]],
        symbols: Mapping[str, int],
        outputs: Sequence[NDArray[Any]],
        *,
        is_new: bool,
    ) -> None:
        cut = self._cut_for(tuple(symbols[name] for name in self.signature.symbols))
        if cut is None:
            self._variants.kernel_for(outputs, is_new=is_new)._run(inputs, symbols, outputs)
        else:
            cut.run(inputs, symbols, outputs, is_new=is_new)

    def _cut_for(self, values: tuple[int, ...]) -> Cut | None:
        """Return what runs a call with these values of the symbols; None for the plain code."""
        if values in self._chosen:
            return self._chosen[values]
        symbols = dict(zip(self.signature.symbols, values, strict=True))
        cut: Cut | None = None
        if self._least is None or evaluate_extent(self.signature.workspace, symbols) > self._least:
            cut = self._cut()
        chosen = cut if cut is not None and cut.is_worth(symbols) else None
        if len(self._chosen) < _KEPT:
            self._chosen[values] = chosen
        return chosen
