"""A local equation read back into SymPy: both sides as arrays of expressions, case by case.

Broadcasts and the sums that undo them are real arrays here: every extent above 1 stands as 2 or 3, equal ones
alike, each element a symbol of its own. The operations of a local equation treat all elements of an axis
alike, and a sum of equal terms over an axis is right for every extent when it is for one above 1.
Where a general reshape forbids that, or places are named, the true extents are used as long as they are
small.

Truth values are not symbols but cases. In each case `where` keeps one branch alone, so that the domain of
a function in the other branch restricts nothing; what a comparison's truth says of its operands is handed on
as a condition. All elements take the same value in one case, and drawn ones in a few more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import sympy

from diffc.errors import DiffcError
from diffc.ir import Dim, Node, dim_symbols, evaluate_extent
from diffc.ops import Elementwise
from diffc.proof.arithmetic import Objects, Resolve
from diffc.proof.budget import ask
from diffc.proof.deferred import DEFERRED, Deferred, forced
from diffc.proof.extents import small_extents
from diffc.proof.frontier import TURNS, LocalEquation, Product, names_places, nodes_of
from diffc.proof.sides import both_sides
from diffc.proof.symbolic import SYMBOLIC, symbol_array

__all__ = ["Comparison", "UnreadableError", "comparisons"]

MAX_ELEMENTS, ELEMENTS_COMPARED, MAX_SWITCHES, MIXED_CASES = 4096, 6, 7, 3


class UnreadableError(Exception):
    """The equation has no form in SymPy."""


class Comparison(NamedTuple):
    """One element of both sides in one case."""

    claimed: Any
    expected: Any
    conditions: tuple[Any, ...]


def comparisons(
    equation: LocalEquation, frontier: frozenset[Node], label: Callable[[Node], str]
) -> list[Comparison]:
    """Return elements of both sides in every case; raise `UnreadableError`."""
    nodes = nodes_of(equation, frontier)
    problem = ""
    by_pattern, true = _resolvers([*nodes, equation.node])
    for resolve in (true,) if names_places(nodes, frontier) else (by_pattern, true):
        try:
            return _read(equation, nodes, _symbols(equation, nodes, frontier, resolve, label), resolve)
        except (ValueError, TypeError, KeyError, DiffcError, UnreadableError) as error:
            problem = f"no symbolic form: {error}"
    raise UnreadableError(problem)


def _resolvers(nodes: Sequence[Node]) -> list[Resolve]:
    """Return the ways to make extents small: by their pattern, and the true ones for small symbols."""
    small = small_extents(nodes)
    symbols = {name for node in nodes for extent in node.shape for name in dim_symbols(extent)}
    values = {name: 2 + k % 2 for k, name in enumerate(sorted(symbols))}
    return [
        lambda extent: small[extent] if isinstance(extent, Dim) else small.get(extent, extent),
        lambda extent: evaluate_extent(extent, values),
    ]


def _symbols(
    equation: LocalEquation,
    nodes: Sequence[Node],
    frontier: frozenset[Node],
    resolve: Resolve,
    label: Callable[[Node], str],
) -> dict[Node, Objects]:
    """Return symbols for the frontier's numbers; its truth values are left to the cases."""
    factor_of = {each.factor: each.consumer for each in equation.terms if isinstance(each, Product)}
    values: dict[Node, Objects] = {}
    taken: set[str] = set()
    for node in nodes:
        if node not in frontier:
            continue
        shape = [resolve(extent) for extent in node.shape]
        if np.prod(shape) > MAX_ELEMENTS:
            raise UnreadableError(f"{node.type} has too many elements")
        name = f"d({label(factor_of[node])})" if node in factor_of else label(node)
        while name in taken:
            name += "'"
        taken.add(name)
        truths = node.dtype == "bool"  # each is a case: its elements are not told apart here
        values[node] = np.full(shape, sympy.Symbol(name)) if truths else symbol_array(name, shape, node.dtype)
    return values


