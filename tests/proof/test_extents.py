"""Small extents for true ones: what reshapes split stays split; and what is compared after pooling."""

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import proof_stages
from diffc.ir import parse_type
from diffc.ops import input_node
from diffc.ops.elementary import sin
from diffc.ops.reshaping import reshape
from diffc.proof import verify_graph
from diffc.proof.extents import small_extents


def small(shape, *shapes):
    node = input_node("x", parse_type(shape))
    nodes = [node]
    for each in shapes:
        nodes += [moved := reshape(nodes[-1], each), sin(moved)]
    return small_extents(nodes)


def test_an_axis_that_is_split_is_as_long_as_its_parts():
    found = small("f64[4,8,8,8]", (4, 4, 2, 4, 2, 8))
    assert found[8] == found[4] * found[2]
    found = small("f64[6,35]", (6, 5, 7), (30, 7))
    assert (found[35], found[30]) == (found[5] * found[7], found[6] * found[5])


def test_extents_without_splits_keep_their_pattern():
    assert small("f64[5,9,5]") == {5: 2, 9: 3}
    assert small("f64[5,1,9]", (5, 9)) == {5: 2, 9: 3}


def test_a_symbol_may_be_split_off():
    node = input_node("x", parse_type("f64[N,16]"))
    found = small_extents([node, reshape(node, (node.shape[0], 2, 8))])
    assert found[16] == found[2] * found[8]


def test_elements_that_move_between_axes_have_no_small_form():
    assert small("f64[6,4]", (4, 6)) == {}


def test_two_splits_that_do_not_agree():
    found = small("f64[8,8]", (8, 2, 4), (8, 2, 2, 2))
    assert found[8] == 2 * found[4] == 8


def pooled(x):
    return np.sum(np.maximum(x, 0).reshape(2, 4, 2, 4, 2, 3).max(axis=(2, 4)) ** 2)


UNDECIDED_ONCE = {
    "relu then pooling": (pooled, [dc.f64(2, 8, 8, 3)]),
    "pooling of absolute values": (
        lambda x: np.sum(np.abs(x).reshape(4, 2, 6).mean(axis=1) ** 2),
        [dc.f64(8, 6)],
    ),
    "leaky pooling": (
        lambda x: np.sum(np.where(x > 0, x, x / 8).reshape(5, 2, 4).max(axis=1)),
        [dc.f64(10, 4)],
    ),
    "mixed axes": (lambda x: np.sum(np.maximum(x, 0).reshape(8, 12) * np.arange(12)), [dc.f64(12, 8)]),
    "a symbol": (lambda x: np.sum(np.maximum(x, 0).reshape(-1, 2, 8).max(axis=1) ** 2), [dc.f64("N", 16)]),
    "remainders": (lambda x, y: np.sum(np.mod(x, y) ** 2 * np.floor(x)), [dc.f64(3, 4), dc.f64()]),
    "truncated remainders": (lambda x, y: np.sum(np.fmod(x, y) * x), [dc.f64(3), dc.f64(3)]),
    "steps": (lambda x: np.sum(np.mod(np.sin(x) * 4, 1) ** 2 + np.round(x) * x), [dc.f64(3)]),
}


@pytest.mark.parametrize("name", UNDECIDED_ONCE)
def test_what_was_undecided_once_is_proved(name):
    function, types = UNDECIDED_ONCE[name]
    stages = proof_stages("precise")
    graph = dc.trace(function, *types).graph
    certificate = verify_graph(graph, order=1, optimizer=stages["optimizer"], rules=stages["rules"])
    assert certificate.verdict == "holds", str(certificate)
