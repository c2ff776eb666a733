"""The family of elementwise operations, and `cast`, which brings their operands to one dtype."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from diffc.ir import Node, Type, broadcast_shapes, promote
from diffc.ir.dtype import FLOATS, FORMATS
from diffc.ops.base import DTYPES, Array, Linear, Op, register
from diffc.ops.constant import const, constant, constant_like
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["Elementwise", "Operand", "Partial", "cast", "lift"]

Operand: TypeAlias = Node | float | int | bool
"""A node, or a Python number that takes the dtype of what it meets."""

Partial: TypeAlias = Node | float | None
"""A partial derivative: IR, a number (1 and -1 cost nothing), or None where it is zero."""

_DOMAINS = {
    "float": FLOATS,
    "number": (*FLOATS, "i64"),
    "bool": ("bool",),
    "any": tuple(FORMATS),
}


class Elementwise(Op):
    """An operation on numbers, applied to arrays element by element with NumPy's broadcasting.

    A subclass states `numpy`, `partials`, `sympy`, `source` and `emit`; types, batching and both
    modes of differentiation follow. Calling the instance builds the node.
    """

    required = ("name", "summary", "source")
    arity: ClassVar[int] = 1

    source: ClassVar[str]
    """The scalar code in Python, as a template: `np.exp({0})`."""

    integer_source: ClassVar[str] = ""
    """The template for integers, where that of floats would not do."""

    library: ClassVar[Callable[..., float] | None] = None
    """The function of this package that `source` calls, if any; generated source carries its text."""

    domain: ClassVar[str] = "float"
    """What operands become: `float` (integers enter as f64), `number`, `bool`, or `any`."""

    result: ClassVar[str | None] = None
    """The result's dtype where it is not the operands'."""

    parameters: ClassVar[tuple[int, ...]] = ()
    """The operands that choose the function, such as an order: nothing is differentiated by them."""

    @abstractmethod
    def numpy(self, *arrays: Any) -> Any:
        """Return the result computed by NumPy."""

    @abstractmethod
    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        """Return the derivative by each input, as IR that may use the output `out`."""

    @abstractmethod
    def sympy(self, S: Any, *args: Any) -> Any:
        """Return the operation on SymPy expressions; `S` is the module `sympy`."""

    @abstractmethod
    def emit(self, e: Arithmetic, *args: Value) -> Value:
        """Return the scalar or vector code."""

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Broadcast the shapes; the dtypes must agree."""
        if len(types) != self.arity:
            raise self.problem(
                types, f"it takes {self.arity} argument{'s' * (self.arity != 1)}, got {len(types)}"
            )
        shape = broadcast_shapes(*(t.shape for t in types))
        if shape is None:
            raise self.problem(types, "the shapes do not broadcast (a symbolic extent is never taken as 1)")
        return Type(self.infer_dtype(types), shape)

    def infer_dtype(self, types: Sequence[Type]) -> str:
        """Return the result's dtype from operands that were already promoted."""
        dtype = types[0].dtype
        if any(t.dtype != dtype for t in types):
            raise self.problem(types, "the dtypes differ; insert a cast")
        if dtype not in _DOMAINS[self.domain]:
            raise self.problem(types, f"it takes {' or '.join(_DOMAINS[self.domain])}")
        return self.result or dtype

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Apply `numpy`."""
        return self.numpy(*arrays)

    def __call__(self, *operands: Operand) -> Node:
        """Return the node, with Python numbers as weak constants and dtypes promoted."""
        dtype = self.common_dtype(operands)
        return Node.make(self, [lift(each, dtype) for each in operands])

    def common_dtype(self, operands: Sequence[Operand]) -> str:
        """Return the dtype that the operands are brought to: NumPy 2's promotion, numbers weak."""
        if self.domain == "bool":
            return "bool"
        dtype = promote(*(each.dtype for each in operands if isinstance(each, Node)))
        for number in operands:
            if not isinstance(number, Node) and dtype in ("bool", "i64"):
                dtype = promote(dtype, _weak_dtype(number))
        if self.domain == "float" and dtype in ("bool", "i64"):
            return "f64"
        return "i64" if self.domain == "number" and dtype == "bool" else dtype


def _weak_dtype(number: float | bool) -> str:
    return "bool" if isinstance(number, bool) else "i64" if isinstance(number, int) else "f64"


@register
class cast_op(Linear):
    """Convert to another dtype."""

    name = "cast"
    summary = "convert to another dtype"
    keeps_sign = "nonnegative"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the operand's shape with the new dtype."""
        return types[0].with_dtype(attrs["dtype"])

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy's astype."""
        return arrays[0].astype(DTYPES[attrs["dtype"]])

    def linear_in(self, node: Node) -> Sequence[int]:
        """Tell that floats pass derivatives and integers do not."""
        return (0,) if node.type.is_float and node.inputs[0].type.is_float else ()

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Cast back."""
        return cast(cotangent, node.inputs[0].dtype)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Cast the batch."""
        return cast(inputs[0], node.dtype)


def cast(x: Node, dtype: str) -> Node:
    """Return `x` with another dtype; a constant is converted at once."""
    if x.dtype == dtype:
        return x
    if x.op is const:
        return constant(const.reference(x.attrs), dtype)
    return Node.make(cast_op, (x,), {"dtype": dtype})


def lift(operand: Operand, dtype: str | None = None) -> Node:
    """Return an operand as a node, cast to a dtype where one is given."""
    if isinstance(operand, Node):
        return operand if dtype is None else cast(operand, dtype)
    return constant_like(operand, dtype or _weak_dtype(operand))
