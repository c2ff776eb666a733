"""Batches: the samples of an epoch in a drawn order, gathered into buffers that are used again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.training.data import Samples

__all__ = ["Batch", "Batches"]

Batch = tuple[NDArray[Any], ...]
"""One contiguous array for each data input, in order. It is overwritten by later batches."""


_ROWS = 256
"""Samples are gathered so many at a time: a call of NumPy's for each small batch would take longer."""


class Batches:
    """The batches of each epoch. The last one of an epoch may be shorter.

    The order of epoch k depends on the seed and on k alone, so that a training may be continued anywhere.
    """

    def __init__(self, samples: Samples, size: int | str, seed: int, shuffle: bool) -> None:
        """Cut `samples` into batches of `size`, or take them "all" at once."""
        self._samples = samples
        self._size = samples.count if size == "all" else min(int(size), samples.count)
        self._seed, self._shuffle = seed, shuffle
        together = max(1, _ROWS // self._size)
        self._buffers = tuple(
            np.empty((together * self._size, *array.shape[1:]), array.dtype)
            if name in samples.rows and self._size < samples.count
            else array
            for name, array in samples.arrays.items()
        )
        self._full = [self._batch(k * self._size, (k + 1) * self._size) for k in range(together)]

    def _batch(self, start: int, stop: int) -> Batch:
        """Return views of the gathered samples."""
        return tuple(
            buffer[start:stop] if name in self._samples.rows else buffer
            for name, buffer in zip(self._samples.arrays, self._buffers, strict=True)
        )

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-self._samples.count // self._size)

    def epoch(self, number: int) -> Iterator[tuple[int, Batch]]:
        """Yield how many samples each batch of an epoch has, and the batch."""
        count, size = self._samples.count, self._size
        if size == count:
            yield count, self._buffers
            return
        order = np.arange(count)
        if self._shuffle:
            order = np.random.default_rng((self._seed, number)).permutation(count)
        together = size * len(self._full)
        for start in range(0, count, together):
            chosen = order[start : start + together]
            self._gather(chosen)
            whole, rest = divmod(len(chosen), size)
            for batch in self._full[:whole]:
                yield size, batch
            if rest:
                yield rest, self._batch(whole * size, len(chosen))

    def _gather(self, chosen: NDArray[np.int64]) -> None:
        arrays = self._samples.arrays
        for (name, array), buffer in zip(arrays.items(), self._buffers, strict=True):
            if name in self._samples.rows:
                # Not the default mode "raise", which would gather into a copy first.
                np.take(array, chosen, 0, buffer[: len(chosen)], mode="clip")
