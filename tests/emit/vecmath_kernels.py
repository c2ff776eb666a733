"""Loops over one maths function each, compiled for this machine, and how their results are compared."""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from diffc.emit.interface import Emitter, Formal, Value
from diffc.emit.llvm.module import LlvmModule
from diffc.emit.maths import FUNCTIONS
from diffc.runtime.code.machine import compile_text, host, load_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

DTYPES: dict[str, type[np.floating[Any]]] = {"f64": np.float64, "f32": np.float32}
_VECTOR = 8 if "avx512f" in host().features else 4
LANES = {"f64": (1, _VECTOR), "f32": (1, 2 * _VECTOR)}
SHAPES = [(kind, lanes) for kind, widths in LANES.items() for lanes in widths]
BINARY = ("atan2", "pow", "logaddexp", "hypot", "minimum", "maximum", "mod", "fmod", "floor_divide")


class Compiled:
    """A loop over arrays of one maths function, compiled for this machine."""

    def __init__(
        self, body: Callable[..., Value], arity: int, kind: str, lanes: int, inline: bool = True
    ) -> None:
        """Compile `body(e, *values)`, which may call `e.maths`."""
        module = LlvmModule(FUNCTIONS, inline_maths=inline)
        pointers = [Formal(f"x{i}", "ptr") for i in range(arity)]
        e = module.function("kernel", [*pointers, Formal("out", "ptr"), Formal("n", "i64")])
        *inputs, out, n = e.arguments
        e.br("loop")
        e.block("loop")
        i = e.phi("i64")
        values = [e.load(e.gep(pointer, kind, i), kind, lanes) for pointer in inputs]
        e.store(body(e, *values), e.gep(out, kind, i))
        following = e.iadd(i, e.constant("i64", lanes))
        e.add_incoming(i, e.constant("i64", 0), "entry")
        e.add_incoming(i, following, "loop")
        e.cbr(e.icmp("slt", following, n), "loop", "end")
        e.block("end")
        e.ret()
        self._code = load_object(compile_text(module.text()))
        signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64)
        self._kernel = signature(self._code.address("kernel"))
        self._dtype = DTYPES[kind]
        self._lanes = lanes

    def __call__(self, *arguments: Array) -> Array:
        """Return the function of equally long arrays."""
        padding = -len(arguments[0]) % self._lanes
        padded = [np.append(x, np.full(padding, 0.5)).astype(self._dtype) for x in arguments]
        out = np.empty_like(padded[0])
        self._kernel(*[x.ctypes.data for x in padded], out.ctypes.data, len(out))
        return out[: len(arguments[0])]


@functools.cache
def compiled(name: str, kind: str, lanes: int, inline: bool = True) -> Compiled:
    """Return the compiled loop of the maths function `name`."""

    def body(e: Emitter, *values: Value) -> Value:
        return e.maths(name, *values)

    return Compiled(body, 2 if name in BINARY else 1, kind, lanes, inline)


def same(a: Array, b: Array) -> NDArray[np.bool_]:
    """Return where two arrays are equal, signs of zeros and NaN included."""
    return (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))
