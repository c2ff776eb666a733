"""Structured flow as basic blocks: the loops and branches that `diffc.emit.interface` states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diffc.emit.llvm.blocks import Blocks
from diffc.ops.emitter import Value

__all__ = ["Flow"]


class Flow(Blocks):
    """Loops and branches as functions of the code inside them."""

    def loop_while(
        self,
        carried: Sequence[Value],
        condition: Callable[..., Value],
        body: Callable[..., Sequence[Value]],
    ) -> list[Value]:
        head, inside, done = self.new_label("while"), self.new_label("inside"), self.new_label("after")
        entry = self.current_block
        self.br(head)
        self.block(head)
        phis = self._phis_like(carried)
        self.cbr(condition(*phis), inside, done)
        self.block(inside)
        following = body(*phis)
        self._join(phis, (carried, entry), (following, self.current_block))
        self.br(head)
        self.block(done)
        return phis

    def repeat_while(
        self, carried: Sequence[Value], body: Callable[..., tuple[Sequence[Value], Value]]
    ) -> list[Value]:
        again, done = self.new_label("again"), self.new_label("done")
        entry = self.current_block
        self.br(again)
        self.block(again)
        phis = self._phis_like(carried)
        following, condition = body(*phis)
        self._join(phis, (carried, entry), (following, self.current_block))
        self.cbr(condition, again, done)
        self.block(done)
        return list(following)

    def program_loop(
        self,
        start: Value,
        stop: Value,
        body: Callable[..., Sequence[Value]],
        carried: Sequence[Value] = (),
        step: int = 1,
    ) -> list[Value]:
        # Tested once before it and then behind each round.
        head, done = self.new_label("loop"), self.new_label("done")
        entry = self.current_block
        self.cbr(self.icmp("slt", start, stop), head, done)
        self.block(head)
        index, *phis = self._phis_like([start, *carried])
        after = body(index, *phis)
        following = self.iadd(index, self.constant("i64", step))
        latch = self.current_block
        self.cbr(self.icmp("slt", following, stop), head, done)
        self._join([index, *phis], ([start, *carried], entry), ([following, *after], latch))
        self.block(done)
        results = self._phis_like(carried)
        self._join(results, (carried, entry), (after, latch))
        return results

    def either(
        self, condition: Value, then: Callable[[], None], otherwise: Callable[[], None] | None = None
    ) -> None:
        yes, no, done = self.new_label("then"), self.new_label("else"), self.new_label("after")
        self.cbr(condition, yes, no)
        for label, body in ((yes, then), (no, otherwise)):
            self.block(label)
            if body is not None:
                body()
            self.br(done)
        self.block(done)

    def unless(self, condition: Value, body: Callable[[], None]) -> None:
        inside, done = self.new_label("unless"), self.new_label("done")
        self.cbr(condition, done, inside)
        self.block(inside)
        body()
        self.br(done)
        self.block(done)

    def replaced_if(
        self, condition: Value, usual: Sequence[Value], replacements: Callable[[], Sequence[Value]]
    ) -> list[Value]:
        before, branch, done = self.current_block, self.new_label("rare"), self.new_label("done")
        self.cbr(condition, branch, done)
        self.block(branch)
        others = replacements()
        after = self.current_block
        self.br(done)
        self.block(done)
        results = self._phis_like(usual)
        self._join(results, (usual, before), (others, after))
        return results

    def return_if(self, condition: Value, v: Value) -> None:
        leaves, stays = self.new_label("leaves"), self.new_label("stays")
        self.cbr(condition, leaves, stays)
        self.block(leaves)
        self.ret(v)
        self.block(stays)

    def _phis_like(self, values: Sequence[Value]) -> list[Value]:
        return [self.phi(value.kind, value.lanes) for value in values]

    def _join(self, phis: Sequence[Value], *sources: tuple[Sequence[Value], str]) -> None:
        """Give the phis of a block what comes from each of the blocks before it."""
        for values, label in sources:
            for phi, value in zip(phis, values, strict=True):
                self.add_incoming(phi, value, label)
