"""Random well-typed graphs: every family of operations, symbols and static extents, shared values."""

from __future__ import annotations

import random

import numpy as np

from diffc.errors import DiffcError
from diffc.ir import Dim, Graph, Type, dim_symbols, evaluate_extent, size_of
from diffc.ops import REGISTRY, cast, constant, dim, input_node, iota
from diffc.ops.base import DTYPES
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.indexing import gather, scatter_add
from diffc.ops.logic import where
from diffc.ops.products import matmul
from diffc.ops.recurrence import linear_recurrence
from diffc.ops.reductions import amax, any_, prod
from diffc.ops.reshaping import flip, reshape, transpose
from diffc.ops.slicing import concatenate, pad, slice_
from diffc.ops.softmax import logsumexp

N, M = Dim.symbol("N"), Dim.symbol("M")
EXTENTS = [N, N, N, M, M, 1, 1, 2, 3, 4, 8, 5]

UNARY = ["neg", "abs", "relu", "square", "tanh", "sin", "cos", "sigmoid", "softplus", "erf", "atan", "sinh"]
UNARY += ["floor", "sign", "exp", "expm1", "sqrt", "stop_gradient"]
BINARY = ["add", "sub", "mul", "maximum", "minimum", "add", "mul", "atan2", "div"]
COMPARE = ["lt", "le", "gt", "ge", "eq", "ne"]


