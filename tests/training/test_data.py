"""Data: class numbers, and which inputs have a row for each sample."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.errors import InputError
from diffc.ir import parse_type
from diffc.training.batches import Batches
from diffc.training.data import Samples, check_data, encode_classes

TYPES = {"x": parse_type("f64[N, 2]"), "y": parse_type("f32[N, 4]"), "t": parse_type("f64[N]")}


@pytest.mark.parametrize("numbers", [np.array([2, 0, 3]), np.array([[2], [0], [3]], np.uint8), [2, 0, 3]])
def test_classes(numbers):
    found = encode_classes(TYPES, {"y": numbers}, ["y"])["y"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.eye(4)[[2, 0, 3]])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("y", [0, 4], "one_hot: y holds 4 in row 1; its classes are 0 to 3"),
        ("y", [-1, 1], "one_hot: y holds -1 in row 0"),
        ("y", [0.0, 1.0], "one_hot: y must be whole numbers"),
        ("y", [[0, 1]], "one_hot: y must be whole numbers"),
        ("t", [0, 1], r"one_hot: t is f64\[N\]; classes need a type such as f64\[N, 10\]"),
        ("z", [0, 1], "one_hot: there is no data 'z'; there is"),
    ],
)
def test_numbers_that_are_no_classes(name, value, says):
    with pytest.raises(InputError, match=says):
        encode_classes(TYPES, {"y": [0]} if name == "z" else {name: np.array(value)}, [name])


@pytest.mark.parametrize(
    ("inputs", "rows"),
    [
        ({"x": "f64[N, 3]", "y": "f64[N]", "c": "f64"}, ("x", "y")),
        ({"c": "f64[3]", "x": "i64[N]"}, ("x",)),
        ({"x": "f64[N, N]"}, ()),
        ({"x": "f64[N]", "y": "f64[M]"}, ("x",)),
        ({"x": "f64[N]", "y": "f64[3, N]"}, ()),
        ({"x": "f64[N]", "y": "f64[N-1]"}, ()),
        ({"x": "f64[3]"}, ()),
        ({}, ()),
    ],
)
def test_rows(inputs, rows):
    terms = [f"sum({name})" if name != "c" or "[" in kind else name for name, kind in inputs.items()]
    loss = dc.parse(" + ".join([*terms, "w"]), {**inputs, "w": "f64"})
    shapes = {
        name: [4 if extent == "N" else 3 for extent in map(str, kind.shape)]
        for name, kind in loss.inputs.items()
    }
    data = {
        name: np.ones(shapes[name], "i8" if kind.startswith("i") else "f8") for name, kind in inputs.items()
    }
    samples = check_data(loss, {"w": np.array(0.0)}, data)
    assert samples.rows == rows
    assert samples.count == (4 if rows else 1)


def test_split():
    samples = Samples({"x": np.arange(10), "c": np.array(3)}, ("x",))
    left, right = samples.split(0.3, seed=1)
    assert (left.count, right.count) == (7, 3)
    assert sorted([*left.arrays["x"], *right.arrays["x"]]) == list(range(10))
    assert left.arrays["c"] is right.arrays["c"] is samples.arrays["c"]
    again, _ = samples.split(0.3, seed=1)
    np.testing.assert_array_equal(left.arrays["x"], again.arrays["x"])
    others = [samples.split(0.3, seed=k)[1].arrays["x"].tolist() for k in range(5)]
    assert len({tuple(each) for each in others}) > 1


@pytest.mark.parametrize("count", [1, 9, 10, 11, 255, 256, 257, 603])
def test_batches(count):
    """Every sample once an epoch, in another order each time; buffers of one set, contiguous."""
    samples = Samples({"x": np.arange(2.0 * count).reshape(count, 2), "c": np.ones(3)}, ("x",))
    batches = Batches(samples, 4, seed=0, shuffle=True)
    seen = []
    for epoch in (1, 2, 1):
        parts = [(number, batch[0].copy()) for number, batch in batches.epoch(epoch)]
        assert [number for number, _ in parts] == [len(part) for _, part in parts]
        assert len(parts) == batches.steps
        seen.append(np.concatenate([part for _, part in parts]))
        np.testing.assert_array_equal(np.sort(seen[-1], axis=0), samples.arrays["x"])
    np.testing.assert_array_equal(seen[0], seen[2])
    if count > 4:
        assert (seen[0] != seen[1]).any()
    for _, (x, c) in batches.epoch(3):
        assert x.flags.c_contiguous
        assert c is samples.arrays["c"]
