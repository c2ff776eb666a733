"""The certificate of a function or a model: the proof stage, with the compiler's own stages to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from diffc import pipeline
from diffc.autodiff.selection import Wrt
from diffc.errors import DiffcError
from diffc.function import Function
from diffc.model.model import Model

if TYPE_CHECKING:
    from diffc.proof import Certificate

__all__ = ["verify"]


def verify(
    f: Function | Model, order: int = 2, wrt: Wrt | None = None, math: str | None = None, **options: Any
) -> Certificate:
    """Return the certificate of the derivatives of a function, of a model's outputs or a network's loss.

    Args:
        f: the function or the model.
        order: derivatives up to this order are proved.
        wrt: by which inputs; without it by every f64 and f32 input, for a network by every parameter.
        math: "precise" or "fast"; the function's or model's own without it.
        options: more for `diffc.proof.verify_graph`, such as `samples`.
    """
    from diffc.proof.verification import verify_graph

    if not isinstance(f, Function | Model):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(
            f"verify takes a diffc Function or Model, got {type(f).__name__}: "
            "make one with dc.trace, dc.parse, dc.from_sympy or dc.load_model"
        )
    chosen = math or f.math
    stages = pipeline.proof_stages(cast(Literal["precise", "fast"], chosen))
    graph = f.function.graph if isinstance(f, Model) else f.embedded().graph
    if wrt is None and isinstance(f, Model) and f.parameters:
        wrt = f.parameters
    return verify_graph(graph, wrt, order, **stages, **options)
