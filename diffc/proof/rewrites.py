"""Rewrites: what an optimiser did to a program, each step citing its rule.

A rule that is data states both sides as SymPy expressions; it is proved once, by deciding that their
difference is zero under the rule's condition. A rule that is code has no such form. Every application,
of either kind, is also run: both nodes on numbers, for several small extents, 0 and 1 among them. For a
rule that is code that is all, and the check says `measured`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, Protocol, TypeAlias

import numpy as np
import sympy
from sympy.logic.boolalg import Boolean

from diffc.errors import DiffcError
from diffc.ir import Node, evaluate_extent, topological
from diffc.ops import interpreter
from diffc.ops.base import DTYPES
from diffc.proof.certificate import Check
from diffc.proof.zero import ZeroResult, equal

__all__ = ["Log", "Named", "check_rewrites", "prove_rule"]

Log: TypeAlias = Sequence[tuple[str, Node, Node]]
"""What an optimiser did: (the rule's name, the node before, the node after)."""

MAX_MEASURED = 400
"""How many distinct applications are run on numbers for one log."""

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
    checks: list[Check] = []
    for name, before, after in log:
        subject = f"{name}: {before!r} => {after!r}"
        if before.anytype != after.anytype:
            checks.append(Check(kind, subject, "failed", "the types differ"))
            continue
        key = (name, *_structure(before, after))
        if key not in measured:
            measured[key] = _difference(before, after, seed) if len(measured) < MAX_MEASURED else _UNRUN
        checks.append(
            _check(kind, subject, prove_rule(known[name]) if name in known else None, measured[key])
        )
    return checks


_UNRUN = "not run"


def _check(kind: str, subject: str, proof: ZeroResult | None, difference: str) -> Check:
    if difference not in ("", _UNRUN):
        return Check(kind, subject, "failed", "both sides run on numbers", difference)
    if proof is not None and proof.verdict == "zero":
        return Check(kind, subject, "proved", "its rule is proved by SymPy")
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
        text = _run(before, after, _leaves(before, after, reach), seed)
        if not text:
            break
    return text


def _run(before: Node, after: Node, leaves: frozenset[Node], seed: int) -> str:
    nodes = topological((before, after), stop=leaves)
    names = sorted({symbol for node in nodes for symbol in node.symbols()})
    for symbols in _assignments(names):
        for attempt in range(_ROUNDS):
            rng = np.random.default_rng([seed, attempt])
            try:
                values = {leaf: _drawn(leaf, symbols, rng, attempt) for leaf in leaves}
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
