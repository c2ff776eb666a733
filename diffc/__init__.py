"""diffc: a symbolic-and-numeric differentiation compiler.

Formulas and SymPy models become static graphs; their derivatives of any order are graphs again, compiled
to machine code, readable at every stage, and proved.

>>> import diffc as dc
>>> f = dc.parse("((a + b) * c)**2")
>>> dc.grad(f, wrt=["a", "b", "c"])(1.0, 2.0, 2.0)
(24.0, 24.0, 36.0)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffc import testing as testing
    from diffc.errors import DiffcError as DiffcError
    from diffc.function import Function as Function
    from diffc.function import compile as compile
    from diffc.function import derivative as derivative
    from diffc.function import from_sympy as from_sympy
    from diffc.function import fwd_and_bwd as fwd_and_bwd
    from diffc.function import grad as grad
    from diffc.function import hessian as hessian
    from diffc.function import hvp as hvp
    from diffc.function import jacobian as jacobian
    from diffc.function import jvp as jvp
    from diffc.function import parse as parse
    from diffc.function import value_and_grad as value_and_grad
    from diffc.function import vjp as vjp
    from diffc.function import vmap as vmap
    from diffc.model import Model as Model
    from diffc.model import load_model as load_model
    from diffc.model import verify as verify
    from diffc.runtime import Kernel as Kernel
    from diffc.runtime import load as load

__version__ = "0.1.0"

_FUNCTION = (
    "Function compile derivative from_sympy fwd_and_bwd grad hessian hvp jacobian jvp parse"
    " value_and_grad vjp vmap"
)
_HOMES = {
    "diffc.errors": "DiffcError",
    "diffc.function": _FUNCTION,
    "diffc.model": "Model load_model verify",
    "diffc.runtime": "Kernel load",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME, "testing"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import diffc` alone costs next to nothing."""
    if name == "testing":
        return import_module("diffc.testing")
    if name not in _HOME:
        raise AttributeError(f"module 'diffc' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
