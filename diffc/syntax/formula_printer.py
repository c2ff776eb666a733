"""Graphs printed back as formulas, for people: `2*(a + b)*c**2`.

What is printed is in diffc's own expression language as far as the language has the operation; sums and
products are flattened, which reorders them as the optimiser may. A graph that would give a long formula is
printed as numbered statements, `%0 = a + b`, each value that is used more than once on a line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from diffc.ir import Dim, Extent, Graph, Node
from diffc.ops import Elementwise
from diffc.syntax.literals import print_array, print_attribute, print_number
from diffc.syntax.pieces import (
    AND,
    ATOM,
    COMPARISON,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SUM,
    Piece,
    add,
    atom,
    call,
    multiply,
    negate,
    other,
    power,
    product,
)
from diffc.syntax.strings import print_string

__all__ = ["MAX_FORMULA", "Formulas", "formulas_of"]

MAX_FORMULA = 100
"""The longest formula, in characters, before it becomes statements."""

_INFIX = {
    "or": ("or", OR), "and": ("and", AND), "lt": ("<", COMPARISON), "le": ("<=", COMPARISON),
    "gt": (">", COMPARISON), "ge": (">=", COMPARISON), "eq": ("==", COMPARISON), "ne": ("!=", COMPARISON),
    "div": ("/", PRODUCT), "matmul": ("@", PRODUCT),
}  # fmt: skip
_MAX_POWER = 64


@dataclass(frozen=True)
class Formulas:
    """The text of each output, and the statements that they refer to: (`%0`, formula)."""

    outputs: list[str]
    statements: list[tuple[str, str]]


def formulas_of(graph: Graph) -> Formulas:
    """Return the outputs as formulas of the inputs if each is short, and as statements otherwise."""
    return _Writer(graph, whole=True).run() or _Writer(graph, whole=False).run() or Formulas([], [])


class _Writer:
    """One run over a graph: each node's piece is made of those of its inputs."""

    def __init__(self, graph: Graph, whole: bool) -> None:
        self._graph = graph
        self._whole = whole
        self._pieces: dict[Node, Piece] = {}
        self._named: set[Node] = set()
        self._statements: list[tuple[str, str]] = []
        uses: dict[Node, int] = {}
        for node in graph.nodes:
            for each in node.inputs:
                uses[each] = uses.get(each, 0) + 1
        self._uses = uses

    def run(self) -> Formulas | None:
        """Return the formulas, or None where one would be too long."""
        for node in self._graph.nodes:
            piece = self._piece(node)
            long = len(piece.text) > MAX_FORMULA
            if long and self._whole:
                return None
            self._pieces[node] = piece
            uses = self._uses.get(node, 0)
            if not self._whole and uses and (long or (uses > 1 and node.inputs)):
                self._name(node)
            elif long and node.inputs:
                self._name(max(node.inputs, key=lambda each: len(self._pieces[each].text)))
                self._pieces[node] = self._piece(node)
        return Formulas([self._pieces[node].text for node in self._graph.outputs], self._statements)

    def _name(self, node: Node) -> None:
        """Make a statement of a piece that is no name yet."""
        text = self._pieces[node].text
        if not text.isidentifier() and node not in self._named:
            label = f"%{len(self._statements)}"
            self._statements.append((label, text))
            self._named.add(node)
            self._pieces[node] = atom(label)

    def _piece(self, node: Node) -> Piece:
        name = node.op.name
        if name in self._forms:
            return self._forms[name](self, node)
        texts = [self._argument(each) for each in node.inputs]
        if name in _INFIX:
            return self._infix(*_INFIX[name], node)
        if isinstance(node.op, Elementwise):
            return call(name, texts)
        shown = [f"{key}={print_attribute(value, _no_label)}" for key, value in sorted(node.attrs.items())]
        return call(name, [*texts, *shown])

    def _infix(self, symbol: str, level: int, node: Node) -> Piece:
        left, right = (self._pieces[each] for each in node.inputs)
        strict = level == COMPARISON
        space = "" if symbol == "/" else " "
        return other(f"{left.at(level + strict)}{space}{symbol}{space}{right.at(level + 1)}", level)

    def _argument(self, node: Node) -> str:
        """Return a text with the node's dtype: in a sum or product 2 serves for 2.0, here it would be i64."""
        if node.is_op("const") and node.rank == 0 and node.type.is_float:
            return _number(node, exact=True)
        return self._pieces[node].text

    # Leaves.

    def _input(self, node: Node) -> Piece:
        name = str(node.attrs["name"])
        return atom(name if name.isidentifier() else print_string(name))

    def _const(self, node: Node) -> Piece:
        array = node.op.reference(node.attrs)
        if array.ndim:
            small = array.size <= 16
            return atom(print_array(array, node.dtype) if small else f"constant({node.type})")
        text = _number(node)
        return product(text.startswith("-"), (text.removeprefix("-"),), ())

    def _dim(self, node: Node) -> Piece:
        return _extent(node.attrs["extent"])

    def _pi(self, node: Node) -> Piece:
        return atom("pi")

    def _iota(self, node: Node) -> Piece:
        return call("arange", [str(node.attrs["extent"])])

    # Arithmetic.

    def _add(self, node: Node) -> Piece:
        x, y = (self._pieces[each] for each in node.inputs)
        if node.is_op("sub"):
            y = replace(negate(y), terms=tuple(map(negate, y.terms)))
        return add(x, y)

    def _mul(self, node: Node) -> Piece:
        return multiply(*(self._pieces[each] for each in node.inputs))

    def _neg(self, node: Node) -> Piece:
        return negate(self._pieces[node.inputs[0]])

    def _square(self, node: Node) -> Piece:
        return power(self._pieces[node.inputs[0]], 2)

    def _pow(self, node: Node) -> Piece:
        base, exponent = (self._pieces[each] for each in node.inputs)
        if exponent.text.isdecimal() and 1 < int(exponent.text) <= _MAX_POWER:
            return power(base, int(exponent.text))
        return other(f"{base.at(ATOM)}**{exponent.at(ATOM)}", POWER)

    def _not(self, node: Node) -> Piece:
        return other(f"not {self._pieces[node.inputs[0]].at(NOT)}", NOT)

    # Arrays.

    def _cast(self, node: Node) -> Piece:
        (x,) = node.inputs
        # A formula needs no f64(N): N is a number there.
        return (
            self._pieces[x]
            if x.is_op("dim") and node.dtype == "f64"
            else call(node.dtype, [self._pieces[x].text])
        )

    def _reduction(self, node: Node) -> Piece:
        axes = node.attrs["axes"]
        whole = len(axes) == node.inputs[0].rank
        named = f"axis={axes[0] if len(axes) == 1 else list(axes)}"
        return call(node.op.name, [self._argument(node.inputs[0]), *([] if whole else [named])])

    def _shaped(self, node: Node) -> Piece:
        if node.is_op("reshape") and (part := self._element(node)) is not None:
            return part
        name = "broadcast_to" if node.is_op("broadcast") else "reshape"
        return call(name, [self._argument(node.inputs[0]), _shape(node.shape)])

    def _element(self, node: Node) -> Piece | None:
        """Return `x[0]` for a slice of one element that loses its axis."""
        (part,) = node.inputs
        if not part.is_op("slice") or part in self._named:
            return None
        sizes, steps = part.attrs["sizes"], part.attrs["steps"]
        if tuple(each for each in sizes if each != 1) != tuple(node.shape) or set(steps) != {1}:
            return None
        return self._subscript(part, drop=True)

    def _transpose(self, node: Node) -> Piece:
        (x,), axes = node.inputs, node.attrs["axes"]
        if tuple(axes) == tuple(reversed(range(x.rank))):
            return atom(f"{self._pieces[x].at(ATOM)}.T")
        return call("transpose", [self._pieces[x].text, str(list(axes))])

    def _flip(self, node: Node) -> Piece:
        return call("flip", [self._argument(node.inputs[0]), f"axis={list(node.attrs['axes'])}"])

    def _slice(self, node: Node) -> Piece:
        return self._subscript(node, drop=False)

    def _subscript(self, node: Node, drop: bool) -> Piece:
        (x,) = node.inputs
        parts: list[str] = []
        bounds = zip(node.attrs["starts"], node.attrs["sizes"], node.attrs["steps"], x.shape, strict=True)
        for start, size, step, extent in bounds:
            if drop and size == 1:
                parts.append(str(start))
                continue
            stop = start + (size - 1) * step + 1
            end = stop == extent or (isinstance(extent, int) and extent < stop + step)
            text = f"{'' if start == 0 else start}:{'' if end else stop}"
            parts.append(text if step == 1 else f"{text}:{step}")
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return atom(f"{self._pieces[x].at(ATOM)}[{', '.join(parts)}]")

    def _concatenate(self, node: Node) -> Piece:
        parts = f"[{', '.join([self._argument(each) for each in node.inputs])}]"
        axis = node.attrs["axis"]
        return call("concatenate", [parts, *([f"axis={axis}"] if axis else [])])

    _forms: ClassVar[Mapping[str, Callable[..., Piece]]] = {
        "input": _input, "const": _const, "dim": _dim, "iota": _iota, "pi": _pi,
        "add": _add, "sub": _add, "mul": _mul, "neg": _neg,
        "square": _square, "pow": _pow, "not": _not, "cast": _cast,
        "sum": _reduction, "max": _reduction, "prod": _reduction,
        "any": _reduction, "logsumexp": _reduction, "softmax": _reduction,
        "reshape": _shaped, "broadcast": _shaped, "transpose": _transpose,
        "flip": _flip, "slice": _slice, "concatenate": _concatenate,
    }  # fmt: skip


def _number(node: Node, exact: bool = False) -> str:
    """Return a scalar constant; a whole float without its `.0` unless `exact`, which keeps the dtype."""
    value: Any = node.op.reference(node.attrs)[()]
    if node.dtype == "bool":
        return "True" if value else "False"
    if (
        node.type.is_float
        and not exact
        and math.isfinite(value)
        and value == int(value)
        and abs(value) < 1e15
    ):
        return f"-{abs(int(value))}" if math.copysign(1.0, value) < 0 else str(int(value))
    return print_number(value, node.dtype, suffix=False).partition(":")[0]


def _extent(extent: Extent) -> Piece:
    text = str(extent)
    return atom(text) if not isinstance(extent, Dim) or extent.is_symbol else other(text, SUM)


def _shape(shape: tuple[Extent, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _no_label(_: Graph) -> str:
    return "..."
