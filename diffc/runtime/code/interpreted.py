"""Kernels run from their source: jitted by Numba, or by plain Python.

The source is what `diffc.source.writer` wrote in this process, never a text from a file: in it every
user's name has been checked or replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.runtime.calls.kernel import Launch

__all__ = ["launch_source"]


def launch_source(source: str, *, jit: bool = True) -> Launch:
    """Return what runs the function `kernel` of a generated source on arrays.

    Args:
        source: the text from `diffc.source.lower_to_source`.
        jit: whether Numba compiles it, with division by zero as IEEE has it; plain Python runs it otherwise.
    """
    namespace: dict[str, Any] = {}
    exec(compile(source, "<diffc source>", "exec"), namespace)
    if jit:
        import numba

        # The kernel comes last, after the functions that it calls.
        for name in [name for name, each in namespace.items() if isinstance(each, FunctionType)]:
            namespace[name] = numba.njit(error_model="numpy", nogil=True)(namespace[name])
    function = namespace["kernel"]

    def launch(arrays: Sequence[NDArray[Any]], symbols: Sequence[int], work: NDArray[np.uint8]) -> int:
        with np.errstate(all="ignore"):
            return int(function(*arrays, work))

    return launch
