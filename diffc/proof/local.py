"""One equation of a derivative graph, decided: a claimed node against the sum of its terms.

The equation is compared as a whole (`reading`) with its frontier at one depth after another. A sum of many
terms, or one that could not be decided as a whole, is taken apart in the order in which it was accumulated:
claimed == rest + last term, with the rest a free symbol, and so on with the rest.

An equation with the operations, structure and pattern of extents of an earlier one shares its verdict, so
that a graph of thousands of nodes asks SymPy only about its distinct equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diffc.ir import Extent, Node
from diffc.ops import constant_like, scalar_value
from diffc.ops.logic import where
from diffc.proof.budget import attempt
from diffc.proof.certificate import Check
from diffc.proof.extents import small_extents, squeezes
from diffc.proof.frontier import LocalEquation, Product, frontier_at, names_places, nodes_of
from diffc.proof.points import Points
from diffc.proof.reading import UnreadableError, comparisons
from diffc.proof.symbolic import shown
from diffc.proof.zero import ZeroResult, equal

__all__ = ["APPLIED", "decide"]

APPLIED = "the operation's own rule, applied anew"
"""The basis of an equation with one structural share and nothing else: the rule is proved apart."""

MAX_DEPTH, MAX_TERMS, MAX_FRONTIER = 5, 4, 48
_MAX_VERDICTS = 100_000
_verdicts: dict[object, ZeroResult] = {}


def decide(equation: LocalEquation, kind: str, label: Callable[[Node], str], points: Points) -> Check:
    """Return the check of one equation: proved by algebra, or refuted at one of the program's points."""
    if _is_immediate(equation):
        return Check(kind, equation.subject, "proved", APPLIED)
    return attempt(kind, equation.subject, lambda: _decide(equation, kind, label, points), algebra=True)


def _decide(equation: LocalEquation, kind: str, label: Callable[[Node], str], points: Points) -> Check:
    result = _whole(equation) if len(equation.terms) <= MAX_TERMS else ZeroResult("unknown", "")
    if result.verdict != "zero":
        parts = _in_parts(equation)
        result = parts if parts.verdict == "zero" or not result.basis else result
    if result.verdict == "zero":
        return Check(kind, equation.subject, "proved", f"sympy.diff, {_short(result.basis)}")
    found = points.evidence(equation)
    if found.refuted:
        numbers = f"in numbers    {found.claimed} instead of {found.expected}"
        text = "\n".join(each for each in (_difference(equation, label), numbers) if each)
        return Check(kind, equation.subject, "failed", found.refuted, text)
    why = _RELATED if result.verdict == "nonzero" else result.basis
    held = f"it holds at {found.held} drawn points" if found.held else "no point in its domain was drawn"
    return Check(kind, equation.subject, "unknown", f"{why}; {held}", _difference(equation, label))


_RELATED = "it does not hold for all values of its symbols, but those in the program depend on each other"


def _short(basis: str) -> str:
    return basis.split(";")[0].split(" over ")[0].split(", in each")[0]


def _is_immediate(equation: LocalEquation) -> bool:
    """Tell whether the claim is that one share, or nothing, with nothing to add."""
    return equation.terms == ([] if equation.claimed is None else [equation.claimed])


def _whole(equation: LocalEquation) -> ZeroResult:
    """Compare both sides with the frontier at one depth after another."""
    result = ZeroResult("unknown", "the equation is too large")
    seen: set[frozenset[Node]] = set()
    for depth in range(MAX_DEPTH):
        frontier = frontier_at(equation, depth)
        if frontier in seen or len(frontier) > MAX_FRONTIER:
            break
        seen.add(frontier)
        key = _key(equation, frontier)
        found = _verdicts.get(key)
        if found is None:
            found = _compare(equation, frontier)
            if len(_verdicts) > _MAX_VERDICTS:
                _verdicts.clear()
            _verdicts[key] = found
        if found.verdict == "zero":
            return found
        if len(seen) == 1 or (found.verdict == "nonzero" and result.verdict != "nonzero"):
            result = found
    return result


