"""Loops and branches of routines, as functions of the code inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diffc.emit.llvm.emitter import FunctionEmitter, Value

__all__ = ["count", "either", "loop_while"]


def loop_while(
    e: FunctionEmitter,
    carried: Sequence[Value],
    condition: Callable[..., Value],
    body: Callable[..., Sequence[Value]],
) -> list[Value]:
    """Emit `while condition(*carried): carried = body(*carried)`; return what is carried out of it."""
    head, inside, done = e.new_label("while"), e.new_label("inside"), e.new_label("after")
    entry = e.current_block
    e.br(head)
    e.block(head)
    phis = [e.phi(value.kind, value.lanes) for value in carried]
    e.cbr(condition(*phis), inside, done)
    e.block(inside)
    following = body(*phis)
    for phi, first, later in zip(phis, carried, following, strict=True):
        e.add_incoming(phi, first, entry)
        e.add_incoming(phi, later, e.current_block)
    e.br(head)
    e.block(done)
    return phis


def count(
    e: FunctionEmitter,
    start: Value,
    stop: Value,
    body: Callable[..., Sequence[Value] | None],
    carried: Sequence[Value] = (),
    step: int = 1,
) -> list[Value]:
    """Emit `for i in range(start, stop, step): carried = body(i, *carried)`; return what is carried out."""

    def inside(index: Value, *values: Value) -> list[Value]:
        later = body(index, *values) or ()
        return [e.iadd(index, e.constant("i64", step)), *later]

    return loop_while(e, [start, *carried], lambda index, *_: e.icmp("slt", index, stop), inside)[1:]


def either(
    e: FunctionEmitter,
    condition: Value,
    then: Callable[[], None],
    otherwise: Callable[[], None] | None = None,
) -> None:
    """Emit `if condition: then() else: otherwise()`."""
    yes, no, done = e.new_label("then"), e.new_label("else"), e.new_label("after")
    e.cbr(condition, yes, no)
    for label, body in ((yes, then), (no, otherwise)):
        e.block(label)
        if body is not None:
            body()
        e.br(done)
    e.block(done)
