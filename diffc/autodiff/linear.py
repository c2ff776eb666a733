"""A value that is linear in a placeholder, for every unit vector at once: the matrix of a linear map.

Each operation says what becomes of terms with ties (`diffc/autodiff/ties.py`). One that has no rule here,
such as a system of equations, is applied to the whole derivative by its own batching rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from diffc.autodiff.batching import batch_node
from diffc.autodiff.matrices import multiplied
from diffc.autodiff.regrouping import regrouped
from diffc.autodiff.ties import Term, Tie, collected, dense, identity, is_zero, stored
from diffc.ir import Dim, Extent, Node, size_of, topological
from diffc.ir.dim import may_be_negative
from diffc.ops import constant_like, iota
from diffc.ops.arithmetic import neg
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.indexing import gather
from diffc.ops.logic import where
from diffc.ops.reshaping import flip, moveaxis, reshape, transpose
from diffc.ops.slicing import concatenate, pad, slice_

__all__ = ["matrix_of"]

_Operand: TypeAlias = "list[Term] | None"
_Rule: TypeAlias = "Callable[[Node, Sequence[_Operand]], Sequence[Term] | None]"


def matrix_of(value: Node, placeholder: Node, *, value_first: bool) -> Node | None:
    """Return the derivative of a value by a placeholder that it is linear in; None where it is zero.

    Its shape is that of the value and that of the placeholder, in the order that is asked for.
    """
    basis = placeholder.shape
    known: dict[Node, list[Term]] = {placeholder: identity(placeholder, basis_last=value_first)}
    for node in topological([value], stop={placeholder}):
        operands = [known.get(each) for each in node.inputs]
        if node not in known and any(each is not None for each in operands):
            known[node] = collected(_applied(node, operands, basis, value_first), basis)
    return dense(known[value], basis) if value in known else None


def _applied(
    node: Node, operands: Sequence[_Operand], basis: tuple[Extent, ...], value_first: bool
) -> Sequence[Term]:
    rule = _RULES.get(node.op.name)
    terms = None if rule is None else rule(node, operands)
    if terms is not None:
        return terms
    # By its batching rule, over the elements of the basis.
    inputs = [
        each if terms is None else _batch(terms, basis)
        for each, terms in zip(node.inputs, operands, strict=True)
    ]
    result = batch_node(node, inputs, [terms is not None for terms in operands])
    if value_first:
        result = moveaxis(result, 0, node.rank)
    return [stored(result, node.shape, basis, value_first)]


def _batch(terms: Sequence[Term], basis: tuple[Extent, ...]) -> Node:
    """Return a whole derivative with the basis as one axis in front."""
    whole, size, shape = dense(terms, basis), size_of(basis), terms[0].shape
    if terms[0].basis_last:
        return moveaxis(reshape(whole, (*shape, size)), len(shape), 0)
    return reshape(whole, (size, *shape))


# Arithmetic.


def _each(node: Node, operands: Sequence[_Operand], position: int) -> Sequence[Term]:
    """Apply an elementwise operation that is linear in one operand alone."""
    found: list[Term] = []
    for term in operands[position] or ():
        aligned = term.aligned(node.rank)
        inputs = [aligned.core if k == position else term.beside(each) for k, each in enumerate(node.inputs)]
        core = Node.make(node.op, inputs, node.attrs)
        found.append(aligned.with_core(broadcast(core, term.ordered(term.free, node.shape))))
    return found


def _product(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    a, b = operands
    return None if a and b else _each(node, operands, 0 if a else 1)


def _first(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    return _each(node, operands, 0) if node.type.is_float and not any(operands[1:]) else None


def _sum(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    found: list[Term] = []
    for k, (each, terms) in enumerate(zip(node.inputs, operands, strict=True)):
        if terms is None and not is_zero(each):
            return None
        for term in terms or ():
            whole = term.broadcast(node.shape)
            negative = k == 1 and node.is_op("sub")
            found.append(whole.with_core(neg(whole.core)) if negative else whole)
    return found


def _choice(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    condition = node.inputs[0]
    found: list[Term] = []
    for k in (1, 2):
        terms, zero = operands[k], constant_like(0, node.dtype)
        if operands[0] is not None or (terms is None and not is_zero(node.inputs[k])):
            return None
        for term in terms or ():
            whole = term.broadcast(node.shape)
            taken = term.beside(condition)
            chosen = where(taken, whole.core, zero) if k == 1 else where(taken, zero, whole.core)
            found.append(whole.with_core(broadcast(chosen, whole.core.shape)))
    return found


# Rearrangements: the axes in which something happens are told apart from those that stay.


def _broadcast(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    return [term.broadcast(node.shape) for term in operands[0] or ()]


def _transpose(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    axes: tuple[int, ...] = node.attrs["axes"]
    found: list[Term] = []
    for term in operands[0] or ():
        kept = map(term.basis_axis, range(len(term.basis)))
        core = transpose(term.core, term.ordered(kept, map(term.axis, axes)))
        found.append(term.moved(core, {axis: axes.index(axis) for axis in term.tied}))
    return found


def _reduce(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    axes: tuple[int, ...] = node.attrs["axes"]
    left = [axis for axis in range(node.inputs[0].rank) if axis not in axes]
    found: list[Term] = []
    for term in operands[0] or ():
        inner = term.contracted(axes)
        summed = [inner.axis(axis) for axis in axes if axis not in term.tied]
        core = reshape(sum_(inner.core, summed), inner.ordered(inner.free, node.shape))
        found.append(inner.moved(core, {axis: left.index(axis) for axis in inner.tied}))
    return found


def _flip(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    axes: tuple[int, ...] = node.attrs["axes"]
    found = [term.untied(axes) for term in operands[0] or ()]
    return [term.with_core(flip(term.core, [term.axis(axis) for axis in axes])) for term in found]


def _slice(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    starts, steps = node.attrs["starts"], node.attrs["steps"]
    found: list[Term] = []
    for given in operands[0] or ():
        term = given.untied([axis for axis, step in enumerate(steps) if step != 1])
        none, unit = (0,) * len(term.basis), (1,) * len(term.basis)
        part = term.ordered(none, starts), term.ordered(term.free, node.shape), term.ordered(unit, steps)
        ties = [tie and _sliced(tie, starts[tie.axis], node.shape[tie.axis]) for tie in term.ties]
        found.append(replace(term, core=slice_(term.core, *part), ties=tuple(ties)))
    return found


def _sliced(tie: Tie, start: Extent, size: Extent) -> Tie:
    place = tie.place
    return Tie(tie.axis, slice_(place, [start], [size]) if isinstance(place, Node) else place + start)


def _pad(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    lows, highs, gaps = (node.attrs[key] for key in ("lows", "highs", "gaps"))
    return [_padded(term, lows, highs, gaps) for term in operands[0] or ()]


def _padded(given: Term, lows: Sequence[Extent], highs: Sequence[Extent], gaps: Sequence[int]) -> Term:
    """Return the term of a padded value; along a tied axis the offset moves by what stands before."""
    known = {tie.axis for tie in given.ties if tie is not None and isinstance(tie.place, Node)}
    grown = [axis for axis in known if lows[axis] != 0 or highs[axis] != 0]
    for tie, extent in zip(given.ties, given.basis, strict=True):
        if tie is not None and not isinstance(tie.place, Node):
            low, high = lows[tie.axis], highs[tie.axis]
            after = extent - tie.place - given.shape[tie.axis] - high
            if (low != 0 and _may_cut(tie.place - low)) or (high != 0 and _may_cut(after)):
                grown.append(tie.axis)
    term = given.untied([*grown, *(axis for axis, gap in enumerate(gaps) if gap)])
    none = (0,) * len(term.basis)
    core = pad(term.core, term.ordered(none, lows), term.ordered(none, highs), term.ordered(none, gaps))
    ties = [
        tie if tie is None or isinstance(tie.place, Node) else Tie(tie.axis, tie.place - lows[tie.axis])
        for tie in term.ties
    ]
    return replace(term, core=core, ties=tuple(ties))


def _may_cut(amount: Extent) -> bool:
    """Tell whether a padding by this would have to cut, which symbolic amounts cannot."""
    return isinstance(amount, Dim) and may_be_negative(amount)


def _concatenate(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    """Join cores that are alike; otherwise each part stands among zeros."""
    axis = node.attrs["axis"]
    if not all(terms or is_zero(each) for each, terms in zip(node.inputs, operands, strict=True)):
        return None
    parts = [terms[0] for terms in operands if terms]
    alike = all(terms and len(terms) == 1 for terms in operands)
    if alike and len({(p.basis, p.ties) for p in parts}) == 1 and axis not in parts[0].tied:
        core = concatenate([part.core for part in parts], parts[0].axis(axis))
        return [parts[0].with_core(core)]
    found: list[Term] = []
    start: Extent = 0
    for each, terms in zip(node.inputs, operands, strict=True):
        lows: list[Extent] = [0] * node.rank
        highs: list[Extent] = [0] * node.rank
        lows[axis], highs[axis] = start, node.shape[axis] - start - each.shape[axis]
        found += [_padded(term, lows, highs, [0] * node.rank) for term in terms or ()]
        start = start + each.shape[axis]
    return found


def _gather(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    """Take rows of the core; rows of a diagonal stand at the places that were asked for."""
    x, indices = node.inputs
    place = gather(iota(x.shape[0]), indices)  # checked, and counted from the start
    found: list[Term] = []
    for given in operands[0] or ():
        rows = next((tie for tie in given.ties if tie is not None and tie.axis == 0), None)
        plain = rows is not None and rows.place == 0 and indices.rank == 1
        term = given if plain else given.untied([0])
        core = gather(term.core, indices, term.axis(0))
        term = term.moved(core, {axis: axis + indices.rank - 1 for axis in term.tied})
        ties = tuple(Tie(0, place) if plain and tie == rows else tie for tie in term.ties)
        found.append(replace(term, ties=ties))
    return found


def _reshape(node: Node, operands: Sequence[_Operand]) -> Sequence[Term]:
    return [regrouped(term, node.shape) for term in operands[0] or ()]


# Matrix products.


def _matmul(node: Node, operands: Sequence[_Operand]) -> Sequence[Term] | None:
    left, right = operands
    if left and right:
        return None
    return [multiplied(node, term, on_left=left is not None) for term in left or right or ()]


_RULES: dict[str, _Rule] = {
    "add": _sum,
    "sub": _sum,
    "neg": _first,
    "cast": _first,
    "mul": _product,
    "div": _first,
    "where": _choice,
    "broadcast": _broadcast,
    "transpose": _transpose,
    "sum": _reduce,
    "flip": _flip,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "gather": _gather,
    "reshape": _reshape,
    "matmul": _matmul,
}
"""What becomes of terms, by the name of the operation; None where it is not linear in them."""