def _in_parts(equation: LocalEquation) -> ZeroResult:
    """Take the terms off the claimed sum one by one, last first."""
    claimed, terms = equation.claimed, list(equation.terms)
    while claimed is not None and len(terms) > 1:
        last = terms[-1]
        if _whole(equation.part(None, [last])).verdict == "zero":
            terms.pop()
            continue
        for rest in _rests(claimed):
            if rest.anytype == claimed.anytype:
                found = _whole(equation.part(claimed, [rest, last]))
                if found.verdict == "zero":
                    claimed = rest
                    terms.pop()
                    break
        else:
            break
    return _whole(equation.part(claimed, terms))


def _rests(claimed: Node) -> list[Node]:
    """Return what may be left of a sum without its last term, masks considered."""
    if claimed.is_op("add"):
        return list(claimed.inputs)
    if claimed.op is not where or not claimed.inputs[1].is_op("add") or scalar_value(claimed.inputs[2]) != 0:
        return []
    condition, total, _ = claimed.inputs
    zero = constant_like(0, claimed.dtype)
    return [*total.inputs, *(where(condition, each, zero) for each in total.inputs)]


def _compare(equation: LocalEquation, frontier: frozenset[Node]) -> ZeroResult:
    """Return the worst verdict over all cases; one that its conditions leave empty says nothing."""
    result = ZeroResult("zero", "exact: the shape has no elements")
    empty = False
    try:
        for claimed, expected, conditions in comparisons(equation, frontier, repr):
            found = equal(claimed, expected, conditions)
            if found.verdict == "zero":
                result, empty = found, False
            elif found.basis.startswith(_EMPTY):
                empty = result.basis.startswith("exact: the shape")
            else:
                return found
    except UnreadableError as error:
        return ZeroResult("unknown", str(error))
    return ZeroResult("unknown", "no case has a domain") if empty else result


_EMPTY = "the domain is empty"


def _difference(equation: LocalEquation, label: Callable[[Node], str]) -> str:
    """Return the first elements that differ, as text."""
    frontier = frontier_at(equation, 0)
    if len(frontier) > MAX_FRONTIER:
        return f"a sum of {len(equation.terms)} terms"
    try:
        for claimed, expected, conditions in comparisons(equation, frontier, label):
            found = equal(claimed, expected, conditions)
            if found.verdict != "zero" and not found.basis.startswith(_EMPTY):
                where_ = f"\nwhere         {', '.join(map(shown, conditions))}" if conditions else ""
                return f"the graph has  {shown(claimed)}\nit should be   {shown(expected)}{where_}"
    except UnreadableError as error:
        return str(error)
    return ""


def _key(equation: LocalEquation, frontier: frozenset[Node]) -> object:
    """Return the equation's structure: nodes numbered in order, extents by their pattern."""
    nodes = nodes_of(equation, frontier)
    numbers = {node: k for k, node in enumerate(nodes)}
    small = {} if names_places(nodes, frontier) else small_extents([*nodes, equation.node])

    def pattern(shape: Iterable[Extent]) -> tuple[object, ...]:
        return tuple(small.get(extent, extent) for extent in shape)

    rows: list[object] = []
    for node in nodes:
        shape = pattern(node.shape)
        if node in frontier:
            rows.append((node.dtype, shape))
        elif node.is_op("const"):
            rows.append(node.digest)
        else:
            attrs = [(k, v) for k, v in sorted(node.attrs.items()) if k != "shape"]
            exact = node.shape if node.is_op("reshape") and not squeezes(node) else ()
            inputs = tuple(numbers[each] for each in node.inputs)
            rows.append((node.op.name, inputs, str(attrs), shape, str(exact)))
    terms = tuple(
        (numbers[each.factor], numbers[each.consumer], each.place)
        if isinstance(each, Product)
        else numbers[each]
        for each in equation.terms
    )
    claimed = None if equation.claimed is None else numbers[equation.claimed]
    return (tuple(rows), claimed, terms, pattern(equation.node.shape))
