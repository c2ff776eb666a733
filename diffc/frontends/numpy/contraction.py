"""numpy.einsum."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.frontends.numpy.arguments import unsupported
from diffc.frontends.numpy.operands import as_array, as_dtype
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node
from diffc.ops import cast
from diffc.syntax.contraction import contract_all
from diffc.syntax.einsum_subscripts import read_subscripts


@implements(np.einsum)
def einsum(
    *operands: Any, out: Any = None, dtype: Any = None, order: str = "K", casting: str = "safe",
    optimize: Any = False,
) -> Node:  # fmt: skip
    """numpy.einsum; several operands are contracted pairwise, in the order that costs least.

    A contraction of two is one matrix product where there is one. `optimize` may be a path of
    numpy.einsum_path; anything else leaves the order to be chosen here.
    """
    unsupported("einsum", out=out)
    subscripts, values = read_subscripts(operands)
    nodes = [as_array(each) for each in values]
    if dtype is not None:
        nodes = [cast(each, as_dtype(dtype)) for each in nodes]
    return contract_all(nodes, subscripts.expand([each.rank for each in nodes]), optimize)
