"""What a certificate measures: the kernels that calls of a Function and of its derivatives run.

They are made as `compile` and the transforms make them, so that they are the same code by the same cache key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from diffc import compiler
from diffc.autodiff.selection import Wrt
from diffc.functions.function import Function, compile, grad, hessian, jacobian

if TYPE_CHECKING:
    from diffc.proof.kernels import Measured
    from diffc.runtime import Kernel

__all__ = ["measured", "plain", "proof_stages"]

_TRANSFORMS = {"gradient": grad, "hessian": hessian, "jacobian": jacobian}


def proof_stages(f: Function, math: Literal["precise", "fast"] | None = None) -> dict[str, Any]:
    """Return the compiler's own stages for a function, as `diffc.proof.verify_graph` takes them by name."""
    chosen = f.math if math is None else math

    def kernels(names: Sequence[str], wrt: Wrt) -> list[Measured]:
        return [_of(f, name, wrt, chosen) for name in names]

    return {**compiler.proof_stages(chosen, f.derived), "kernels": kernels, "captured": f.captured}


def _of(f: Function, name: str, wrt: Wrt, math: Literal["precise", "fast"]) -> Measured:
    if name == "value":
        return measured(name, f, f, math)
    transform = _TRANSFORMS[name]
    return replace(measured(name, transform(plain(f), wrt), transform(f, wrt), math), proved=name)


def plain(f: Function) -> Function:
    """Return a function whose derivatives are taken of the graph as it is, before any optimisation."""
    return Function(f.graph, True, f.math, f.captured)


def measured(
    name: str, reference: Function, f: Function, math: Literal["precise", "fast"] | None = None
) -> Measured:
    """Return a function's kernel, as a call runs it, beside what it should compute."""
    from diffc.proof.kernels import Measured

    def run() -> Kernel:
        return f.kernel if math in (None, f.math) else compile(f, math)

    return Measured(name, reference.graph, f.graph, run)
