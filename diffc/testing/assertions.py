"""Derivatives in users' own tests: `assert_derivatives`, also a fixture of the pytest plugin.

>>> import diffc as dc
>>> certificate = dc.testing.assert_derivatives("((a + b) * c)**2", at={"a": 1, "b": 2, "c": 2})
>>> spring = lambda x, k: 0.5 * k * (x**2).sum()
>>> certificate = dc.testing.assert_derivatives(
...     spring, dc.f64(3), dc.f64(), wrt="x", order=1, gradient=lambda x, k: k * x
... )
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from diffc.autodiff.selection import every_float
from diffc.errors import DiffcError
from diffc.functions.certified import proof_stages
from diffc.functions.function import Function, parse
from diffc.functions.python.function import trace
from diffc.ir import Graph
from diffc.proof import Certificate, verify_graph

__all__ = ["assert_derivatives"]

Point: TypeAlias = "Mapping[str, Any] | Sequence[Any]"
"""Values of the inputs: by name, or in order."""


def assert_derivatives(
    f: Any,
    *types: Any,
    order: int = 2,
    wrt: int | str | Sequence[int | str] | None = None,
    gradient: Callable[..., Any] | None = None,
    hessian: Callable[..., Any] | None = None,
    at: Point | Sequence[Point] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    compiled: bool = True,
    budget_s: float | None = None,
) -> Certificate:
    """Assert that diffc's derivatives of a function hold, or that your own agree with them.

    Args:
        f: a plain Python function that computes with NumPy, a Function, a Graph, or the text of a formula.
        types: of a plain function's parameters, as `dc.trace` takes them: `dc.f64("N", 10)`,
            `"f64[N, 10]"`, a Type, or an example of a value, which stands for its type alone.
        order: up to which order the derivatives are verified.
        wrt: inputs by name or position; all floats when not given.
        gradient: your own, of the same arguments as f: the derivatives of a scalar by each input of
            `wrt`, of the input's shape, or one alone. It is compared at `at`, or at drawn points.
        hessian: your own: a table, row by first and column by second input; for one array of shape s
            an array of shape s + s.
        at: a point, or several, at which the compiled derivatives are compared with 50-digit arithmetic.
        rtol: how far `gradient` and `hessian` may be off, relative to each value; when not given 1e-9, and
            1e-5 for derivatives in f32, which have seven digits.
        atol: how far they may be off whatever the value.
        compiled: whether kernels are compiled and compared as well.
        budget_s: how long the proof may take; None for as long as it needs, see `dc.verify`.

    Returns:
        The certificate.

    Raises:
        AssertionError: naming what differs, where, and by how much; or what was left undecided, and why.
        DiffcError: for what cannot be traced or differentiated, types or points that do not fit.
    """
    __tracebackhide__ = True
    function = _function(f, types)
    graph = function.graph
    stages: Mapping[str, Any] = {"captured": function.captured}
    if compiled:
        stages = proof_stages(function)
    certificate = verify_graph(graph, wrt, order, budget_s=budget_s, **stages)
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
        open_ = certificate.verdict == "undecided" and len(problems) == 1
        what = "were not all decided" if open_ else "do not hold"
        raise AssertionError("\n".join([f"the derivatives of {graph.name} {what}:", *problems]))
    return certificate


def _function(f: Any, types: Sequence[Any]) -> Function:
    """Return what was given as a Function; raise `DiffcError` for types where they are known, or missing."""
    graph = f if isinstance(f, Graph) else getattr(f, "graph", None)
    given = parse(f) if isinstance(f, str) else f if isinstance(f, Function) else None
    if given is None and isinstance(graph, Graph):
        given = Function(graph)
    if given is not None:
        if types:
            kind = "a formula" if isinstance(f, str) else f"a {type(f).__name__}"
            raise DiffcError(
                f"types are given for a plain function alone, not for {kind}, whose inputs have theirs: "
                "dc.parse(text, inputs={'x': 'f64[3]'}) declares those of a formula"
            )
        return given
    if not callable(f):
        raise DiffcError(
            "assert_derivatives takes a plain function with its types, a Function, a Graph or a formula, "
            f"not {type(f).__name__}"
        )
    if not types:
        raise DiffcError(
            "a plain function is given with the types of its parameters: "
            "assert_derivatives(f, dc.f64(3), ...)"
        )
    return trace(f, *types)


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
