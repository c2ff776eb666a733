"""The arithmetics of proofs: those of `diffc.ops.number_systems`, with the operations of linear algebra."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diffc.ir import Graph, Node
from diffc.ops import number_systems
from diffc.ops.number_systems import Objects, Resolve, resolve_with
from diffc.proof.budget import ask
from diffc.proof.matrices import MATRIX_OPERATIONS, each_matrix
from diffc.proof.matrix_functions import MATRIX_FUNCTIONS, each_place

__all__ = ["Arithmetic", "Objects", "Resolve", "resolve_with"]


class Arithmetic(number_systems.Arithmetic):
    """What numbers are, which functions work on them, and how matrices are factored."""

    def apply(self, node: Node, arrays: list[Objects], resolve: Resolve) -> Objects:
        """Return one node's value, if there is time left."""
        ask()
        with np.errstate(all="ignore"):  # NumPy warns of a NaN among objects
            return super().apply(node, arrays, resolve)

    @abstractmethod
    def matrix_form(self, name: str) -> Callable[..., Objects]:
        """Return what an operation of linear algebra does to one matrix; raise ValueError for no form."""

    @abstractmethod
    def matrix_function(
        self, function: Graph, a: Objects, directions: list[Objects], parameters: list[Objects]
    ) -> Objects:
        """Return a function of one symmetric matrix, or its derivative along directions."""

    def structural(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        """Return the value of an operation that is not elementwise."""
        if node.op.name in MATRIX_OPERATIONS:
            return each_matrix(node, self.matrix_form(node.op.name), arrays)
        if node.op.name in MATRIX_FUNCTIONS:
            return each_place(node, arrays, self.matrix_function)
        return super().structural(node, attrs, arrays)
