"""Lanes that need more than the others: computed on a branch that is taken where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from diffc.emit.llvm.emitter import FunctionEmitter, Value


def repaired(e: FunctionEmitter, rare: Value, usual: Value, careful: Callable[[], Value]) -> Value:
    """Return `usual`, but in the lanes of the mask `rare` the value that `careful` emits."""
    before, branch, done = e.current_block, e.new_label("rare"), e.new_label("done")
    e.cbr(e.any(rare), branch, done)
    e.block(branch)
    value = e.select(rare, careful(), usual)
    after = e.current_block
    e.br(done)
    e.block(done)
    result = e.phi(usual.kind, usual.lanes)
    e.add_incoming(result, usual, before)
    e.add_incoming(result, value, after)
    return result