class Maker:
    """Grows one graph; `smooth` leaves out what has no derivative."""

    def __init__(self, seed, steps=8, *, smooth=False, dtypes=("f64", "f64", "f64", "f32", "i64", "bool")):
        self.r = random.Random(seed)
        self.smooth = smooth
        self.dtypes = ("f64",) if smooth else dtypes
        self.inputs = [input_node("n", Type("f64", (N,))), input_node("m", Type("f64", (M,)))]
        for k in range(self.r.randint(1, 3)):
            rank = self.r.choice([0, 1, 1, 2, 2, 2, 3])
            shape = tuple(self.r.choice(EXTENTS) for _ in range(rank))
            self.inputs.append(input_node(f"x{k}", Type(self.r.choice(self.dtypes), shape)))
        self.nodes = list(self.inputs)
        for _ in range(steps):
            self.step()

    def graph(self, name="random"):
        count = self.r.randint(1, 4)
        outputs = [self.nodes[-1], *(self.r.choice(self.nodes) for _ in range(count - 1))]
        return Graph(name, tuple(self.inputs), tuple(outputs))

    def scalar_graph(self):
        total = None
        for node in self.nodes[-3:]:
            if node.type.is_float:
                part = sum_(node)
                total = part if total is None else REGISTRY["add"](total, part)
        return Graph(
            "scalar", tuple(self.inputs), (cast(total if total is not None else sum_(self.inputs[0]), "f64"),)
        )

    def step(self):
        makers = [getattr(self, name) for name in dir(self) if name.startswith("make_")]
        for _ in range(20):
            maker = self.r.choice(makers)
            try:
                node = maker()
            except DiffcError:
                continue
            if node is not None and node.rank <= 4 and len(str(size_of(node.shape))) < 40:
                self.nodes.append(node)
                return

    def pick(self, kind=None, rank=None):
        pool = self.nodes[-5:] + self.nodes
        pool = [
            n
            for n in pool
            if (kind is None or (n.type.is_float if kind == "float" else n.dtype == kind))
            and (rank is None or n.rank >= rank)
        ]
        return self.r.choice(pool) if pool else None

    def like(self, x):
        """Return another value that broadcasts with x, sometimes a number."""
        if self.r.random() < 0.15:
            return self.r.choice([2.0, 0.5, -1.0]) if x.type.is_float else self.r.choice([1, -2])
        pool = [n for n in self.nodes if n is not x and n.dtype != "bool"]
        self.r.shuffle(pool)
        for n in pool:
            try:
                REGISTRY["add"](x, n)
                return n
            except DiffcError:
                continue
        return x

    def make_unary(self):
        x = self.pick("float")
        name = self.r.choice(UNARY)
        return REGISTRY[name](x) if x is not None else None

    make_unary2 = make_unary

    def make_binary(self):
        x = self.pick()
        if x.dtype == "bool":
            return None
        return REGISTRY[self.r.choice(BINARY)](x, self.like(x))

    make_binary2 = make_binary

    def make_compare(self):
        x = self.pick()
        return None if x.dtype == "bool" else REGISTRY[self.r.choice(COMPARE)](x, self.like(x))

    def make_logical(self):
        x, y = self.pick("bool"), self.pick("bool")
        if x is None:
            return None
        return REGISTRY["not"](x) if self.r.random() < 0.3 else REGISTRY[self.r.choice(["and", "or"])](x, y)

    def make_where(self):
        c, x = self.pick("bool"), self.pick()
        return None if c is None or x.dtype == "bool" else where(c, x, self.like(x))

    def make_cast(self):
        x = self.pick()
        if self.smooth or (x.type.is_float and self.r.random() < 0.9):
            return None
        target = self.r.choice(["f64", "f32", "i64"])
        return None if x.type.is_float and target == "i64" else cast(x, target)

    def make_reduction(self):
        x = self.pick(rank=1)
        if x is None:
            return None
        axes = tuple(sorted(self.r.sample(range(x.rank), self.r.randint(1, x.rank))))
        keep = self.r.random() < 0.4
        if x.dtype == "bool":
            return any_(x, axes, keep)
        how = self.r.choice([sum_, sum_, amax, prod, logsumexp])
        return how(x, axes, keep)

    make_reduction2 = make_reduction

    def make_reshape(self):
        x = self.pick()
        shape = list(x.shape)
        for _ in range(self.r.randint(1, 3)):
            how = self.r.random()
            if how < 0.3:
                shape.insert(self.r.randint(0, len(shape)), 1)
            elif how < 0.5 and 1 in shape:
                shape.remove(1)
            elif how < 0.75 and len(shape) > 1:
                at = self.r.randrange(len(shape) - 1)
                shape[at : at + 2] = [shape[at] * shape[at + 1]]
            else:
                self.r.shuffle(shape)
        return reshape(x, shape)

    def make_transpose(self):
        x = self.pick(rank=2)
        if x is None:
            return None
        axes = list(range(x.rank))
        self.r.shuffle(axes)
        return transpose(x, axes)

    def make_flip(self):
        x = self.pick(rank=1)
        return None if x is None else flip(x, [self.r.randrange(x.rank)])

    def make_slice(self):
        x = self.pick(rank=1)
        if x is None:
            return None
        starts, sizes, steps = [0] * x.rank, list(x.shape), [1] * x.rank
        axis = self.r.randrange(x.rank)
        extent = x.shape[axis]
        if isinstance(extent, int):
            step = self.r.choice([1, 1, 2, 3])
            start = self.r.randint(0, max(extent - 1, 0))
            size = self.r.randint(0, max((extent - start + step - 1) // step, 0))
            starts[axis], sizes[axis], steps[axis] = start, size, step
        else:
            start = self.r.choice([0, 1])
            starts[axis], sizes[axis] = start, extent - 1
        return slice_(x, starts, sizes, steps)

    def make_pad(self):
        x = self.pick(rank=1)
        if x is None:
            return None
        lows, highs, gaps = ([0] * x.rank for _ in range(3))
        axis = self.r.randrange(x.rank)
        lows[axis], highs[axis] = self.r.choice([(1, 0), (2, 1), (1, -1), (-1, 1), (0, N), (M, 0), (-1, -1)])
        if self.r.random() < 0.2 and isinstance(lows[axis], int):
            lows[axis], highs[axis], gaps[axis] = abs(lows[axis]), 2, self.r.choice([1, 2])
        return pad(x, lows, highs, gaps)

    def make_broadcast(self):
        x = self.pick()
        shape = [self.r.choice(EXTENTS) if e == 1 else e for e in x.shape]
        if self.r.random() < 0.6:
            shape.insert(0, self.r.choice(EXTENTS))
        return broadcast(x, shape)

    def make_concatenate(self):
        x = self.pick(rank=1)
        if x is None:
            return None
        axis = self.r.randrange(x.rank)
        others = [
            n
            for n in self.nodes
            if n.rank == x.rank
            and n.dtype == x.dtype
            and all(a == b for k, (a, b) in enumerate(zip(n.shape, x.shape, strict=True)) if k != axis)
        ]
        return concatenate([x, *(self.r.choice(others) for _ in range(self.r.randint(1, 2)))], axis)

    def make_gather(self):
        x = self.pick(rank=1)
        if x is None:
            return None
        axis = self.r.randrange(x.rank)
        extent = x.shape[axis]
        if self.r.random() < 0.4 and isinstance(extent, int) and extent > 0:
            at = constant([self.r.randrange(-extent, extent) for _ in range(self.r.choice([1, 2, 5]))])
        elif self.r.random() < 0.7:
            at = iota(extent)
            if self.r.random() < 0.5:
                at = REGISTRY["sub"](
                    dim(extent) if not isinstance(extent, int) else extent, REGISTRY["add"](at, 1)
                )
        else:
            at = REGISTRY["neg"](REGISTRY["add"](iota(extent), 1))
        return gather(x, at, axis)

    def make_scatter(self):
        x = self.pick(rank=1)
        if x is None or x.dtype == "bool":
            return None
        at = iota(x.shape[0])
        if self.r.random() < 0.5:
            at = REGISTRY["mul"](at, 0)
        rows = x if self.r.random() < 0.5 else REGISTRY["neg"](x)
        return scatter_add(x, at, rows)

    def make_recurrence(self):
        x = self.pick("float", rank=1)
        return None if x is None else linear_recurrence(REGISTRY["tanh"](x), x)

    def make_matmul(self):
        x = self.pick("float", rank=1)
        if x is None:
            return None
        pool = [n for n in self.nodes if n.rank and n.type.is_float]
        self.r.shuffle(pool)
        for n in pool:
            for other in (n, transpose(n)):
                try:
                    return matmul(x, other)
                except DiffcError:
                    continue
        return None

    make_matmul2 = make_matmul

    def make_leaf(self):
        how = self.r.random()
        if how < 0.3:
            return iota(self.r.choice(EXTENTS))
        if how < 0.5:
            return dim(self.r.choice([N, M, N + 1, N * M]))
        shape = [self.r.choice([1, 2, 3, 4, 8]) for _ in range(self.r.randint(0, 2))]
        rng = np.random.default_rng(self.r.randrange(1000))
        return constant(rng.normal(size=shape) if self.r.random() < 0.7 else np.full(shape, 0.5))


def arrays_for(graph, n, m, seed=0):
    """Return random inputs where the symbols are N and M."""
    rng = np.random.default_rng(seed)
    arrays = []
    for node in graph.inputs:
        shape = tuple(evaluate_extent(e, {"N": n, "M": m}) for e in node.shape)
        if node.dtype == "bool":
            arrays.append(rng.random(shape) < 0.5)
        elif node.dtype == "i64":
            arrays.append(rng.integers(-5, 6, shape))
        else:
            arrays.append(rng.uniform(-2, 2, shape).astype(DTYPES[node.dtype]))
    return arrays


def has_negative_extent(graph, n, m):
    """Tell whether some array of the graph has no size, as N-1 has none for N = 0."""
    values = {"N": n, "M": m}
    return any(
        evaluate_extent(e, {**values, **{s: 0 for s in dim_symbols(e) if s not in values}}) < 0
        for node in graph.nodes
        for e in node.shape
    )
