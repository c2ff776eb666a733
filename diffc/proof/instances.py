"""The instances of structural operations on which their rules are proved: shapes and attributes.

An operation is proved for the shapes listed here, with every element a free symbol. They cover what
its rule distinguishes: each axis and several, extents 0 and 1, steps, gaps, cuts, repeated indices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffc.ir import Graph, Node, Type
from diffc.ops import REGISTRY, cast, constant, input_node
from diffc.ops.arithmetic import mul, square, sub

__all__ = ["INSTANCES", "instances_of"]


def _input(shape: Sequence[int], name: str = "x", dtype: str = "f64") -> Node:
    return input_node(name, Type(dtype, tuple(shape)))


def _unary(op: str, *cases: tuple[Sequence[int], dict[str, Any]]) -> list[Node]:
    return [Node.make(REGISTRY[op], (_input(shape),), attrs) for shape, attrs in cases]


def _reductions(op: str, *cases: tuple[Sequence[int], tuple[int, ...]]) -> list[Node]:
    return _unary(op, *((shape, {"axes": axes}) for shape, axes in cases))


def _cast() -> list[Node]:
    pairs = [("f64", "f32"), ("f32", "f64"), ("f64", "i64"), ("f64", "bool")]
    return [cast(_input((2,), dtype=source), target) for source, target in pairs]


def _slice() -> list[Node]:
    cases = [((5,), (1,), (2,), (2,)), ((4,), (0,), (3,), (1,)), ((3, 4), (1, 0), (2, 2), (1, 3))]
    cases += [((5,), (4,), (1,), (1,)), ((3,), (1,), (0,), (1,)), ((6,), (0,), (2,), (3,))]
    return _unary(
        "slice",
        *((shape, {"starts": a, "sizes": b, "steps": c}) for shape, a, b, c in cases),
    )


def _pad() -> list[Node]:
    cases = [((3,), (1,), (2,), (0,)), ((3,), (0,), (1,), (1,)), ((4,), (-1,), (2,), (0,))]
    cases += [((4,), (1,), (-2,), (2,)), ((2, 3), (1, -1), (0, 1), (0, 1)), ((5,), (-2,), (-2,), (1,))]
    return _unary("pad", *((shape, {"lows": a, "highs": b, "gaps": c}) for shape, a, b, c in cases))


def _concatenate() -> list[Node]:
    op = REGISTRY["concatenate"]
    x, y, z = _input((2,), "x"), _input((3,), "y"), _input((1,), "z")
    a, b = _input((2, 1), "a"), _input((2, 2), "b")
    return [
        Node.make(op, (x, y, z), {"axis": 0}),
        Node.make(op, (a, b), {"axis": 1}),
        Node.make(op, (x, x), {"axis": 0}),
        Node.make(op, (_input((0,), "e"), y), {"axis": 0}),
    ]


def _matmul() -> list[Node]:
    shapes = [((2, 3), (3, 2)), ((1, 2), (2, 1)), ((2, 2, 1), (2, 1, 3)), ((2, 0), (0, 2))]
    return [Node.make(REGISTRY["matmul"], (_input(a, "a"), _input(b, "b")), {}) for a, b in shapes]


_ROWS = (np.array([2, 0, 2]), np.array([-1, 1, 1]), np.array([[0, 1], [1, 1]]))


def _gather() -> list[Node]:
    op, x, y = REGISTRY["gather"], _input((3,)), _input((3, 2))
    return [Node.make(op, (each, constant(rows)), {}) for each in (x, y) for rows in _ROWS]


def _scatter_add() -> list[Node]:
    op, nodes = REGISTRY["scatter_add"], list[Node]()
    for shape in ((3,), (3, 2)):
        for rows in _ROWS:
            parts = _input((*rows.shape, *shape[1:]), "rows")
            nodes.append(Node.make(op, (_input(shape, "base"), constant(rows), parts), {}))
    return nodes


def _recurrence() -> list[Node]:
    op = REGISTRY["recurrence"]
    shapes = [(4,), (1,), (3, 2)]
    return [Node.make(op, (_input(shape, "a"), _input(shape, "b")), {}) for shape in shapes]


def _systems(op: str, *attrs: dict[str, Any]) -> list[Node]:
    """Return systems of two and one unknowns, with several right sides and with one matrix of a stack."""
    shapes = [((2, 2), (2, 2)), ((1, 1), (2, 1)), ((2, 1, 1), (2, 1, 1))]
    return [
        Node.make(REGISTRY[op], (_input(a, "a"), _input(r, "r")), each) for each in attrs for a, r in shapes
    ]


def _matrices(op: str, *shapes: Sequence[int]) -> list[Node]:
    return _unary(op, *((shape, {}) for shape in shapes))


def _changes(*shapes: Sequence[int]) -> list[Node]:
    """Return the changes of cofactors along other matrices."""
    op = REGISTRY["cofactor_changes"]
    return [Node.make(op, (_input(shape, "a"), _input(shape, "h"))) for shape in shapes]


def _determined() -> list[Node]:
    op, x, c = REGISTRY["determined"], _input((2,)), constant(np.array([True, True]))
    return [Node.make(op, (x, c), {"zeros": zeros}) for zeros in (False, True)]


def _matrix_functions(op: str) -> list[Node]:
    """Return polynomials of matrices, with a parameter, with directions, with one matrix for several."""
    x, p = _input((), "x"), _input((), "p")
    cube, line = Graph("f", (x,), (mul(x, square(x)),)), Graph("f", (x, p), (sub(mul(p, square(x)), x),))
    a, q = _input((2, 2), "a"), _input((1,), "q")
    cases = [((a,), cube), ((_input((1, 1), "a"), q), line), ((a, q), line)]
    if op == "spectral":
        e = _input((2, 2), "e")
        cases += [((a, e), cube), ((a, e, q), line), ((a, e, _input((2, 2), "d")), cube)]
        cases += [((_input((1, 1, 1), "a"), _input((2, 1, 1), "e")), cube)]
    return [Node.make(REGISTRY[op], inputs, {"function": function}) for inputs, function in cases]


def _searchsorted() -> list[Node]:
    op, a, v = REGISTRY["searchsorted"], _input((3,), "a"), _input((2, 2), "v")
    return [Node.make(op, (a, v), {"side": side}) for side in ("left", "right")]


def _any() -> list[Node]:
    return [Node.make(REGISTRY["any"], (_input((2, 2), dtype="bool"),), {"axes": (0,)})]


_ALONG: tuple[tuple[Sequence[int], tuple[int, ...]], ...] = (
    ((3,), (0,)),
    ((2, 3), (1,)),
    ((2, 2), (0,)),
    ((1,), (0,)),
)

INSTANCES: dict[str, Callable[[], list[Node]]] = {
    "cast": _cast,
    "reshape": lambda: _unary(
        "reshape", ((6,), {"shape": (2, 3)}), ((2, 3), {"shape": (3, 2)}), ((1,), {"shape": ()})
    ),
    "transpose": lambda: _unary("transpose", ((2, 3), {"axes": (1, 0)}), ((2, 1, 3), {"axes": (2, 0, 1)})),
    "flip": lambda: _unary("flip", ((4,), {"axes": (0,)}), ((2, 3), {"axes": (0, 1)})),
    "broadcast": lambda: _unary(
        "broadcast",
        ((), {"shape": (3,)}),
        ((1, 2), {"shape": (3, 2)}),
        ((2,), {"shape": (2, 2)}),
        ((2, 1), {"shape": (2, 2, 3)}),
        ((1,), {"shape": (0,)}),
    ),
    "sum": lambda: _reductions("sum", *_ALONG, ((2, 3), (0, 1)), ((2, 0), (1,))),
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "matmul": _matmul,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "recurrence": _recurrence,
    "half_exponents": lambda: _unary("half_exponents", ((3,), {}), ((2, 2), {})),
    "prod_of_others": lambda: _unary("prod_of_others", ((4,), {}), ((1,), {}), ((3, 2), {})),
    "solve": lambda: _systems("solve", {}),
    "triangular_solve": lambda: _systems("triangular_solve", {"lower": True}, {"lower": False}),
    "det": lambda: _matrices("det", (3, 3), (2, 1, 1), (2, 2)),
    "cofactors": lambda: _matrices("cofactors", (2, 2), (1, 1)),
    "cofactor_changes": lambda: _changes((2, 2), (1, 1)),
    "slogdet": lambda: _matrices("slogdet", (3, 3), (2, 1, 1), (2, 2)),
    "cholesky": lambda: _matrices("cholesky", (3, 3), (1, 1), (2, 2)),
    "eigh": lambda: _matrices("eigh", (2, 2), (1, 1), (3, 3)),
    "eigvalsh": lambda: _matrices("eigvalsh", (2, 2), (1, 1), (3, 3)),
    "qr": lambda: _matrices("qr", (2, 2), (1, 1), (3, 2), (2, 1)),
    "svd": lambda: _matrices("svd", (2, 2), (1, 1), (3, 2), (2, 3), (2, 1)),
    "svdvals": lambda: _matrices("svdvals", (2, 2), (1, 1), (3, 2), (2, 3)),
    "pinv": lambda: _unary("pinv", *((shape, {"rtol": 1e-15}) for shape in ((2, 2), (2, 1), (1, 2)))),
    "determined": _determined,
    "spectral": lambda: _matrix_functions("spectral"),
    "spectral_sum": lambda: _matrix_functions("spectral_sum"),
    "any": _any,
    "argsort": lambda: _unary("argsort", ((3,), {}), ((2, 2), {})),
    "searchsorted": _searchsorted,
    "max": lambda: _reductions("max", *_ALONG, ((2, 2), (0, 1))),
    "prod": lambda: _reductions("prod", *_ALONG, ((4,), (0,))),
    "softmax": lambda: _reductions("softmax", *_ALONG, ((2, 2), (0, 1))),
    "logsumexp": lambda: _reductions("logsumexp", *_ALONG, ((2, 2), (0, 1))),
}


def instances_of(name: str) -> list[Node]:
    """Return the instances of a structural operation; none where nothing is listed."""
    return INSTANCES[name]() if name in INSTANCES else []
