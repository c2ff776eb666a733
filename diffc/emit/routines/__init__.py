"""What computes a routine of a program: a function of the module, for each dtype one.

It takes the addresses of the result, the inputs and the scratch, then the sizes, as the statement lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from diffc.emit.interface import Emitter, Formal, Module
from diffc.emit.routines.decompositions import eigh, qr, svd
from diffc.emit.routines.sorting import argsort, searchsorted
from diffc.emit.routines.systems import cholesky, det, slogdet, solve, triangular_solve
from diffc.loops.library import Routine

__all__ = ["routine_function"]

_Body: TypeAlias = Callable[[Emitter, str, Mapping[str, Any]], None]

_BODIES: dict[str, _Body] = {
    "solve": solve,
    "triangular_solve": triangular_solve,
    "cholesky": cholesky,
    "det": det,
    "slogdet": slogdet,
    "eigh": eigh,
    "qr": qr,
    "svd": svd,
    "argsort": argsort,
    "searchsorted": searchsorted,
}


def routine_function(module: Module, item: Routine) -> str:
    """Return the symbol of the function that runs a routine, emitted into the module on first use."""
    kind, attrs = item.inputs[0].buffer.type.dtype, item.node.attrs
    variant = [str(attrs[key]).lower() for key in sorted(attrs)]
    name = "_".join(["routine", item.name, kind, *variant])
    pointers = [Formal(f"p{k}", "ptr", attributes="noalias") for k in range(len(item.parts))]
    sizes = [Formal(f"n{k}", "i64") for k in range(len(item.sizes))]
    body = _BODIES[item.name]
    return module.internal_function(name, [*pointers, *sizes], lambda e: body(e, kind, attrs))
