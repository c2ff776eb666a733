"""Plans in blocks: which axis is cut, what is combined, what is kept, and that the values stay the same."""

import numpy as np
import pytest

import diffc as dc
from diffc.blocks import plan_blocks, print_plan
from diffc.compiler import Options, Stages
from diffc.functions.function import Function
from diffc.ir.plan import BlockPlan
from diffc.schedule import expand


def plan(f: Function) -> BlockPlan | None:
    return plan_blocks(expand(Stages(f.graph, Options(derived=f.derived)).optimized()))


def shape(found: BlockPlan | None) -> list[tuple[bool, list[tuple[int | None, str]]]]:
    """Each step: in blocks or not, and how its outputs are cut and combined."""
    assert found is not None
    return [(s.in_blocks, [(w.axis, w.combine) for w in s.writes]) for s in found.steps]


def test_a_map_is_one_step() -> None:
    assert shape(plan(dc.parse("exp(x)*sin(x)", {"x": "f64[N]"}))) == [(True, [(0, "")])]


def test_a_sum_is_combined() -> None:
    found = plan(dc.parse("sum(exp(x))", {"x": "f64[N]"}))
    assert shape(found) == [(True, [(None, "add")])]


def test_a_value_after_the_sum_is_computed_once() -> None:
    found = plan(dc.parse("log(sum(exp(x)))**2 + 1", {"x": "f64[N]"}))
    assert [in_blocks for in_blocks, _ in shape(found)][-1] is False


def test_what_needs_the_mean_waits_for_it() -> None:
    found = plan(dc.parse("exp(x - mean(exp(x)))", {"x": "f64[N]"}))
    kinds = [in_blocks for in_blocks, _ in shape(found)]
    assert kinds[-1] is True
    assert sum(kinds) == 2


def test_the_batch_is_cut_and_not_the_features() -> None:
    types = {"x": "f64[N,784]", "y": "f64[N,10]", "w1": "f64[784,128]", "w2": "f64[128,10]"}
    h = "(sigmoid(x@w1)@w2)"
    loss = dc.parse(f"sum(logsumexp({h}, axis=1) - sum({h}*y, axis=1))", types)
    found = plan(dc.value_and_grad(loss, ["w1", "w2"]))
    assert found is not None
    assert str(found.extent) == "N"
    assert {each.combine for step in found.steps if step.in_blocks for each in step.writes} == {"add"}


@pytest.mark.parametrize("text", ["cumsum(x)", "x[1:] - x[:-1]", "x[::-1]", "x[arange(3)]"])
def test_what_mixes_the_places_of_an_axis_is_not_cut(text: str) -> None:
    assert plan(dc.parse(text, {"x": "f64[N]"})) is None


def test_a_gram_matrix_is_not_cut_along_both_its_axes() -> None:
    assert plan(dc.parse("x @ x.T", {"x": "f64[N,3]"})) is None


def test_a_scalar_program_has_no_axis() -> None:
    assert plan(dc.parse("a*b")) is None


def test_the_parts_of_a_difference_of_sums_are_one() -> None:
    found = plan(dc.parse("sum(exp(x)) - 2*sum(sin(x))", {"x": "f64[N]"}))
    assert shape(found) == [(True, [(None, "add")])]


def test_a_product_of_sums_is_not_a_sum_of_parts() -> None:
    found = plan(dc.parse("sum(exp(x)) * sum(sin(x))", {"x": "f64[N]"}))
    assert shape(found) == [(True, [(None, "add"), (None, "add")]), (False, [(None, "")])]


def test_the_text_names_what_is_cut_and_combined() -> None:
    found = plan(dc.parse("sum(exp(x))", {"x": "f64[N]"}))
    assert found is not None
    text = print_plan(found)
    assert "extent N" in text
    assert "axis 0 of x" in text
    assert "combined by add" in text


def test_a_constant_array_is_cut_with_the_axis() -> None:
    from diffc.frontends.formulas import declare
    from diffc.ir import Graph
    from diffc.ops import constant
    from diffc.ops.arithmetic import mul
    from diffc.ops.elementary import exp

    (x,) = declare({"x": "f64[6]"}).values()
    factors = constant(np.arange(6.0))
    found = plan_blocks(Graph("f", (x,), (mul(exp(x), factors),)))
    assert found is not None
    (name,) = found.constants
    assert [each.axis for each in found.steps[0].reads if each.name == name] == [0]
