"""Batches: the samples of an epoch in a drawn order, gathered into buffers that are used again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.training.data import Samples

__all__ = ["Batch", "Batches"]

Batch = tuple[NDArray[Any], ...]
"""One contiguous array for each data input, in order. It is overwritten by the next batch."""


class Batches:
    """The batches of each epoch. The last one of an epoch may be shorter.

    The order of epoch k depends on the seed and on k alone, so that a training may be continued anywhere.
    """

    def __init__(self, samples: Samples, size: int | str, seed: int, shuffle: bool) -> None:
        """Cut `samples` into batches of `size`, or take them "all" at once."""
        self._samples = samples
        self._size = samples.count if size == "all" else min(int(size), samples.count)
        self._seed, self._shuffle = seed, shuffle
        self._whole = tuple(samples.arrays.values())
        self._full = self._views(self._size)
        rest = samples.count % self._size
        self._last = tuple(
            buffer[:rest] if name in samples.rows else buffer
            for name, buffer in zip(samples.arrays, self._full, strict=True)
        )

    def _views(self, size: int) -> Batch:
        return tuple(
            np.empty((size, *array.shape[1:]), array.dtype) if name in self._samples.rows else array
            for name, array in self._samples.arrays.items()
        )

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-self._samples.count // self._size)

    def epoch(self, number: int) -> Iterator[tuple[int, Batch]]:
        """Yield how many samples each batch of an epoch has, and the batch."""
        count = self._samples.count
        if self._size == count:
            yield count, self._whole
            return
        order = np.arange(count)
        if self._shuffle:
            order = np.random.default_rng((self._seed, number)).permutation(count)
        for start in range(0, count, self._size):
            chosen = order[start : start + self._size]
            batch = self._full if len(chosen) == self._size else self._last
            for name, array, buffer in zip(
                self._samples.arrays, self._samples.arrays.values(), batch, strict=True
            ):
                if name in self._samples.rows:
                    # Not the default mode "raise", which would gather into a copy first.
                    np.take(array, chosen, 0, buffer, mode="clip")
            yield len(chosen), batch
