"""A function's value and its derivatives as one program, each derivative with its name and label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb

from diffc import compiler
from diffc.autodiff.selection import fresh_name
from diffc.errors import DiffcError
from diffc.functions.function import Function, derivative, hessian, jacobian
from diffc.ir import Node

__all__ = ["Derivative", "derivatives_of"]

_MAX_COUNT = 5000


@dataclass(frozen=True)
class Derivative:
    """One output of the program: a derivative of `output` by `wrt`, in order; by nothing, the value."""

    output: str
    wrt: tuple[str, ...]
    name: str
    node: Node

    @property
    def label(self) -> str:
        """How it is written: `f`, `df/da`, `d2f/da db`, `d3f/dx2 dy`."""
        if not self.wrt:
            return self.output
        order = str(len(self.wrt)) if len(self.wrt) > 1 else ""
        runs = [(name, len(list(group))) for name, group in groupby(self.wrt)]
        below = " ".join(f"d{name}{count if count > 1 else ''}" for name, count in runs)
        return f"d{order}{self.output}/{below}"


def derivatives_of(f: Function, wrt: Sequence[str], order: int) -> tuple[list[Derivative], Function]:
    """Return the value and all derivatives up to an order, mixed ones once, and the program of them all.

    Raises:
        DiffcError: for order 2 of an array by arrays, order 3 by arrays, or too many derivatives.
    """
    graph = f.graph
    if comb(len(wrt) + order, order) * len(graph.outputs) > _MAX_COUNT:
        raise DiffcError(f"there are more than {_MAX_COUNT} derivatives: name fewer inputs with --wrt")
    names = graph.output_names if len(graph.outputs) > 1 else (fresh_name("f", graph.input_names),)
    value = compiler.optimized_before(graph)
    found = [(name, (), node) for name, node in zip(names, value.outputs, strict=True)]
    scalars = all(graph.input(name).rank == 0 for name in wrt)
    if order >= 1:
        found += _first(f, names, wrt)
    if order >= 2 and len(graph.outputs) == 1 and graph.outputs[0].rank == 0:
        found += _second(f, names[0], wrt)
    elif order >= 2 and scalars:
        found += _partials(f, names, wrt, 2)
    elif order >= 2:
        raise DiffcError("second derivatives by arrays need one scalar output: use diffc.jacobian twice")
    if order > 2 and not scalars:
        raise DiffcError("derivatives above order 2 are by scalar inputs only; name them with --wrt")
    for each in range(3, order + 1):
        found += _partials(f, names, wrt, each)
    taken: list[str] = []
    results: list[Derivative] = []
    for output, by, node in found:
        prefix = "d" if len(names) == 1 else f"d_{output}"
        taken.append(fresh_name("_".join([prefix, *by]) if by else output, taken))
        results.append(Derivative(output, by, taken[-1], node))
    nodes = tuple(each.node for each in results)
    return results, Function(graph.related(graph.name, nodes, tuple(taken)), True, f.math)


_Found = list[tuple[str, tuple[str, ...], Node]]


def _first(f: Function, names: Sequence[str], wrt: Sequence[str]) -> _Found:
    nodes = iter(jacobian(f, list(wrt)).graph.outputs)
    return [(name, (by,), next(nodes)) for name in names for by in wrt]


def _second(f: Function, name: str, wrt: Sequence[str]) -> _Found:
    nodes = iter(hessian(f, list(wrt)).graph.outputs)
    table = {(k, m): next(nodes) for k in range(len(wrt)) for m in range(len(wrt))}
    return [(name, (wrt[k], wrt[m]), node) for (k, m), node in table.items() if k <= m]


def _partials(f: Function, names: Sequence[str], wrt: Sequence[str], order: int) -> _Found:
    """Return the partial derivatives of one order by scalars, of each output."""
    found: _Found = []
    for by, each in _mixed(f, wrt, order):
        found += [(name, by, node) for name, node in zip(names, each.graph.outputs, strict=True)]
    return found


def _mixed(f: Function, wrt: Sequence[str], order: int) -> Iterator[tuple[tuple[str, ...], Function]]:
    """Yield each multiset of inputs with its derivative, made from that of one order less."""
    stack: list[tuple[int, tuple[str, ...], Function]] = [(0, (), f)]
    while stack:
        start, by, each = stack.pop()
        if len(by) == order:
            yield by, each
        else:
            nexts = [(k, (*by, wrt[k]), derivative(each, wrt[k])) for k in range(start, len(wrt))]
            stack.extend(reversed(nexts))
