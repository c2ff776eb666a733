"""Products that wait for a sum, and casts of what no integer holds."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.errors import InputError
from diffc.ir import Graph, Type
from diffc.ops import cast, input_node
from diffc.ops.indexing import gather


def test_a_long_product_is_no_recursion():
    names = [f"x{k}" for k in range(2500)]
    kernel = dc.compile(dc.parse("*".join(names)), cache=False)
    assert kernel(*[1.0] * 2499, 3.0) == 3.0


@pytest.mark.parametrize(
    "text", ["*".join(f"x{k}" for k in range(20_000)), "exp(" * 3000 + "x" + ")" * 3000], ids=["mul", "exp"]
)
def test_deep_programs_become_text(text):
    stages = Stages(dc.parse(text).graph, Options())
    assert all(stages[name] for name in ("source", "llvm"))


@pytest.mark.parametrize("text", ["a*b + c", "a*b*c + d", "a*b*c - d", "d - a*b*c", "a**2*b + c"])
def test_products_are_fused_with_their_sum(text):
    assert dc.compile(dc.parse(text), cache=False).stages["llvm"].count("call double @llvm.fma.f64") == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_an_index_cast_from_what_no_integer_holds(value):
    v, x = input_node("v", Type("f64", (4,))), input_node("x", Type("f64", (9,)))
    kernel = dc.compile(dc.Function(Graph("g", (v, x), (gather(v, cast(x, dtype="i64")),))), cache=False)
    assert "freeze" in kernel.stages["llvm"]
    table = np.arange(4.0)
    try:
        read = kernel(table, np.full(9, value))
    except InputError:
        return
    assert np.isin(read, table).all()
