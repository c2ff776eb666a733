"""The traces under way: which function is being traced, what it has captured, what encloses it.

Traces nest: a traced function may differentiate another one that refers to the outer one's values. Each trace
has inputs of its own, told apart by the depth, and sees an outer value as one more leaf, so that a derivative
by an inner input never touches an outer one. When the inner trace ends, its leaves are replaced by what they
stand for.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from diffc.errors import DiffcError
from diffc.frontends.numpy.captures import Captures
from diffc.ir import Node, Type
from diffc.ops import input_node

__all__ = ["Trace", "active", "check_open", "decides", "tracing"]


class Trace:
    """One function being traced.

    `replaced` gives, for each leaf that stands for a value of the enclosing trace, that value. `c_ordered`
    has the inputs whose elements must be in C order at each call: the function writes to a reshaped one.
    `counts` gives the values of inputs that are integers or flags, a value of an outer trace with its
    owner; `decided` has those inputs on whose numbers the program depends.
    """

    __slots__ = (
        "_leaves", "c_ordered", "captures", "counts", "decided", "depth", "name", "open", "parent",
        "replaced",
    )  # fmt: skip

    def __init__(self, name: str, parent: Trace | None, captures: Captures) -> None:
        """Begin a trace inside another one, or inside none."""
        self.name = name
        self.parent = parent
        self.captures = captures
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.open = True
        self.c_ordered: set[Node] = set()
        self.counts: dict[Node, Any] = {}
        self.decided: set[Node] = set()
        self.replaced: dict[Node, Node] = {}
        self._leaves: dict[Node, Node] = {}

    def input(self, name: str, type_: Type) -> Node:
        """Return the input of a name; inside another trace it is told apart by the depth."""
        return input_node(f"{name}@{self.depth}" if self.depth else name, type_)

    def own(self, node: Node, owner: Trace, what: str) -> Node:
        """Return a value of `owner`, this trace or one around it, as a value of this trace."""
        chain: list[Trace] = []
        trace: Trace | None = self
        while trace is not owner:
            if trace is None:
                raise _out_of_place(owner, what)
            chain.append(trace)
            trace = trace.parent
        for each in reversed(chain):
            node = each._leaf(node)
        return node

    def _leaf(self, outer: Node) -> Node:
        if not outer.inputs and not outer.is_op("input"):
            return outer  # a constant, the value of an extent, a captured array
        leaf = self._leaves.get(outer)
        if leaf is None:
            leaf = self.input(f"outer {len(self._leaves)}", outer.type)
            self._leaves[outer] = leaf
            self.replaced[leaf] = outer
        return leaf


active: ContextVar[Trace | None] = ContextVar("active", default=None)
"""The innermost trace under way in this thread or task."""


@contextmanager
def tracing(name: str, captures: Captures | None = None) -> Generator[Trace]:
    """Trace in the body; with `captures` as a program of its own, which refers to nothing around it."""
    parent = active.get()
    if captures is None:
        captures = Captures() if parent is None else parent.captures
    trace = Trace(name, parent, captures)
    token = active.set(trace)
    try:
        yield trace
    finally:
        active.reset(token)
        trace.open = False


def decides(value: Any) -> None:
    """Note that the elements of a value from outside, if it can change, decide about what is being traced."""
    trace = active.get()
    if trace is not None:
        trace.captures.decide(value)


def _out_of_place(owner: Trace, what: str) -> DiffcError:
    if not owner.open:
        return DiffcError(
            f"{what}: a value of {owner.name} is used after the tracing of {owner.name} has ended: it stood "
            "for a computation, not for a number. Return it from the function instead of keeping it outside, "
            "in a list, an attribute or a variable"
        )
    return DiffcError(
        f"{what}: a value of {owner.name} is used outside the function that is traced: in another thread, or "
        "before the function has returned. Return it from the function"
    )


def check_open(owner: Trace, what: str) -> Trace:
    """Return the active trace; raise `DiffcError` where a value of `owner` is used outside of any.

    Args:
        owner: the trace to which the value belongs.
        what: the operation, by the name that a user calls it.
    """
    trace = active.get()
    if trace is None or not owner.open:
        raise _out_of_place(owner, what)
    return trace