def _read(
    equation: LocalEquation, nodes: Sequence[Node], symbols: Mapping[Node, Objects], resolve: Resolve
) -> list[Comparison]:
    consumers = set(equation.consumers)
    switches = [
        node
        for node in nodes
        if (node in symbols and node.dtype == "bool")
        or (node not in symbols and node.is_op(*TURNS) and node not in consumers)
    ]
    if len(switches) > MAX_SWITCHES:
        raise UnreadableError(f"{len(switches)} truth values are too many cases")
    found: list[Comparison] = []
    for case in _cases(switches):
        ask()
        values = {node: array for node, array in symbols.items() if node not in case}
        conditions: list[Any] = []
        for node in nodes:
            if node in case:
                natural = symbols.get(node)
                if natural is None:
                    natural = DEFERRED.apply(node, [values[each] for each in node.inputs], resolve)
                values[node] = _decided(node, natural, case[node], conditions, node not in symbols)
            elif node not in values:
                values[node] = DEFERRED.apply(node, [values[each] for each in node.inputs], resolve)
        left, right, _ = both_sides(equation, values, resolve, _slope)
        both = list(zip(left.flat, right.flat, strict=True))
        chosen = both[:: max(1, -(-len(both) // (ELEMENTS_COMPARED if len(switches) < 3 else 2)))]
        compared = [(forced(a), forced(b)) for a, b in chosen]
        if any(map(_is_undefined, (b for _, b in compared))):
            operands = {each for node in equation.consumers for each in node.inputs}
            if any(_is_undefined(forced(x)) for each in operands for x in values[each].flat):
                # The program itself has no finite value there: nothing is claimed.
                compared = [(a, b) for a, b in compared if not _is_undefined(b)]
        found += [Comparison(a, b, _about(conditions, a, b)) for a, b in compared]
    return found


def _cases(switches: Sequence[Node]) -> Iterator[dict[Node, Callable[[], bool]]]:
    """Yield for each case what gives each switch's elements in turn."""
    for truths in product((True, False), repeat=len(switches)):
        yield {node: lambda truth=truth: truth for node, truth in zip(switches, truths, strict=True)}
    if any(node.rank for node in switches):
        for seed in range(MIXED_CASES):
            rng = random.Random(seed)
            yield {node: lambda rng=rng: rng.random() < 0.5 for node in switches}


def _decided(
    node: Node, natural: Objects, choose: Callable[[], bool], conditions: list[Any], related: bool
) -> Objects:
    """Return a switch's elements in a case, and note what that says of a `related` one's operands."""
    result = np.empty(natural.shape, object)
    for index in np.ndindex(*natural.shape):
        decide = partial(_truth, node, choose(), conditions, related)
        result[index] = Deferred(decide, natural[index])
    return result


def _truth(node: Node, truth: bool, conditions: list[Any], related: bool, given: Any) -> Any:
    """Return one element of a switch in a case."""
    if given in (sympy.true, sympy.false) or given.is_number:
        return given
    if not related:
        return sympy.true if truth else sympy.false
    if node.is_op("eq", "ne"):
        return sympy.true if node.is_op("ne") else sympy.false
    if node.is_op("sign"):
        conditions.append(given.args[0] > 0 if truth else given.args[0] < 0)
        return sympy.Integer(1 if truth else -1)
    if isinstance(given, sympy.core.relational.Relational):
        conditions.append(given if truth else given.negated)
        return sympy.true if truth else sympy.false
    raise UnreadableError(f"{node.op.name} is not decided case by case")


def _slope(consumer: Node, place: int, arrays: list[Objects]) -> Any:
    """Return `sympy.diff` of the operation's SymPy form by one argument, at arrays of arguments."""
    derivative, symbols = _derivative(consumer.op, place)

    def at(*args: Any) -> Any:
        return derivative.xreplace(dict(zip(symbols, args, strict=True)))

    return np.asarray(np.frompyfunc(partial(Deferred, at), len(arrays), 1)(*arrays), object)


def _about(conditions: Sequence[Any], left: Any, right: Any) -> tuple[Any, ...]:
    """Return the conditions on what two elements consist of: the others say nothing of them."""
    symbols = sympy.Tuple(left, right).free_symbols if conditions else set()
    return tuple(each for each in conditions if each.free_symbols & symbols)


def _is_undefined(x: Any) -> bool:
    """Tell whether an expression is not a number, or infinite."""
    return isinstance(x, sympy.Expr) and x.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo)


@lru_cache(maxsize=1024)
def _derivative(op: Elementwise, place: int) -> tuple[Any, tuple[Any, ...]]:
    names = [f"argument{k}" for k in range(op.arity)]
    symbols = tuple(sympy.Symbol(name, real=True) for name in names)
    if op.name == "where":
        symbols = (sympy.Symbol(names[0]), *symbols[1:])
    return sympy.diff(SYMBOLIC.scalar(op, *symbols), symbols[place]), symbols
