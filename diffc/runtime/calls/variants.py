"""The code of a program in two variants: one writes its results by plain stores, one by non-temporal stores.

Results larger than the caches would push out of them all that a program works with, and each line of theirs
would be read from memory before it is written. Non-temporal stores write whole lines without that. Memory
that is new is in the caches, as the system has filled it with zeros a moment ago.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from diffc.runtime.calls.fastcall import address_of
from diffc.runtime.calls.kernel import Kernel
from diffc.runtime.calls.memory import LINE
from diffc.runtime.once import Once
from diffc.runtime.store.program import CompiledProgram

__all__ = ["Variants"]


class Variants:
    """The kernels of one program, each compiled when it is first needed."""

    def __init__(
        self,
        outline: CompiledProgram,
        make: Callable[[Sequence[int]], Kernel],
        non_temporal: Sequence[int],
        large: int,
    ) -> None:
        """Hold the parts.

        Args:
            outline: the program, which may lack its object code.
            make: compiles the program with non-temporal stores to the outputs at these positions.
            non_temporal: the positions of those that may take them.
            large: the bytes of them from which on they do.
        """
        self.outline = outline
        self.plain = Once(lambda: make(()))
        self._other = Once(lambda: make(non_temporal))
        self._positions = non_temporal
        self._large = large

    def kernel_for(
        self, outputs: Sequence[NDArray[Any]], steps: Sequence[int] | None = None, *, is_new: bool
    ) -> Kernel:
        """Return the kernel that is to write these arrays, in new memory or in the caller's.

        With `steps` it writes parts of them, each so many bytes behind the one before.
        """
        if is_new:
            return self.plain()
        arrays = [outputs[position] for position in self._positions]
        if sum(each.nbytes for each in arrays) <= self._large:
            return self.plain()
        places = [address_of(each) for each in arrays]
        if steps is not None:
            places += [steps[position] for position in self._positions]
        # What a caller gives may begin anywhere, but only whole lines are stored so.
        return self.plain() if any(place % LINE for place in places) else self._other()
