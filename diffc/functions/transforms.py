"""The transforms as users call them: of a Function they give a Function, of a Python function a callable.

Each takes `static`, for a Python function: arguments, by name or position, that are known when it is traced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from diffc.autodiff.selection import Wrt
from diffc.errors import DiffcError
from diffc.frontends.numpy.structure import Branch, Fixed, Structure
from diffc.functions import function as of_functions
from diffc.functions.function import Function
from diffc.functions.python.call import Chosen
from diffc.functions.python.derivatives import Derivative, Differentiated, Directional, Mapped, Pulled
from diffc.functions.python.function import Jitted
from diffc.ir import Extent

__all__ = [
    "derivative", "fwd_and_bwd", "grad", "hessian", "hvp", "jacobian", "jit", "jvp", "value_and_grad", "vjp",
    "vmap",
]  # fmt: skip


def grad(f: Any, wrt: Wrt = 0, has_aux: bool = False, *, static: Chosen = ()) -> Any:
    """Return the gradient of a scalar function by `wrt`: a position, a name, or a sequence (then a tuple).

    With `has_aux` the function returns (value, aux), and the result is (gradient, aux).

    >>> import diffc as dc
    >>> dc.grad(lambda x: (x**2, {"cube": x**3}), has_aux=True)(3.0)
    (6.0, {'cube': 27.0})
    """
    if _is_function(f):
        return of_functions.grad(f, wrt, has_aux)
    return Differentiated(f, of_functions.grad, wrt, _inner, _pair if has_aux else None, static)


def value_and_grad(f: Any, wrt: Wrt = 0, has_aux: bool = False, *, static: Chosen = ()) -> Any:
    """Return (value, gradient) of a scalar function; with `has_aux`, ((value, aux), gradient)."""
    if _is_function(f):
        return of_functions.value_and_grad(f, wrt, has_aux)
    return Differentiated(f, of_functions.value_and_grad, wrt, _pair, _with_aux if has_aux else None, static)


def derivative(f: Any, *names: str | int, static: Chosen = ()) -> Any:
    """Return a partial derivative by scalar inputs: `derivative(f, "a", "b")`, `derivative(f, "x", 3)`."""
    return of_functions.derivative(f, *names) if _is_function(f) else Derivative(f, *names, static=static)


def jacobian(f: Any, wrt: Wrt = 0, has_aux: bool = False, *, static: Chosen = ()) -> Any:
    """Return the Jacobian, of shape output + input; several outputs outside, several inputs inside.

    With `has_aux` the function returns (value, aux), and the result is (Jacobian, aux).
    """
    if _is_function(f):
        return of_functions.jacobian(f, wrt, has_aux)
    return Differentiated(f, of_functions.jacobian, wrt, _nested, _pair if has_aux else None, static)


def hessian(f: Any, wrt: Wrt = 0, has_aux: bool = False, *, static: Chosen = ()) -> Any:
    """Return the second derivatives of a scalar function, of shape input + input, or (these, aux)."""
    if _is_function(f):
        return of_functions.hessian(f, wrt, has_aux)
    return Differentiated(f, of_functions.hessian, wrt, _squared, _pair if has_aux else None, static)


def jvp(f: Any, wrt: Wrt = 0, *, static: Chosen = ()) -> Any:
    """Return (*inputs, *tangents) -> (value, tangent); of a Function the tangents are inputs `d_<name>`."""
    if _is_function(f):
        return of_functions.jvp(f, wrt)
    return Directional(f, of_functions.jvp, wrt, _doubled, None, static)


def vjp(f: Any, wrt: Wrt = 0, *, static: Chosen = ()) -> Any:
    """Return (*inputs, *cotangents) -> (value, gradients).

    Of a Function the cotangents are inputs `ct_<output>`. Of a Python function the last argument is the
    cotangent, with the structure of the value.
    """
    if _is_function(f):
        return of_functions.vjp(f, wrt)
    return Pulled(f, of_functions.vjp, wrt, _pair, None, static)


def hvp(f: Any, wrt: Wrt = 0, *, static: Chosen = ()) -> Any:
    """Return (*inputs, *vectors) -> Hessian @ vector; of a Function the vectors are inputs `v_<name>`."""
    if _is_function(f):
        return of_functions.hvp(f, wrt)
    return Directional(f, of_functions.hvp, wrt, _inner, None, static)


def vmap(
    f: Any,
    in_axes: int | Sequence[int | None] | None = 0,
    out_axes: int | Sequence[int] = 0,
    size: Extent | str | None = None,
    *,
    static: Chosen = (),
) -> Any:
    """Return the function mapped over a new axis of its inputs, of extent `size` (a new symbol `B`).

    Of a Python function the arguments have the axis already, and `size` is needed only where none has it.
    """
    if _is_function(f):
        return of_functions.vmap(f, in_axes, out_axes, size)
    return Mapped(f, in_axes, out_axes, size, static)


def fwd_and_bwd(f: Any, wrt: Wrt = 0) -> tuple[Function, Function]:
    """Return (forward, backward) as functions of their own.

    forward: (*inputs) -> (value, residuals); backward: (*residuals, *cotangents) -> gradients.
    """
    if not _is_function(f):
        raise DiffcError(
            "fwd_and_bwd takes a Function, because the residuals depend on the types: trace the Python "
            "function first, as in dc.fwd_and_bwd(dc.trace(f, dc.f64('N')))"
        )
    return of_functions.fwd_and_bwd(f, wrt)


def jit(function: Callable[..., Any] | None = None, *, static: Chosen = ()) -> Any:
    """Return a Python function compiled: traced at the first call with arguments of a structure and types.

    Without a function it is a decorator: `@dc.jit(static="n")`.

    >>> import numpy as np, diffc as dc
    >>> @dc.jit
    ... def f(x, y):
    ...     return np.sum(x * y)
    >>> f(np.ones(3), 2.0)
    6.0
    """
    if function is None:
        return partial(jit, static=static)
    if _is_function(function):
        raise DiffcError("jit takes a Python function; a Function is compiled already when it is called")
    return Jitted(function, static)


def _is_function(f: Any) -> bool:
    return isinstance(f, Function)


# How results are structured, by the structures of the value and of the arguments: by name, to be pickled.


def _inner(value: Structure, by: Structure) -> Structure:
    return by


def _squared(value: Structure, by: Structure) -> Structure:
    return _nested(by, by)


def _doubled(value: Structure, by: Structure) -> Structure:
    return _pair(value, value)


def _pair(first: Structure, second: Structure) -> Structure:
    return Branch(tuple, (0, 1), (first, second))


def _with_aux(pair: Structure, aux: Structure) -> Structure:
    """Return ((value, aux), gradient)."""
    assert isinstance(pair, Branch)
    value, gradient = pair.items
    return _pair(_pair(value, aux), gradient)


def _nested(outer: Structure, inner: Structure) -> Structure:
    """Return a structure with another one in place of each leaf."""
    if outer is None or isinstance(outer, Fixed):
        return inner if outer is None else outer
    return Branch(outer.kind, outer.keys, tuple(_nested(each, inner) for each in outer.items))
