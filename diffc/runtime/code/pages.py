"""Memory for machine code: pages of large regions, each written, then made executable, never written again.

A region is one mapping of the process, whose pages in use follow each other, so that a thousand kernels take
two or three of the maps that a system allows. What is freed goes back to the system at once.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import weakref
from collections import deque
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import DiffcError

__all__ = ["Block", "Pages", "aligned", "are_supported"]

_PAGE = mmap.PAGESIZE
_READ, _WRITE, _EXECUTE = 1, 2, 4
_DONT_NEED = 4
_LINE = 64


class Block:
    """Executable memory with some content, which is free again when the block is."""

    def __init__(self, address: int, pages: int, released: deque[tuple[int, int]]) -> None:
        """Own pages, to be given back by `released`; `fill` gives them their content."""
        self.address = address
        self._bytes = pages * _PAGE
        weakref.finalize(self, _release, address, pages, released).atexit = False

    def fill(self, content: NDArray[np.uint8]) -> None:
        """Write the content, and make it executable; that is for ever."""
        _protect(self.address, self._bytes, _READ | _WRITE)
        ctypes.memmove(self.address, content.ctypes.data, content.nbytes)
        _protect(self.address, self._bytes, _READ | _EXECUTE)


class _Region:
    """One mapping: runs of free pages by where they begin."""

    def __init__(self, pages: int) -> None:
        # No `mmap` object: while the process ends, that would be unmapped under threads that still run.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = _system().mmap(
            None, ctypes.c_size_t(pages * _PAGE), _READ | _WRITE, flags, -1, ctypes.c_long(0)
        )
        if start in (None, ctypes.c_void_p(-1).value):
            raise _exhausted("mmap failed")
        self.start, self.stop = int(start), int(start) + pages * _PAGE
        self.free = {self.start: pages}

    def take(self, pages: int) -> int | None:
        """Return where so many pages begin that are free; None where there are no such."""
        for start in sorted(self.free):
            if self.free[start] >= pages:
                rest = self.free.pop(start) - pages
                if rest:
                    self.free[start + pages * _PAGE] = rest
                return start
        return None

    def give(self, start: int, pages: int) -> None:
        """Have pages back."""
        behind = start + pages * _PAGE
        pages += self.free.pop(behind, 0)
        before = next((each for each, count in self.free.items() if each + count * _PAGE == start), None)
        if before is None:
            self.free[start] = pages
        else:
            self.free[before] += pages


class Pages:
    """The regions that blocks are taken from. One thread at a time may do so: that is up to the caller."""

    def __init__(self, in_region: int = 1024) -> None:
        """Have no region yet; each has so many pages, or what one block needs."""
        self._in_region = in_region
        self._regions: list[_Region] = []
        # What finalisers have left: they may run in the middle of anything, this class included.
        self._released: deque[tuple[int, int]] = deque()

    def allocate(self, size: int) -> Block:
        """Return a block of at least so many bytes.

        Raises:
            DiffcError: where the system gives no more memory.
        """
        while self._released:
            start, pages = self._released.popleft()
            next(each for each in self._regions if each.start <= start < each.stop).give(start, pages)
        pages = max(1, -(-size // _PAGE))
        for each in self._regions:
            start = each.take(pages)
            if start is not None:
                return Block(start, pages, self._released)
        region = _Region(max(pages, self._in_region))
        self._regions.append(region)
        start = region.take(pages)
        assert start is not None
        return Block(start, pages, self._released)


def aligned(size: int) -> tuple[NDArray[np.uint8], int]:
    """Return memory to write to, of which so many bytes follow an address, and the address."""
    memory = np.zeros(size + _LINE, np.uint8)
    start: int = memory.ctypes.data
    return memory, -(-start // _LINE) * _LINE


def _release(address: int, pages: int, released: deque[tuple[int, int]]) -> None:
    _system().madvise(ctypes.c_void_p(address), ctypes.c_size_t(pages * _PAGE), _DONT_NEED)
    released.append((address, pages))


def _protect(address: int, size: int, how: int) -> None:
    if _system().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), how):
        raise _exhausted("mprotect failed")


def _exhausted(reason: str) -> DiffcError:
    return DiffcError(
        f"the system gives no more memory for machine code ({reason}): let go of kernels that are not "
        "needed, or compile one for symbolic shapes instead of many"
    )


@cache
def _system() -> Any:
    system = ctypes.CDLL(None)
    system.mmap.restype = ctypes.c_void_p
    return system


def are_supported() -> bool:
    """Return whether this system's pages can be handled so."""
    return sys.platform == "linux" and hasattr(mmap, "MAP_PRIVATE")
