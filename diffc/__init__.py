"""diffc: a symbolic-and-numeric differentiation compiler.

Formulas and SymPy models become static graphs; their derivatives of any order are graphs again, compiled
to machine code, readable at every stage, and proved.

>>> import diffc as dc
>>> f = dc.parse("((a + b) * c)**2")
>>> dc.grad(f, wrt=["a", "b", "c"])(1.0, 2.0, 2.0)
(24.0, 24.0, 36.0)
"""

from __future__ import annotations

from importlib import import_module

# The name that type checkers know, without the time that importing `typing` takes.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from diffc import nn as nn
    from diffc import testing as testing
    from diffc import training as training
    from diffc.errors import DiffcError as DiffcError
    from diffc.frontends.numpy.objects import register_structure as register_structure
    from diffc.frontends.numpy.special import polygamma as polygamma
    from diffc.frontends.numpy.specs import bool_ as bool_
    from diffc.frontends.numpy.specs import f32 as f32
    from diffc.frontends.numpy.specs import f64 as f64
    from diffc.frontends.numpy.specs import i64 as i64
    from diffc.frontends.numpy.stopping import stop_gradient as stop_gradient
    from diffc.frontends.numpy.updates import at as at
    from diffc.functions.function import Function as Function
    from diffc.functions.function import compile as compile
    from diffc.functions.function import from_sympy as from_sympy
    from diffc.functions.function import parse as parse
    from diffc.functions.python.function import trace as trace
    from diffc.functions.transforms import derivative as derivative
    from diffc.functions.transforms import fwd_and_bwd as fwd_and_bwd
    from diffc.functions.transforms import grad as grad
    from diffc.functions.transforms import hessian as hessian
    from diffc.functions.transforms import hvp as hvp
    from diffc.functions.transforms import jacobian as jacobian
    from diffc.functions.transforms import jit as jit
    from diffc.functions.transforms import jvp as jvp
    from diffc.functions.transforms import value_and_grad as value_and_grad
    from diffc.functions.transforms import vjp as vjp
    from diffc.functions.transforms import vmap as vmap
    from diffc.model import Model as Model
    from diffc.model import load_model as load_model
    from diffc.model import verify as verify
    from diffc.runtime import Kernel as Kernel
    from diffc.runtime import load as load

import_module("diffc.forks")  # first, so that forks wait for the imports that follow

__version__ = "0.1.0"

_TRANSFORMS = "derivative fwd_and_bwd grad hessian hvp jacobian jit jvp value_and_grad vjp vmap"
_HOMES = {
    "diffc.errors": "DiffcError",
    "diffc.frontends.numpy.objects": "register_structure",
    "diffc.frontends.numpy.special": "polygamma",
    "diffc.frontends.numpy.specs": "bool_ f32 f64 i64",
    "diffc.frontends.numpy.stopping": "stop_gradient",
    "diffc.frontends.numpy.updates": "at",
    "diffc.functions.function": "Function compile from_sympy parse",
    "diffc.model": "Model load_model verify",
    "diffc.functions.python.function": "trace",
    "diffc.runtime": "Kernel load",
    "diffc.functions.transforms": _TRANSFORMS,
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME, "nn", "testing", "training"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import diffc` alone costs next to nothing."""
    if name in ("nn", "testing", "training"):
        return import_module(f"diffc.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'diffc' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
