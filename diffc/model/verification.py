"""The certificate of a function or a model: the proof stage, with the compiler's own stages to check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from diffc import compiler
from diffc.autodiff.selection import Wrt
from diffc.errors import DiffcError
from diffc.functions.certified import measured, proof_stages
from diffc.functions.function import Function, how_to_make
from diffc.model.model import Model

if TYPE_CHECKING:
    from diffc.proof import Certificate
    from diffc.proof.kernels import Measured

__all__ = ["verify"]


def verify(
    f: Function | Model,
    order: int = 2,
    wrt: Wrt | None = None,
    math: str | None = None,
    *,
    budget_s: float | None = None,
    **options: Any,
) -> Certificate:
    """Return the certificate of the derivatives of a function, of a model's outputs or a network's loss.

    Args:
        f: the function or the model.
        order: derivatives up to this order are proved.
        wrt: by which inputs; without it by every f64 and f32 input, for a network by every parameter.
        math: "precise" or "fast"; the function's or model's own without it.
        budget_s: after so many seconds no further check is begun, and a long one ends at its next step; what
            was not reached is listed, and the verdict is "undecided". Without it there is no bound, so
            that a verdict does not depend on how fast the machine is.
        options: more for `diffc.proof.verify_graph`, such as `samples` and `progress`.

    Returns:
        The certificate: `verdict` is "holds", "refuted" or "undecided", `ok` tells whether everything holds.

    Raises:
        DiffcError: for anything but a Function or a Model, and for what `verify_graph` refuses.
    """
    from diffc.proof.verification import verify_graph

    if not isinstance(f, Function | Model):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(
            f"verify takes a diffc Function or Model, got {type(f).__name__}: {how_to_make(f)}, or a Model "
            "with dc.load_model"
        )
    chosen = compiler.Options(cast(Literal["precise", "fast"], math or f.math)).math
    if isinstance(f, Function):
        return verify_graph(f.graph, wrt, order, budget_s=budget_s, **proof_stages(f, chosen), **options)
    model = f.with_math(chosen)
    stages = proof_stages(model.function, chosen)
    if wrt is None and model.parameters:
        wrt = model.parameters
    stages["kernels"] = partial(_kernels, model, stages["kernels"])
    return verify_graph(model.function.graph, wrt, order, budget_s=budget_s, **stages, **options)


def _kernels(
    model: Model, general: Callable[..., Sequence[Measured]], names: Sequence[str], wrt: Wrt
) -> list[Measured]:
    """Return the model's own kernels, and those of derivatives that are proved and that it does not have."""
    found = [measured(name, model.reference(name), model[name]) for name in model.named()]
    missing = [name for name in names if name != "value" and not model.has(name)]
    return [*found, *general(missing, wrt)]
