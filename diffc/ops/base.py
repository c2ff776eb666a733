"""What every operation states about itself, and the registry that refuses one that does not.

An operation belongs to one of three families, told by how it is differentiated:

* `Elementwise` (diffc/ops/elementwise.py) gives its partial derivatives as IR;
* `Linear` gives one transpose an input;
* `Composite` gives its JVP as IR, built from the other two; transposing that JVP gives reverse mode.

A `Leaf` has no inputs. `diffc.autodiff` applies these facets; nothing here differentiates.

An instance is a builder: calling it on nodes and Python numbers returns the node.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Node, Operation, Type
from diffc.ir.dtype import FORMATS

__all__ = [
    "DTYPES", "REGISTRY", "Array", "Composite", "Leaf", "Linear", "Op", "AxisAware", "is_small", "register",
]  # fmt: skip

Array: TypeAlias = "np.ndarray[Any, Any]"
DTYPES: dict[str, type[np.generic]] = {name: getattr(np, each.numpy) for name, each in FORMATS.items()}
"""NumPy's scalar type of each dtype."""


MAX_CONSTANT = 1024
"""Larger arrays are computed at run time: as constants they would be stored in every cache entry."""


class Op(Operation):
    """One operation, registered under its name."""

    summary: ClassVar[str] = ""
    """One line for the reference page."""

    required: ClassVar[tuple[str, ...]] = ("name", "summary")
    """The class attributes without which the registry refuses the operation."""

    def is_constant(self, node: Node) -> bool:
        """Tell whether all inputs are constant expressions, and the elements few and known in number."""
        for each in node.inputs:
            if not each.is_constant:
                return False
        return bool(node.inputs) and is_small(node)

    rearranges: ClassVar[bool] = False
    """Whether the elements of the result are those of its operands, in other places."""

    def ranked(self, node: Node, sign: int) -> Sequence[tuple[int, int]]:
        """Return the operands whose elements the result's are, as they are (sign) or negated (-sign)."""
        return [(k, sign) for k in range(len(node.inputs))] if self.rearranges else ()

    def attained(self, node: Node, sign: int, counts: Sequence[Node | None]) -> Node | None:
        """Return how many values attain each element, from how many do in each operand that is ranked."""
        if all(each is None for each in counts):
            return None
        inputs = list(node.inputs)
        for (k, _), count in zip(self.ranked(node, sign), counts, strict=True):
            inputs[k] = count or _ones(inputs[k])
        return node.replace(inputs)

    def problem(self, types: Sequence[Type], reason: str) -> TypeProblem:
        """Return the error for operands that do not fit."""
        shown = ", ".join(map(str, types))
        return TypeProblem(f"{self.name}({shown}): {reason}")

    def __repr__(self) -> str:
        return self.name


def _ones(x: Node) -> Node:
    one = Node.make(REGISTRY["const"], (), {"type": Type(x.dtype), "data": DTYPES[x.dtype](1).tobytes()})
    return Node.make(REGISTRY["broadcast"], (one,), {"shape": x.shape}) if x.rank else one


def is_small(node: Node) -> bool:
    """Tell whether a value may be computed when compiling: its elements are few, no symbol says how many."""
    type_ = node.anytype
    if not isinstance(type_, Type) or not isinstance(type_.size, int) or type_.size > MAX_CONSTANT:
        return False
    return not any(map(_is_symbolic, node.attrs.values()))


def _is_symbolic(value: object) -> bool:
    return any(map(_is_symbolic, value)) if isinstance(value, tuple) else not isinstance(value, int | str)  # pyright: ignore[reportUnknownArgumentType]


class Leaf(Op):
    """An operation without inputs: nothing to differentiate or to batch."""

    differentiable = False
    cost = 0

    def is_constant(self, node: Node) -> bool:
        """Tell that the value depends on what the program is given."""
        return False


class AxisAware(Op):
    """An operation that knows about axes, so that it says itself how it takes a new leading one."""

    @abstractmethod
    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Return this operation over inputs of which some (at least one) have a new leading axis."""


class Linear(AxisAware):
    """An operation that is linear in some inputs: jointly, or in each alone (`multilinear`)."""

    multilinear: ClassVar[bool] = False

    def linear_in(self, node: Node) -> Sequence[int]:
        """Return the positions of the inputs in which the operation is linear."""
        return range(len(node.inputs))

    @abstractmethod
    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the cotangent of one linear input, of that input's type."""


class Composite(AxisAware):
    """An operation whose JVP is IR over the other families; reverse mode transposes that JVP."""

    @abstractmethod
    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the tangent of `node` given those of its inputs; None stands for zero."""

    def linear_in(self, node: Node) -> Sequence[int]:
        """Return the positions of inputs for which there is a transpose, so that no JVP is needed."""
        return ()

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the cotangent of an input that `linear_in` names."""
        raise NotImplementedError(self.name)

    def expand(self, node: Node) -> Node | None:
        """Return the same value from simpler operations for scheduling; None to schedule it as it is."""
        return None

    def approximates(self, node: Node) -> bool:
        """Tell whether the expansion has the same value to rounding alone: it is tested then, not proved."""
        return False


REGISTRY: dict[str, Op] = {}
"""Every operation by name, in the order of registration."""

_Registered = TypeVar("_Registered", bound=Op)


def register(cls: type[_Registered]) -> _Registered:
    """Register one instance of an operation and return it; refuse one that lacks a facet."""
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    missing += [facet for facet in cls.required if not getattr(cls, facet, None)]
    if missing:
        raise DiffcError(f"the operation {cls.__name__} lacks {', '.join(missing)}")
    if cls.name in REGISTRY:
        raise DiffcError(f"the operation {cls.name} is registered twice")
    instance = cls()
    REGISTRY[cls.name] = instance
    return instance
