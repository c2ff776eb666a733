"""Rewrites: what an optimiser did to a program, each step citing its rule.

A rule that is data states both sides as SymPy expressions; it is proved once, by deciding that their
difference is zero under the rule's condition. A rule that is code has no such form. Every application,
of either kind, is also run: both nodes on numbers, for several small extents, 0 and 1 among them, and once
more with 80 digits, which show a constant that is off in its last. For a rule that is code that is all, and
the check says `measured`; of constants alone both sides are decided like a rule's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import product
from typing import Any, Protocol, TypeAlias

import numpy as np
import sympy
from sympy.logic.boolalg import Boolean

from diffc.errors import DiffcError
from diffc.ir import Node, evaluate_extent, topological
from diffc.ops import interpreter
from diffc.ops.base import DTYPES
from diffc.ops.number_systems import Objects, resolve_with
from diffc.proof.budget import ask, attempt
from diffc.proof.certificate import Check
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.symbolic import symbolic
from diffc.proof.zero import ZeroResult, equal

__all__ = ["Log", "Named", "check_rewrites", "prove_rule"]

Log: TypeAlias = Sequence[tuple[str, Node, Node]]
"""What an optimiser did: (the rule's name, the node before, the node after)."""

MAX_MEASURED = 400
"""How many distinct applications are run on numbers for one log."""

MAX_LONG = 500
"""How many elements are drawn for one run in long arithmetic."""

_LONG_TOLERANCE = 1e-40
_REACHES, _EXTENTS, _ROUNDS = (6, 40), (2, 3, 1, 0), 3
_TOLERANCE = {"f64": 1e-7, "f32": 2e-3}


class Named(Protocol):
    """A rule: it has a name, and `sympy_sides(S)` where it is data."""

    @property
    def name(self) -> str:
        """The name that a log cites."""
        ...


@cache
def prove_rule(rule: Named) -> ZeroResult | None:
    """Return whether a rule's sides are equal under its condition, decided once; None for code."""
    sides = getattr(rule, "sympy_sides", None)
    if sides is None:
        return None
    before, after, conditions = sides(sympy)
    result = ZeroResult("unknown", "the rule states nothing")
    for left, right in zip(_each(before), _each(after), strict=True):
        result = equal(_number(left), _number(right), conditions)
        if result.verdict != "zero":
            break
    return result


def _number(side: Any) -> Any:
    """Return a truth value as 1 or 0."""
    truth = isinstance(side, Boolean) and not isinstance(side, sympy.Expr)  # a symbol is both
    return sympy.Piecewise((1, side), (0, True)) if truth else side


def _each(side: Any) -> Sequence[Any]:
    return side if isinstance(side, tuple | list) else (side,)  # pyright: ignore[reportUnknownVariableType]


def check_rewrites(
    log: Log, rules: Iterable[Named] = (), *, kind: str = "rewrite", seed: int = 0
) -> list[Check]:
    """Return a check for each entry of a log.

    Args:
        log: what was rewritten.
        rules: the rules that the log may cite, by name; one that is not among them is only run.
        kind: the checks' kind.
        seed: of the numbers.
    """
    known = {rule.name: rule for rule in rules}
    measured: dict[object, str] = {}

    def checked(name: str, before: Node, after: Node, subject: str) -> Check:
        if before.anytype != after.anytype:
            return Check(kind, subject, "failed", "the types differ")
        key = (name, *_structure(before, after))
        if key not in measured:
            measured[key] = _difference(before, after, seed) if len(measured) < MAX_MEASURED else _UNRUN
        proof, basis = prove_rule(known[name]) if name in known else None, "its rule is proved by SymPy"
        if proof is None and before.is_constant:
            proof, basis = _of_constants(before, after), "constants, equal in exact arithmetic"
        return _check(kind, subject, (proof, basis), measured[key])

    checks: list[Check] = []
    for name, before, after in log:
        subject = f"{name}: {before!r} => {after!r}"
        checks.append(attempt(kind, subject, partial(checked, name, before, after, subject)))
    return checks


_UNRUN = "not run"


def _of_constants(before: Node, after: Node) -> ZeroResult | None:
    """Return whether two constant expressions are equal in exact arithmetic; None where they have no form."""
    try:
        left, right = (each.flat for each in symbolic([before, after], {}))
        pairs = [(_number(a), _number(b)) for a, b in zip(left, right, strict=True)]
    except (ArithmeticError, AttributeError, DiffcError, TypeError, ValueError):
        return None
    if any(not each.is_finite for pair in pairs for each in pair):
        return None
    results = [equal(a, b, ()) for a, b in pairs]
    wrong = [each for each in results if each.verdict != "zero"]
    return wrong[0] if wrong else ZeroResult("zero", "exact: rational normal form")


def _check(kind: str, subject: str, proved: tuple[ZeroResult | None, str], difference: str) -> Check:
    proof, basis = proved
    if difference not in ("", _UNRUN):
        return Check(kind, subject, "failed", "both sides run on numbers", difference)
    if proof is not None and proof.verdict == "zero":
        return Check(kind, subject, "proved", basis)
    if proof is not None and proof.verdict == "nonzero":
        return Check(kind, subject, "failed", proof.basis, "its rule does not hold")
    if difference == _UNRUN:
        return Check(
            kind, subject, "skipped", f"the rule is code; {MAX_MEASURED} other applications were run"
        )
    why = "the rule is code" if proof is None else "SymPy leaves the rule open"
    return Check(kind, subject, "measured", f"{why}: both sides run on numbers")


def _leaves(before: Node, after: Node, reach: int) -> frozenset[Node]:
    """Return inputs, and the nodes `reach` operations below: they stand for any value."""
    level, leaves = [before, after], set[Node]()
    seen = set(level)
    for step in range(reach + 1):
        below: list[Node] = []
        for node in level:
            if node.is_op("input") or (step == reach and node.inputs):
                leaves.add(node)
            else:
                below += [each for each in node.inputs if each not in seen]
                seen.update(below)
        level = below
    return frozenset(leaves)


def _structure(before: Node, after: Node) -> tuple[object, ...]:
    leaves = _leaves(before, after, _REACHES[0])
    numbers: dict[Node, int] = {}
    rows: list[object] = []
    for node in topological((before, after), stop=leaves):
        numbers[node] = len(numbers)
        inputs = () if node in leaves else tuple(numbers[each] for each in node.inputs)
        data = node.digest if node.is_op("const") else str(sorted(node.attrs.items(), key=_first))
        rows.append(
            (str(node.anytype),) if node in leaves else (node.op.name, inputs, data, str(node.anytype))
        )
    return (tuple(rows), numbers[before], numbers[after])


def _first(item: tuple[str, Any]) -> str:
    return item[0]


def _difference(before: Node, after: Node, seed: int) -> str:
    """Return where the two differ, or nothing.

    What lies far below stands for any value first; a difference counts only if it is still there with
    more of the program in view, since a rule's condition may rest on it.
    """
    text = ""
    for reach in _REACHES:
        leaves = _leaves(before, after, reach)
        text = _run(before, after, leaves, seed) or _run_long(before, after, leaves, seed)
        if not text:
            break
    return text


def _run_long(before: Node, after: Node, leaves: frozenset[Node], seed: int) -> str:
    """Return where the two differ with 80 digits, at the first extents and a point of each kind."""
    if not before.type.is_float:
        return ""
    nodes = topological((before, after), stop=leaves)
    symbols = next(_assignments(sorted({symbol for node in nodes for symbol in node.symbols()})))
    for round_ in range(2):
        rng = np.random.default_rng([seed, round_])
        try:
            values = {leaf: MULTIPRECISION.array(_drawn(leaf, symbols, rng, round_)) for leaf in leaves}
            if sum(each.size for each in values.values()) > MAX_LONG:
                return ""
            MULTIPRECISION.run(nodes, values, resolve_with(symbols))
        except (ArithmeticError, AttributeError, DiffcError, IndexError, TypeError, ValueError):
            return ""  # what has no long form is run in doubles alone
        text = _long_gap(values[before], values[after])
        if text:
            return text
    return ""


def _long_gap(left: Objects, right: Objects) -> str:
    finite = [each for each in left.flat if MULTIPRECISION.is_finite(each)]
    limit = MULTIPRECISION.number(_LONG_TOLERANCE) * max([1, *map(abs, finite)])
    for a, b in zip(left.flat, right.flat, strict=True):
        if MULTIPRECISION.is_finite(a) and not abs(a - b) <= limit:
            return f"before {MULTIPRECISION.shown(a)}, after {MULTIPRECISION.shown(b)} with 80 digits"
    return ""


def _run(before: Node, after: Node, leaves: frozenset[Node], seed: int) -> str:
    nodes = topological((before, after), stop=leaves)
    names = sorted({symbol for node in nodes for symbol in node.symbols()})
    for symbols in _assignments(names):
        for round_ in range(_ROUNDS):
            ask()
            rng = np.random.default_rng([seed, round_])
            try:
                values = {leaf: _drawn(leaf, symbols, rng, round_) for leaf in leaves}
                given = dict(values)
                left, right = interpreter.evaluate_nodes(nodes, (before, after), values, symbols)
            except (DiffcError, ValueError, IndexError):
                continue  # these extents or indices do not go together
            worst = _gap(left, right, before.dtype)
            if worst:
                shown = ", ".join(
                    f"{leaf.attrs.get('name', leaf.op.name)}={_brief(v)}" for leaf, v in given.items()
                )
                return f"{worst} at {shown or 'constants'}" + (f", {symbols}" if symbols else "")
    return ""


def _assignments(names: Sequence[str]) -> Iterator[Mapping[str, int]]:
    """Yield values for the symbols: mixed, then equal ones; one empty assignment where there are none."""
    if len(names) <= 1:
        yield from (dict.fromkeys(names, extent) for extent in (_EXTENTS if names else (0,)))
        return
    yield {name: _EXTENTS[k % 2] for k, name in enumerate(names)}
    for extents in product((1, 0), repeat=min(len(names), 2)):
        yield {name: extents[k % 2] for k, name in enumerate(names)}


def _drawn(node: Node, symbols: Mapping[str, int], rng: np.random.Generator, attempt: int) -> Any:
    shape = tuple(evaluate_extent(extent, symbols) for extent in node.shape)
    if node.dtype == "bool":
        return rng.random(shape) < 0.5
    if node.dtype == "i64":
        return np.asarray(rng.integers(0, 2, shape), np.int64)
    value = rng.uniform(0.25, 2, shape) if attempt % 2 else rng.normal(size=shape)
    return np.asarray(value, DTYPES[node.dtype])


def _gap(left: Any, right: Any, dtype: str) -> str:
    """Return the first element that differs where the left side is finite, or nothing."""
    if left.shape != right.shape:
        return f"the shapes {left.shape} and {right.shape} differ"
    if dtype not in _TOLERANCE:
        wrong = np.asarray(left != right)
    else:
        scale = np.max(np.abs(left), initial=1.0, where=np.isfinite(left))
        with np.errstate(invalid="ignore"):
            wrong = np.isfinite(left) & ~(np.abs(left - right) <= _TOLERANCE[dtype] * scale)
    if not np.any(wrong):
        return ""
    place = tuple(int(k) for k in np.argwhere(wrong)[0])
    return f"before {left[place]!r}, after {right[place]!r} at {list(place)}"


def _brief(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=4, threshold=6)
