"""Derivatives in users' own tests: `assert_derivatives`, also a fixture of the pytest plugin.

>>> import diffc as dc
>>> certificate = dc.testing.assert_derivatives("((a + b) * c)**2", at={"a": 1, "b": 2, "c": 2})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from diffc.autodiff.selection import every_float
from diffc.certified import proof_stages
from diffc.errors import DiffcError
from diffc.function import Function, parse
from diffc.ir import Graph
from diffc.proof import Certificate, verify_graph

__all__ = ["assert_derivatives"]

Point: TypeAlias = "Mapping[str, Any] | Sequence[Any]"
"""Values of the inputs: by name, or in order."""


def assert_derivatives(
    f: Any,
    order: int = 2,
    at: Point | Sequence[Point] | None = None,
    rtol: float = 1e-9,
    *,
    atol: float = 0.0,
    wrt: int | str | Sequence[int | str] | None = None,
    gradient: Callable[..., Any] | None = None,
    hessian: Callable[..., Any] | None = None,
    compiled: bool = True,
) -> Certificate:
    """Assert that diffc's derivatives of a function hold, or that your own agree with them.

    Args:
        f: a Function, a Graph, anything with a `graph`, or the text of a formula.
        order: up to which order the derivatives are verified.
        at: a point, or several, at which the compiled derivatives are compared with 50-digit arithmetic.
        rtol: how far `gradient` and `hessian` may be off, relative to each value.
        atol: how far they may be off whatever the value.
        wrt: inputs by name or position; all floats when not given.
        gradient: your own, of the same arguments as f: the derivatives by each input of `wrt`, or one
            alone. It is compared at `at`, or at drawn points.
        hessian: your own: a table, row by first and column by second input.
        compiled: whether kernels are compiled and compared as well.

    Returns:
        The certificate.

    Raises:
        AssertionError: naming what differs, where, and by how much.
        DiffcError: for what cannot be differentiated, or points that do not fit.
    """
    __tracebackhide__ = True
    function = _function(f)
    graph = function.graph
    stages: Mapping[str, Any] = {"captured": function.captured}
    if compiled:
        stages = proof_stages(function)
    certificate = verify_graph(graph, wrt, order, **stages)
    problems = [] if certificate.ok else [str(certificate)]
    points = [] if at is None else _points(graph, at)
    chosen = every_float(graph) if wrt is None else wrt
    from diffc.proof.handwritten import compare_own, compare_points, drawn_points  # SymPy takes long

    if points and compiled:
        problems += compare_points(stages["kernels"], (graph, chosen, order), points, function.captured)
    own = [(1, gradient), (2, hessian)]
    for degree, given in own:
        if given is not None:
            places = points or drawn_points(graph, function.captured)
            problems += compare_own((graph, function.captured), chosen, degree, given, places, (rtol, atol))
    if problems:
        raise AssertionError("\n".join([f"the derivatives of {graph.name} do not hold:", *problems]))
    return certificate


def _function(f: Any) -> Function:
    if isinstance(f, str):
        return parse(f)
    if isinstance(f, Function):
        return f
    graph = f if isinstance(f, Graph) else getattr(f, "graph", None)
    if not isinstance(graph, Graph):
        raise DiffcError(f"assert_derivatives takes a Function, a Graph or a formula, not {type(f).__name__}")
    return Function(graph)


def _points(graph: Graph, at: Point | Sequence[Point]) -> list[list[Any]]:
    """Return points as lists of values in the order of the inputs."""
    single = isinstance(at, Mapping) or not all(isinstance(each, Mapping | list | tuple) for each in at)
    several: Iterable[Any] = [at] if single else at
    points: list[list[Any]] = []
    for point in several:
        if isinstance(point, Mapping):
            unknown = set(point) ^ set(graph.input_names)
            if unknown:
                names = ", ".join(sorted(map(str, unknown)))
                raise DiffcError(f"at= gives each input of {graph.name} once; missing or unknown: {names}")
            points.append([point[name] for name in graph.input_names])
        else:
            points.append(list(point))
        if len(points[-1]) != len(graph.inputs):
            raise DiffcError(
                f"at= gives {len(points[-1])} values, {graph.name} has {len(graph.inputs)} inputs"
            )
    return points
