"""Proof: what is checked of a program and its derivatives, and the certificate that says so.

`op_proofs` proves each operation's derivative once; `equations` checks derivative graphs node by node;
`orders` does so order by order; `rewrites` checks what an optimiser did, `constants` what it rounded last;
`whole` compares small programs with `sympy.diff` as one expression; `kernels` compares machine code with
long arithmetic, by `numeric`. `zero` decides whether an expression vanishes. Importing this package imports
neither SymPy nor mpmath.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from diffc.proof.certificate import Certificate as Certificate
from diffc.proof.certificate import Check as Check

if TYPE_CHECKING:
    from diffc.autodiff.selection import Wrt
    from diffc.ir import Graph
    from diffc.proof.budget import Progress
    from diffc.proof.rewrites import Named
    from diffc.proof.verification import Kernels, Optimizer

__all__ = ["Certificate", "Check", "verify_graph"]


def verify_graph(
    graph: Graph,
    wrt: Wrt | None = None,
    order: int = 2,
    *,
    kernel: Callable[[Graph], Callable[..., Any]] | None = None,
    kernels: Kernels | None = None,
    captured: Mapping[str, Any] | None = None,
    optimizer: Optimizer | None = None,
    rules: Iterable[Named] = (),
    samples: int = 3,
    seed: int = 0,
    budget_s: float | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Return the certificate of a program's derivatives; see `diffc.proof.verification`."""
    from diffc.proof.verification import verify_graph as run  # SymPy takes long to import

    stages: Any = {"kernel": kernel, "kernels": kernels, "optimizer": optimizer, "rules": rules}
    effort: Any = {"samples": samples, "seed": seed, "budget_s": budget_s, "progress": progress}
    return run(graph, wrt, order, captured=captured, **stages, **effort)
