"""The code of a program in two forms: one writes its results as any store does, one past the caches.

Results larger than the caches would push out of them all that a program works with, and each line of theirs
would be read from memory before it is written. Past the caches, whole lines are written as they are. Memory
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
        streamed: Sequence[int],
        large: int,
    ) -> None:
        """Hold the parts.

        Args:
            outline: the program, which may lack its object code.
            make: compiles the program so that the outputs at these positions go past the caches.
            streamed: the positions of those that may.
            large: the bytes of them from which on they do.
        """
        self.outline = outline
        self.plain = Once(lambda: make(()))
        self._streaming = Once(lambda: make(streamed))
        self._streamed = streamed
        self._large = large

    def kernel_for(
        self, outputs: Sequence[NDArray[Any]], steps: Sequence[int] | None = None, *, is_new: bool
    ) -> Kernel:
        """Return the kernel that is to write these arrays, in new memory or in the caller's.

        With `steps` it writes parts of them, each so many bytes behind the one before.
        """
        if is_new:
            return self.plain()
        arrays = [outputs[position] for position in self._streamed]
        if sum(each.nbytes for each in arrays) <= self._large:
            return self.plain()
        places = [address_of(each) for each in arrays]
        if steps is not None:
            places += [steps[position] for position in self._streamed]
        # What a caller gives may begin anywhere, but only whole lines go past the caches.
        return self.plain() if any(place % LINE for place in places) else self._streaming()
