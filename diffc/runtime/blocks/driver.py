"""Blocks one after the other in machine code: what a thread does from its first block to its last.

From Python, each block would cost some 40 us under the GIL, which is as long as a block runs. After some
blocks it comes back to Python all the same, where a signal such as that of Ctrl-C is answered.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from diffc.runtime.code.machine import LoadedCode, compile_text, load_object
from diffc.runtime.once import Once

__all__ = ["integers", "run_blocks"]

_TEXT = """
define i64 @diffc_run_blocks(ptr %kernel, ptr %bases, ptr %steps, i64 %arrays, ptr %dims, ptr %last_dims,
                             i64 %blocks, i64 %most, ptr %taken, ptr %pointers, ptr %work) {
entry:
  br label %next
next:
  %done_so_far = phi i64 [0, %entry], [%done_now, %good]
  %may_go_on = icmp slt i64 %done_so_far, %most
  br i1 %may_go_on, label %take, label %done
take:
  %block = atomicrmw add ptr %taken, i64 1 monotonic
  %is_left = icmp slt i64 %block, %blocks
  br i1 %is_left, label %head, label %done
head:
  %k = phi i64 [0, %take], [%k_next, %fill]
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
  br i1 %is_good, label %good, label %failed
good:
  %done_now = add i64 %done_so_far, 1
  br label %next
failed:
  ret i64 %status
done:
  ret i64 0
}
"""
_AT_FIRST = 4
"""So many blocks run before Python has a look at signals, ..."""

_OFTEN = 0.005
"""... and then twice as many each time, while they take less than so many seconds; the look takes 2 us."""

_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64
_TYPE = ctypes.CFUNCTYPE(
    _NUMBER, _POINTER, _POINTER, _POINTER, _NUMBER, _POINTER, _POINTER, _NUMBER, _NUMBER, *(_POINTER,) * 3
)


def integers(values: Sequence[int]) -> Any:
    """Return 64-bit integers in memory, as `run_blocks` takes them."""
    return (_NUMBER * max(1, len(values)))(*values)


def run_blocks(
    kernel: int, bases: Any, steps: Any, dims: Any, last_dims: Any, number: int, taken: Any, work: int
) -> int:
    """Take the blocks of a step until none is left, mostly without the GIL; return the kernel's status.

    Any number of threads may do so at once, each with a workspace of its own.

    Args:
        kernel: the address of the kernel's machine code.
        bases: where each array begins.
        steps: how many bytes behind one block the next begins, for each array; 0 for what all read whole.
        dims: the values of the kernel's symbols in every block but the last.
        last_dims: their values in the last one.
        number: how many blocks there are.
        taken: one element, how many of them are taken; 0 at first.
        work: the address of the workspace.
    """
    count = len(bases)
    function, _ = _driver()
    pointers = (_POINTER * count)()
    status, most = 0, _AT_FIRST
    while status == 0 and taken[0] < number:
        start = perf_counter()
        status = function(kernel, bases, steps, count, dims, last_dims, number, most, taken, pointers, work)
        if perf_counter() - start < _OFTEN:
            most *= 2
    return status


def _load() -> tuple[Callable[..., int], LoadedCode]:
    """Return the function, and the code that must outlive it."""
    code = load_object(compile_text(_TEXT, 0))
    return _TYPE(code.address("diffc_run_blocks")), code


_driver = Once(_load)
