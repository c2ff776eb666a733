"""Target: what the passes of Loops and the emitters know about the machine that code is made for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Target"]

_X86 = {"avx512f": (64, 32), "avx2": (32, 16), "avx": (32, 16)}
"""Of x86-64, by the feature that decides: the bytes of a vector, and how many vector registers there are."""

_NEON = (16, 32)
"""Of AArch64: Arm Architecture Reference Manual, the registers V0 to V31 of 128 bits."""

_LEAST = (16, 16)
"""Of x86-64 without AVX, and of whatever is not known: SSE2's sixteen registers."""


@dataclass(frozen=True, slots=True)
class Target:
    """A machine's vectors: how many bytes one has, and how many registers hold them."""

    vector_bytes: int = 16
    registers: int = 16

    @staticmethod
    def of(triple: str, features: Collection[str]) -> Target:
        """Return the target of a machine with an LLVM triple and LLVM's names of what its CPU can do."""
        if triple.startswith(("aarch64", "arm64")):
            return Target(*_NEON)
        return Target(*next((sizes for name, sizes in _X86.items() if name in features), _LEAST))

    def lanes(self, item_bytes: int) -> int:
        """Return how many elements of a size one vector holds."""
        return self.vector_bytes // item_bytes
