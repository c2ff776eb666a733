"""Programs run in another arithmetic than floating point: on arrays of fractions, long numbers, expressions.

An elementwise operation is run through its SymPy form, with the arithmetic's functions standing for
the module `sympy`; a structural operation through its NumPy reference, which only moves, adds and
multiplies elements, or through a form written here where the reference compares or rounds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from diffc.ir import Dim, Extent, Node, evaluate_extent, topological
from diffc.ops.base import Composite, Leaf
from diffc.ops.constant import pi_op
from diffc.ops.elementwise import Elementwise

__all__ = ["Arithmetic", "Objects", "Resolve", "resolve_with"]

Objects: TypeAlias = "np.ndarray[Any, Any]"
"""An array of dtype object."""

Resolve: TypeAlias = Callable[[Extent], int]


class Arithmetic(ABC):
    """What numbers are, and which functions work on them."""

    functions: Any
    """What stands for the module `sympy` in an operation's SymPy form."""

    @abstractmethod
    def number(self, value: Any) -> Any:
        """Return a Python or NumPy number as one of this arithmetic; its own numbers unchanged."""

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Return an elementwise operation's value."""
        return op.sympy(self.functions, *args)

    def run(self, nodes: Iterable[Node], values: dict[Node, Objects], resolve: Resolve) -> None:
        """Compute the nodes, which come in topological order, into `values`, which holds the inputs'."""
        for node in nodes:
            if node not in values:
                values[node] = self.apply(node, [values[each] for each in node.inputs], resolve)

    def apply(self, node: Node, arrays: list[Objects], resolve: Resolve) -> Objects:
        """Return one node's value."""
        op = node.op
        if isinstance(op, Elementwise):
            compute = np.frompyfunc(lambda *args: self.scalar(op, *args), op.arity, 1)
            return _objects(compute(*arrays))
        attrs = {key: _resolved(key, value, resolve) for key, value in node.attrs.items()}
        if op is pi_op:
            return _objects(self.number(self.functions.pi))
        if isinstance(op, Leaf):
            return self.array(op.reference(attrs))
        return self.structural(node, attrs, arrays)

    def structural(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        """Return the value of an operation that is not elementwise."""
        special = _SPECIAL.get(node.op.name)
        if special is not None:
            return special(self, node, attrs, arrays)
        return self.array(node.op.reference(attrs, *arrays))

    def array(self, values: Any) -> Objects:
        """Return an array of this arithmetic's numbers."""
        array = np.asarray(values)
        result = np.empty(array.shape, object)
        result[...] = array
        return _objects(np.frompyfunc(self.number, 1, 1)(result))

    def _largest(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        return _reduced(arrays[0], attrs["axes"], lambda row: self.functions.Max(*row))

    def _any(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        return _reduced(arrays[0], attrs["axes"], lambda row: self.functions.Or(*row))

    def _logsumexp(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        f = self.functions
        return _reduced(arrays[0], attrs["axes"], lambda row: f.log(sum(f.exp(each) for each in row)))

    def _softmax(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        (x,), f = arrays, self.functions
        exponentials = _objects(np.frompyfunc(f.exp, 1, 1)(x))
        return _objects(exponentials / np.sum(exponentials, axis=attrs["axes"], keepdims=True))

    def _cast(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        source, target, f = node.inputs[0].dtype, node.dtype, self.functions

        def convert(x: Any) -> Any:
            if target == "bool":
                return x if source == "bool" else f.Ne(x, 0)
            if source == "bool":
                return f.Piecewise((self.number(1), x), (self.number(0), True))
            return f.sign(x) * f.floor(f.Abs(x)) if target == "i64" and source != "i64" else x

        return _objects(np.frompyfunc(convert, 1, 1)(arrays[0]))

    def _indexed(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        whole = [
            np.asarray(np.frompyfunc(int, 1, 1)(array), np.int64) if k == 1 else array
            for k, array in enumerate(arrays)
        ]
        return self.array(node.op.reference(attrs, *whole))

    def _expanded(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        assert isinstance(node.op, Composite)
        whole = node.op.expand(node)
        assert whole is not None
        values = dict(zip(node.inputs, arrays, strict=True))
        self.run(topological([whole], stop=set(values)), values, resolve_with({}))
        return values[whole]

    def _half_exponents(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        return self.array(np.zeros(arrays[0].shape, np.int64))  # nothing overflows

    def _matmul(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        a, b = arrays
        if a.shape[-1] == 0:  # NumPy gives None for an empty sum of objects
            return self.array(np.zeros((*a.shape[:-1], b.shape[-1]), np.int64))
        return self.array(np.matmul(a, b))


_SPECIAL: dict[str, Callable[[Arithmetic, Node, Mapping[str, Any], list[Objects]], Objects]] = {
    "max": Arithmetic._largest,  # pyright: ignore[reportPrivateUsage]
    "any": Arithmetic._any,  # pyright: ignore[reportPrivateUsage]
    "logsumexp": Arithmetic._logsumexp,  # pyright: ignore[reportPrivateUsage]
    "softmax": Arithmetic._softmax,  # pyright: ignore[reportPrivateUsage]
    "cast": Arithmetic._cast,  # pyright: ignore[reportPrivateUsage]
    "gather": Arithmetic._indexed,  # pyright: ignore[reportPrivateUsage]
    "scatter_add": Arithmetic._indexed,  # pyright: ignore[reportPrivateUsage]
    "determined": Arithmetic._expanded,  # pyright: ignore[reportPrivateUsage]
    "half_exponents": Arithmetic._half_exponents,  # pyright: ignore[reportPrivateUsage]
    "matmul": Arithmetic._matmul,  # pyright: ignore[reportPrivateUsage]
}


def resolve_with(symbols: Mapping[str, int]) -> Resolve:
    """Return a function that evaluates extents where the symbols have these values."""
    return lambda extent: evaluate_extent(extent, symbols)


def _resolved(key: str, value: Any, resolve: Resolve) -> Any:
    """Return an attribute with its extents as integers; axes, steps and the like pass unchanged."""
    if isinstance(value, Dim):
        return resolve(value)
    if not isinstance(value, tuple):
        return value
    extents: tuple[Any, ...] = value
    return tuple(resolve(each) if key == "shape" else _resolved(key, each, resolve) for each in extents)


def _objects(value: Any) -> Objects:
    """Return a result of NumPy on objects, which is bare for no axes, as an array."""
    if isinstance(value, np.ndarray):
        return value
    result = np.empty((), object)
    result[()] = value
    return result


def _reduced(array: Objects, axes: tuple[int, ...], function: Callable[[Any], Any]) -> Objects:
    kept = [k for k in range(array.ndim) if k not in axes]
    rows = array.transpose([*kept, *axes])
    shape = rows.shape[: len(kept)]
    length = int(np.prod(rows.shape[len(kept) :]))
    flat = rows.reshape((int(np.prod(shape)), length))
    result = np.empty(len(flat), object)
    for k, row in enumerate(flat):
        result[k] = function(list(row))
    return result.reshape(shape)
