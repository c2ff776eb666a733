"""Whether there is room to compile: LLVM ends the process where it gets no memory."""

from __future__ import annotations

from pathlib import Path

from diffc import tuning
from diffc.errors import DiffcError

__all__ = ["check_room"]

_LARGE = 1 << 20
"""Bytes of text from which on the memory of the whole machine is asked for, which takes 50 us."""


def check_room(text: str) -> None:
    """Raise `DiffcError` where the memory that compiling a module takes is not there."""
    needed = tuning.LLVM_MEMORY + tuning.LLVM_MEMORY_PER_BYTE * len(text)
    free = [_below_limit()]
    if len(text) > _LARGE:
        free.append(_on_machine())
    least = min((each for each in free if each is not None), default=needed)
    if least < needed:
        raise DiffcError(
            f"to compile {text.count(chr(10)):,} lines of LLVM takes about {needed >> 20:,} MB, and "
            f"{max(least, 0) >> 20:,} MB are free: make the program smaller, for instance by arrays in place "
            "of loops that are unrolled"
        )


def _below_limit() -> int | None:
    """Return the bytes that the limit of the process leaves (`ulimit -v`); None without one."""
    try:
        import resource
    except ImportError:  # not a system with such limits
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return None
    return limit - used


def _on_machine() -> int | None:
    """Return the bytes that the system can give; None where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        return sum(int(found[name].split()[0]) << 10 for name in ("MemAvailable", "SwapFree"))
    except (OSError, ValueError, KeyError, IndexError):
        return None
