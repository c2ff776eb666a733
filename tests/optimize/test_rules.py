"""Meta-tests over all rules: a rule added to the table is tested by its name without further ado."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
import sympy

from diffc import autodiff
from diffc.ir import Graph, Node, Type
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, mul, square
from diffc.optimize import ALL, RULES, Rule, rewrite
from diffc.optimize.facts import PREDICATES
from diffc.optimize.pattern import Term, build, variables
from diffc.optimize.rule import _scalars, _vectors
from diffc.optimize.rules import algebra, logic
from diffc.proof.zero import decide_zero

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, math.inf, -math.inf, math.nan, 1e300, -1e300, 1e-300, 5e-324]
TAME = [0.0, 1.0, -1.0, 0.5, -2.5, 3.0]
LARGE = [0.0, 1.0, -1.0, 700.0, -700.0, 1e4, -1e4, 1e300, -1e300]
CONSTANTS = {"constant": 3.0, "negative_constant": -3.0, "power_of_two": 4.0}
AXES = (1,)

by_name = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def instance(rule: Rule) -> Graph:
    """The left side on inputs that meet the condition."""
    vectors = _vectors(rule.before)
    inputs: dict[str, Node] = {}
    bindings: dict[str, Any] = dict.fromkeys(axis_names(rule.before), AXES)
    shapes = dict.fromkeys(rule.variables, (2, 3) if vectors else ())
    shapes |= dict.fromkeys(_scalars(rule.before), (2,))
    shapes |= {names[0]: (2, 1) for name, names in rule.conditions if name == "constant_along"}
    if "n" in shapes:
        shapes["n"] = ()
    for name in rule.variables:
        known = {each for each, names in rule.conditions if names == (name,)}
        numbers = [CONSTANTS[each] for each in known if each in CONSTANTS]
        dtype = "bool" if "boolean" in known else "f64"
        node = inputs[name] = input_node(name, Type(dtype, shapes[name]))
        if numbers:
            del inputs[name]
            bindings[name] = numbers[0]
        elif "positive" in known:
            bindings[name] = add(1, square(node))
        elif "nonnegative" in known:
            bindings[name] = square(node)
        elif "product" in known:
            other = inputs[name + "_"] = input_node(name + "_", Type(dtype, shapes[name]))
            bindings[name] = mul(node, other)
        else:
            bindings[name] = node
    return Graph(rule.name, tuple(inputs.values()), (build(rule.before, bindings, simply=False),))


def axis_names(pattern: Any) -> set[str]:
    if not isinstance(pattern, Term):
        return set()
    return set().union(*map(axis_names, pattern.args)) | ({pattern.axes} if pattern.axes else set())


def replaced(rule: Rule, graph: Graph) -> Graph:
    result = rule.apply(graph.outputs[0])
    assert result is not None, f"{rule} does not fire on its own left side"
    assert result.type == graph.outputs[0].type
    return graph.with_outputs([result])


def stage_of(rule: Rule) -> str:
    return "after" if rule.stage == "after" else "before"


def arguments(graph: Graph, values: list[float], count: int, seed: int) -> list[list[Any]]:
    """Points from the values: all combinations where they are few, else some."""
    rng = np.random.default_rng(seed)
    sizes = [math.prod(node.shape) for node in graph.inputs]
    total = sum(sizes)
    if len(values) ** total <= count:
        points: Any = list(itertools.product(values, repeat=total))
    else:
        points = rng.choice(values, (count, total))
    rows = []
    for point in points:
        parts = np.split(np.asarray(point), np.cumsum(sizes)[:-1])
        rows.append([p.reshape(node.shape) for p, node in zip(parts, graph.inputs, strict=True)])
    return rows


def test_names_are_unique() -> None:
    names = [rule.name for rule in ALL]
    assert len(set(names)) == len(names)


@by_name
def test_prints_and_reads_back(rule: Rule) -> None:
    text, _, condition = str(rule).partition("  if ")
    again = Rule(rule.name, text, condition, rule.stage, rule.math)
    assert (again.before, again.after, again.conditions) == (rule.before, rule.after, rule.conditions)


@by_name
def test_fires_where_it_stands(rule: Rule) -> None:
    """No other rule hides it: the left side is in the normal form of the rules around it."""
    graph = instance(rule)
    replaced(rule, graph)
    names: list[Any] = []
    if rule.name in ("neg_constant", "neg_numerator"):  # they undo two others, in a pass of their own
        return
    rest = [each for each in ALL if each.active(stage_of(rule), rule.math)]
    rest = [each for each in rest if each.name not in ("neg_constant", "neg_numerator")]
    rewrite(graph, rest, names)
    assert rule.name in [name for name, _, _ in names], [name for name, _, _ in names]


@by_name
def test_agrees_on_numbers(rule: Rule) -> None:
    before = instance(rule)
    after = replaced(rule, before)
    rng = np.random.default_rng(1)
    moderate = list(rng.uniform(-3, 3, 40))
    if rule.math == "fast":
        moderate = list(rng.uniform(0.5, 2, 40))
    for point in arguments(before, moderate, 40, 2):
        (x,), (y,) = evaluate(before, *point), evaluate(after, *point)
        finite = np.isfinite(x)
        np.testing.assert_allclose(y[finite], x[finite], 1e-13, 1e-13)
        assert np.isfinite(y[finite]).all()
    if rule.exact:
        for point in arguments(before, SPECIAL, 300, 3):
            (x,), (y,) = evaluate(before, *point), evaluate(after, *point)
            np.testing.assert_array_equal(x, y, err_msg=str(point))
            if x.dtype == np.float64:
                known = ~np.isnan(x)
                np.testing.assert_array_equal(np.signbit(x[known]), np.signbit(y[known]), err_msg=str(point))
    elif rule.math == "precise":
        for point in arguments(before, LARGE, 120, 4):
            (x,), (y,) = evaluate(before, *point), evaluate(after, *point)
            finite = np.isfinite(x)
            assert np.isfinite(y[finite]).all(), point
            scale = max(1.0, *(np.abs(p).max(initial=0) for p in point))
            with np.errstate(over="ignore"):
                np.testing.assert_allclose(y[finite], x[finite], 1e-12, 1e-13 * scale, err_msg=str(point))


@pytest.mark.parametrize("rule", [r for r in RULES if r.math == "precise"], ids=lambda rule: rule.name)
def test_keeps_poles_and_nan(rule: Rule) -> None:
    """A rule may remove an overflow, never a pole or a NaN; algebra keeps infinities as well."""
    before = instance(rule)
    after = replaced(rule, before)
    algebraic = rule in (*algebra.RULES, *logic.RULES)
    for point in arguments(before, [*TAME, math.inf, -math.inf, math.nan] if algebraic else TAME, 200, 7):
        (x,), (y,) = evaluate(before, *point), evaluate(after, *point)
        if x.dtype == np.float64:
            np.testing.assert_allclose(y, x, 1e-13, 1e-13, err_msg=str(point))


@pytest.mark.parametrize("rule", [r for r in RULES if r.stage != "after"], ids=lambda rule: rule.name)
def test_preserves_derivatives(rule: Rule) -> None:
    before = instance(rule)
    after = replaced(rule, before)
    wrt = [node.attrs["name"] for node in before.inputs if node.type.is_float]
    if not wrt or not before.outputs[0].type.is_float:
        return
    one, two = autodiff.jacobian(before, wrt), autodiff.jacobian(after, wrt)
    rng = np.random.default_rng(5)
    values = [0.0, 1.0, *rng.uniform(-2, 2, 10)]
    for point in arguments(before, values, 12, 6):
        for x, y in zip(evaluate(one, *point), evaluate(two, *point), strict=True):
            finite = np.isfinite(x)
            np.testing.assert_allclose(y[finite], x[finite], 1e-10, 1e-10, err_msg=str(point))


@by_name
def test_is_proved(rule: Rule) -> None:
    before, after, assumptions = rule.sympy_sides(sympy)
    assert len(before) == len(after)
    for x, y in zip(before, after, strict=True):
        if isinstance(x, sympy.logic.boolalg.Boolean):
            assert x == y
        else:
            result = decide_zero(x - y, assumptions)
            assert result.verdict == "zero", (x, y, result)


@pytest.mark.parametrize("name", PREDICATES)
def test_every_predicate_is_used_and_explained(name: str) -> None:
    used = any(re.search(rf"\b{name}\(", rule.condition) for rule in RULES)
    assert used


def test_variables_of_the_right_side_are_bound() -> None:
    for rule in RULES:
        assert set(variables(rule.after)) <= set(rule.variables)
