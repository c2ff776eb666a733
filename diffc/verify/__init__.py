"""Proof: what is checked of a program and its derivatives, and the certificate that says so.

`op_proofs` proves each operation's derivative once; `equations` checks derivative graphs node by node;
`orders` does so order by order; `rewrites` checks what an optimiser did; `whole` compares small programs
with `sympy.diff` as one expression; `numeric` compares machine code with long arithmetic. `zero` decides
whether an expression vanishes. Importing this package imports neither SymPy nor mpmath.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diffc.verify.certificate import Certificate as Certificate
from diffc.verify.certificate import Check as Check

if TYPE_CHECKING:
    from diffc.autodiff.selection import Wrt
    from diffc.ir import Graph
    from diffc.verify.rewrites import Named
    from diffc.verify.verification import Optimizer

__all__ = ["Certificate", "Check", "verify_graph"]


def verify_graph(
    graph: Graph,
    wrt: Wrt | None = None,
    order: int = 2,
    *,
    kernel: Callable[[Graph], Callable[..., Any]] | None = None,
    optimizer: Optimizer | None = None,
    rules: Iterable[Named] = (),
    samples: int = 3,
    seed: int = 0,
) -> Certificate:
    """Return the certificate of a program's derivatives; see `diffc.verify.verification`."""
    from diffc.verify.verification import verify_graph as run  # SymPy takes long to import

    return run(graph, wrt, order, kernel=kernel, optimizer=optimizer, rules=rules, samples=samples, seed=seed)


class _CallablePackage(ModuleType):
    """The package, callable: importing it binds the name `diffc.verify`, a public function as well."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call the public `diffc.verify`."""
        return import_module("diffc.model").verify(*args, **named)


sys.modules[__name__].__class__ = _CallablePackage
