"""Blocks one after the other in machine code: what a thread does from its first block to its last.

From Python, each block would cost some 40 us under the GIL, which is as long as a block runs.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffc.runtime.machine import LoadedCode, compile_text, load_object

__all__ = ["Blocks"]

_TEXT = """
define i64 @diffc_run_blocks(ptr %kernel, ptr %bases, ptr %steps, i64 %arrays, ptr %dims, ptr %last_dims,
                             i64 %blocks, ptr %taken, ptr %pointers, ptr %work) {
entry:
  br label %next
next:
  %block = atomicrmw add ptr %taken, i64 1 monotonic
  %is_left = icmp slt i64 %block, %blocks
  br i1 %is_left, label %head, label %done
head:
  %k = phi i64 [0, %next], [%k_next, %fill]
  %more = icmp slt i64 %k, %arrays
  br i1 %more, label %fill, label %call
fill:
  %base_at = getelementptr i64, ptr %bases, i64 %k
  %base = load i64, ptr %base_at
  %step_at = getelementptr i64, ptr %steps, i64 %k
  %step = load i64, ptr %step_at
  %offset = mul i64 %step, %block
  %address = add i64 %base, %offset
  %pointer_at = getelementptr i64, ptr %pointers, i64 %k
  store i64 %address, ptr %pointer_at
  %k_next = add i64 %k, 1
  br label %head
call:
  %following = add i64 %block, 1
  %is_last = icmp eq i64 %following, %blocks
  %sizes = select i1 %is_last, ptr %last_dims, ptr %dims
  %status = call i64 %kernel(ptr %pointers, ptr %sizes, ptr %work)
  %is_good = icmp eq i64 %status, 0
  br i1 %is_good, label %next, label %failed
failed:
  ret i64 %status
done:
  ret i64 0
}
"""
_lock = threading.Lock()
_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64
_TYPE = ctypes.CFUNCTYPE(
    _NUMBER, _POINTER, _POINTER, _POINTER, _NUMBER, _POINTER, _POINTER, _NUMBER, *(_POINTER,) * 3
)


class Blocks(NamedTuple):
    """The blocks of one step, which any number of threads take one by one."""

    kernel: int
    """The address of the kernel's machine code."""
    bases: NDArray[np.int64]
    """Where each array begins."""
    steps: NDArray[np.int64]
    """How many bytes behind one block the next begins, for each array; 0 for what all read whole."""
    dims: NDArray[np.int64]
    """The values of the kernel's symbols in every block but the last."""
    last_dims: NDArray[np.int64]
    """Their values in the last one."""
    number: int
    taken: NDArray[np.int64]
    """One element: how many blocks are taken; 0 at first."""

    def run(self, work: NDArray[np.uint8]) -> int:
        """Take blocks until none is left, without the GIL; return the status of the kernel."""
        pointers = np.empty(len(self.bases), np.int64)
        sizes = (self.dims.ctypes.data, self.last_dims.ctypes.data)
        arrays = (self.bases.ctypes.data, self.steps.ctypes.data, len(self.bases))
        memory = (self.taken.ctypes.data, pointers.ctypes.data, work.ctypes.data)
        return _function()(self.kernel, *arrays, *sizes, self.number, *memory)


@cache
def _code() -> LoadedCode:
    return load_object(compile_text(_TEXT))


def _function() -> Callable[..., int]:
    with _lock:  # Of two threads that come first, one would unload the code that the other one runs.
        return _TYPE(_code().address("diffc_run_blocks"))
