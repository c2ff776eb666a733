"""What a program should give: by NumPy itself, by the IR interpreter, and by JAX."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from diffc import autodiff
from diffc.functions.function import Function
from diffc.ir import Graph, substitute
from diffc.ops import constant, evaluate
from diffc.ops.base import DTYPES
from diffc.ops.captured import captured_arrays
from tests.emit.kernel_forms import noisy
from tests.fuzz.program import Program

__all__ = ["Jax", "handed_out", "interpreted", "leaves", "numpy_value", "transformed_graph"]


def leaves(value: Any) -> list[Any]:
    """Return the arrays of a nested tuple, in order."""
    if isinstance(value, tuple | list):
        return [leaf for each in value for leaf in leaves(each)]
    return [np.asarray(value)]


def numpy_value(program: Program, arrays: Sequence[Any]) -> list[Any]:
    """Return the function's value by NumPy, of each example where the function is mapped."""
    f = program.function()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not program.options.transform.startswith("vmap"):
            return leaves(f(*arrays))
        examples = [leaves(f(*example)) for example in zip(*arrays, strict=True)]
        return [np.stack(each) for each in zip(*examples, strict=True)]


# -- the interpreter ------------------------------------------------------------------------------


def transformed_graph(traced: Function, program: Program) -> Graph:
    """Return the graph of the transform as autodiff makes it, with its captured arrays as constants."""
    options, wrt = program.options, program.wrt
    graph = traced.graph
    match options.transform:
        case "value":
            pass
        case "vmap":
            graph = autodiff.vmap(graph)
        case "vmap_of_grad":
            graph = autodiff.vmap(autodiff.grad(graph, wrt))
        case name:
            graph = getattr(autodiff, name)(graph, wrt)
    nodes = {
        node: constant(np.array(traced.captured[name], DTYPES[node.dtype]))
        for name, node in captured_arrays(graph).items()
    }
    return graph.with_outputs(substitute(graph.outputs, nodes))


def interpreted(graph: Graph, arrays: Sequence[Any], runs: int = 2) -> tuple[list[Any], list[list[Any]]]:
    """Return the outputs by the interpreter, and those of runs with every rounded value moved by some ulp."""
    order = handed_out(graph)
    plain = evaluate(graph, *arrays)
    moved = [noisy(graph, arrays, seed) for seed in range(runs)]
    return [plain[k] for k in order], [[run[k] for k in order] for run in moved]


def handed_out(graph: Graph) -> list[int]:
    """Return the outputs' positions in the order in which they are handed out."""
    if graph.tree is None:
        return list(range(len(graph.outputs)))
    return [int(each) for each in leaves(graph.tree)]


# -- JAX ------------------------------------------------------------------------------------------


class _At:
    """`dc.at` for JAX."""

    def __init__(self, x: Any, key: Any) -> None:
        import jax.numpy as jnp

        self._at = jnp.asarray(x).at[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._at, name)


class _Modules:
    """The `dc` of a program that JAX runs."""

    at = _At


@cache
def _jax() -> Any:
    """Return JAX in double precision; None where it is not installed."""
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


class Jax:
    """One program by JAX: its value, and its derivative at the arguments and close beside them."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @staticmethod
    def is_there() -> bool:
        return _jax() is not None

    def results(
        self, symbols: Mapping[str, int], runs: int = 2
    ) -> tuple[list[Any], list[Any], list[list[Any]]]:
        """Return the value, the derivative's leaves, and those where the arguments are moved by some ulp."""
        jax = _jax()
        f, transformed = self._function(), self._transformed(jax, self.program.directions(symbols))
        mapped = jax.vmap(f) if self.program.options.transform.startswith("vmap") else f
        run = jax.jit(lambda *arrays: (mapped(*arrays), transformed(*arrays)))
        arrays = self.program.arrays(symbols)
        rng = np.random.default_rng(7)
        value, first = run(*self._given(arrays))
        moved = [leaves(run(*self._given([_nudged(a, rng) for a in arrays]))[1]) for _ in range(runs)]
        return leaves(value), leaves(first), moved

    def _function(self) -> Callable[..., Any]:
        import jax.numpy as jnp

        return self.program.function(jnp, _Modules)

    def _given(self, arrays: Sequence[Any]) -> list[Any]:
        import jax.numpy as jnp

        return [jnp.asarray(np.array(each)) for each in arrays]

    def _transformed(self, jax: Any, directions: Sequence[Any]) -> Callable[..., Any]:
        f, wrt = self._function(), self.program.wrt
        match self.program.options.transform:
            case "vmap_of_grad":
                return jax.vmap(jax.grad(f, wrt))
            case "jacobian":
                return jax.jacrev(f, wrt)
            case "jvp":
                return partial(_pushed, jax, f, self.program.options.wrt, directions)
            case "hvp":
                gradient = jax.grad(f, self.program.options.wrt)
                pushed = partial(_pushed, jax, gradient, self.program.options.wrt, directions)
                return lambda *arrays: pushed(*arrays)[1]
            case name:
                return getattr(jax, name)(f, wrt)


def _pushed(
    jax: Any, f: Callable[..., Any], wrt: Sequence[int], directions: Sequence[Any], *arrays: Any
) -> Any:
    """Return value and tangent of a function by some of its arguments."""

    def of_some(*some: Any) -> Any:
        whole = list(arrays)
        for k, each in zip(wrt, some, strict=True):
            whole[k] = each
        return f(*whole)

    return jax.jvp(of_some, tuple(arrays[k] for k in wrt), tuple(directions))


def _nudged(array: Any, rng: Any) -> Any:
    if array.dtype.kind != "f":
        return array
    return np.asarray(array * (1 + rng.uniform(-4, 4, array.shape) * np.finfo(array.dtype).eps), array.dtype)
