"""A kernel's Python source run on memory that knows, for each byte, which buffer wrote it last.

The static checker of `Loops` decides what affine indices and lifetimes decide. What symbols, gathers and
scatters leave open is decided here, for one call: the source that `diffc.source` writes is run by plain
Python on shadows of its arrays, which refuse to be

    read where nothing was written, or where another buffer has written since (its place was given away),
    read or written at an index that is negative or too large,
    written if they are inputs or constants, or left with a gap if they are outputs.

Matrix products and routines read their operands whole and write their results whole; what they write must not
overlap what they read. The workspace begins as NaN.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import evaluate_extent
from diffc.loops.form import Block, Loop, Loops
from diffc.ops.base import DTYPES
from diffc.ops.constant import const
from diffc.source import lower_to_source

__all__ = ["Fault", "run", "run_source", "statements"]


class Fault(BaseException):
    """A kernel touched memory that is not its to touch; no `except Exception` in a source stops it."""


class _Memory:
    """For each byte the number of the buffer that wrote it, 0 where nothing did; `fixed` is what is given."""

    def __init__(self, name: str, size: int, *, fixed: bool = False) -> None:
        self.name = name
        self.fixed = fixed
        self.writers = np.full(size, int(fixed), np.int32)
        self.buffers = 1

    def new_buffer(self) -> int:
        self.buffers += 1
        return self.buffers


class _Shadow:
    """An array in a memory: its values, a view of the bytes, and the place of each element's first byte."""

    def __init__(self, memory: _Memory, values: Any, places: Any, buffer: int, operands: list[Any]) -> None:
        self._memory, self._values, self._places, self._buffer = memory, values, places, buffer
        self._operands = operands
        """What library calls have read since the last store, shared by all arrays of a kernel."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    @property
    def T(self) -> _Shadow:
        return self._like(self._values.T, self._places.T)

    def reshape(self, *shape: Any) -> _Shadow:
        return self._like(self._values.reshape(*shape), self._places.reshape(*shape))

    def view(self, dtype: Any) -> _Shadow:
        """Return a new buffer in this part of the workspace."""
        values = self._values.view(dtype)
        places = self._places[:: values.dtype.itemsize]
        return _Shadow(self._memory, values, places, self._memory.new_buffer(), self._operands)

    def astype(self, dtype: Any) -> Any:
        return self.read_whole().astype(dtype)

    def strided(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Shadow:
        """Return rows of a larger matrix, as `as_strided` does."""
        steps = [stride // self._values.itemsize for stride in strides]
        flat = sum(
            np.arange(n).reshape((-1,) + (1,) * (len(shape) - 1 - k)) * steps[k] for k, n in enumerate(shape)
        )
        if np.size(flat) and (np.min(flat) < 0 or np.max(flat) >= self._values.size):
            raise Fault(f"{self._memory.name}: a strided matrix ends beyond the array")
        return self._like(self._values.reshape(-1)[flat], self._places.reshape(-1)[flat])

    def _like(self, values: Any, places: Any) -> _Shadow:
        return _Shadow(self._memory, values, places, self._buffer, self._operands)

    # -- reads and writes -------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        self._check(key)
        places = self._places[key]
        if isinstance(places, np.ndarray):
            return self._like(self._values[key], places)
        self._check_written(places)
        return self._values[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check(key)
        if self._memory.fixed:
            raise Fault(f"{self._memory.name}: an input is written")
        if isinstance(value, _Shadow):
            value = value.read_whole()
        places = np.ravel(self._places[key])
        for memory, read in self._operands:
            if memory is self._memory and np.intersect1d(self._bytes(places), read).size:
                raise Fault(f"{self._memory.name}: a routine's result overlaps what it reads")
        self._operands.clear()
        self._values[key] = value
        self._memory.writers[self._bytes(places)] = self._buffer

    def read_whole(self) -> Any:
        """Return a copy of the values, all of which must be written."""
        places = np.ravel(self._places)
        self._check_written(places)
        self._operands.append((self._memory, self._bytes(places)))
        return self._values.copy()

    def _bytes(self, places: Any) -> Any:
        return (np.reshape(places, (-1, 1)) + np.arange(self._values.itemsize)).reshape(-1)

    def _check_written(self, places: Any) -> None:
        at = slice(places, places + self._values.itemsize) if np.ndim(places) == 0 else self._bytes(places)
        found = self._memory.writers[at]
        if (found != self._buffer).any():
            what = "never written" if (found == 0).any() else "overwritten by another buffer"
            raise Fault(
                f"{self._memory.name}: buffer {self._buffer} of shape {self.shape} is read where it is {what}"
            )

    def _check(self, key: Any) -> None:
        keys = key if isinstance(key, tuple) else (key,)
        for at, extent in zip(keys, self.shape, strict=False):
            if isinstance(at, slice):
                start, stop = at.start or 0, extent if at.stop is None else at.stop
                good = 0 <= start <= extent and stop <= extent and (stop >= 0)
            else:
                good = 0 <= at < extent
            if not good:
                raise Fault(f"{self._memory.name}: index {at} of an axis with {extent} elements")
        if len(keys) > len(self.shape):
            raise Fault(f"{self._memory.name}: {len(keys)} indices for {len(self.shape)} axes")

    # -- NumPy ------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.read_whole(), dtype)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        return function(*map(_plain, args), **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, args), **kwargs)


def _plain(each: Any) -> Any:
    return each.read_whole() if isinstance(each, _Shadow) else each


def _numpy() -> types.ModuleType:
    """Return NumPy with an `as_strided` that keeps shadows."""
    module = types.ModuleType("numpy")
    module.__dict__.update(np.__dict__)
    tricks = types.SimpleNamespace(as_strided=lambda x, shape, strides: x.strided(shape, strides))
    module.lib = types.SimpleNamespace(stride_tricks=tricks)  # type: ignore[attr-defined]
    return module


def _whole(name: str, array: Any, operands: list[Any], *, fixed: bool) -> _Shadow:
    memory = _Memory(name, array.nbytes, fixed=fixed)
    places = np.arange(array.size).reshape(array.shape) * array.itemsize
    return _Shadow(memory, array, places, 1, operands)


def run_source(source: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], workspace: int) -> int:
    """Run the function `kernel` of a source on shadows; return its status.

    Args:
        source: the text from `lower_to_source`.
        inputs: the inputs and constants by name, in order; they must stay as they are.
        outputs: arrays to be filled.
        workspace: how many bytes it has.

    Raises:
        Fault: for a read or a write that no kernel may do.
    """
    operands: list[Any] = []
    arrays = [
        _whole(name, np.ascontiguousarray(a).reshape(np.shape(a)), operands, fixed=True)
        for name, a in inputs.items()
    ]
    filled = [_whole(name, a, operands, fixed=False) for name, a in outputs.items()]
    bytes_ = np.full(workspace, 0xFF, np.uint8)
    work = _Shadow(_Memory("workspace", workspace), bytes_, np.arange(workspace), 0, operands)
    namespace: dict[str, Any] = {"np": _numpy()}
    exec(compile(source.replace("import numpy as np\n", ""), "<shadow>", "exec"), namespace)
    with np.errstate(all="ignore"):
        status = int(namespace["kernel"](*arrays, *filled, work))
    if status == 0:
        for each in filled:
            each.read_whole()
    return status


def statements(loops: Loops, symbols: Mapping[str, int]) -> int:
    """Return how many statements a run executes, about."""

    def count(block: Block) -> int:
        total = 0
        for item in block:
            if isinstance(item, Loop):
                inside = len(item.prologue) + 1 + count(item.body)
                total += inside * max(evaluate_extent(item.axis.extent, symbols), 1)
            else:
                total += 1
        return total

    return count(loops.body)


def run(
    loops: Loops, inputs: Sequence[Any], captured: Mapping[str, Any], symbols: Mapping[str, int]
) -> tuple[int, list[Any]]:
    """Run a scheduled program on shadows; return its status and its outputs.

    Raises:
        Fault: for a read or a write that no kernel may do.
    """
    given: dict[str, Any] = {}
    for buffer, array in zip(loops.inputs, inputs, strict=True):
        given[f"input {buffer.name}"] = np.asarray(array, DTYPES[buffer.type.dtype])
    for buffer in loops.constants:
        assert buffer.node is not None
        attrs = buffer.node.attrs
        value = const.reference(attrs) if buffer.node.op is const else captured[attrs["name"]]
        given[f"constant {buffer.name}"] = np.array(value, DTYPES[buffer.type.dtype])
    outputs = {
        f"output {k}": np.empty(
            [evaluate_extent(e, symbols) for e in buffer.type.shape], DTYPES[buffer.type.dtype]
        )
        for k, buffer in enumerate(loops.outputs)
    }
    status = run_source(lower_to_source(loops), given, outputs, evaluate_extent(loops.workspace, symbols))
    return status, list(outputs.values())
