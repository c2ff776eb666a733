"""The numbers that choose between forms of code, each with the measurement that chose it.

Where a text gives figures, they are microseconds on one core of a Zen 5 with AVX-512, from
`python -m tests.bench.tuning NAME`, which tries other values. Sizes are numbers of elements unless a text
says otherwise.
"""

from __future__ import annotations

__all__ = [
    "JAM_FREE_REGISTERS",
    "JAM_LARGEST_BODY",
    "JAM_WIDTHS",
    "KEPT_BUFFER",
    "OUTLINE_MAX_ROUNDS",
    "OUTLINE_MIN_CALLS",
    "WIDEN_FREE_REGISTERS",
    "WIDEN_LARGEST_BODY",
    "WIDEN_MOST",
]

# -- the passes of Loops

KEPT_BUFFER = 256
"""A buffer of no more elements is in the nearest cache anyway: it keeps its axes."""

JAM_WIDTHS = (5, 6, 4, 3, 2)
"""How many rounds may run side by side, the best first."""

JAM_FREE_REGISTERS = 6
"""What the rounds share, and addresses of the code generator's own, need so many."""

JAM_LARGEST_BODY = 24
"""Rounds of more statements of the program than this have work of their own to overlap."""

WIDEN_MOST = 4
"""How many vectors of lanes run side by side at most."""

WIDEN_FREE_REGISTERS = 4
"""What is repeated over the lanes, and addresses of the code generator's own, need so many."""

WIDEN_LARGEST_BODY = 64
"""Rounds of more statements than this have work of their own to overlap."""

OUTLINE_MIN_CALLS = 4
"""A nest that occurs less often is emitted in place: there LLVM knows that its arrays do not overlap."""

OUTLINE_MAX_ROUNDS = 64
"""A nest of more rounds takes so long that what LLVM makes of it in place is worth its time."""
