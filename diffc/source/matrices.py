"""How the factors of a matrix product are written in generated source."""

from __future__ import annotations

from diffc.ir import Extent
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.library import Matrix
from diffc.source.naming import Names
from diffc.source.notation import extent_text, sum_text

__all__ = ["matrix_text"]


def matrix_text(names: Names, matrix: Matrix, shape: tuple[Extent, Extent]) -> str:
    """Return a matrix of a shape, as an array that `np.dot` takes without copying it where it can."""
    stored = shape if not matrix.transposed else (shape[1], shape[0])
    text = _stored(names, matrix, stored)
    return f"{text}.T" if matrix.transposed else text


def _stored(names: Names, matrix: Matrix, shape: tuple[Extent, Extent]) -> str:
    buffer, symbols = matrix.buffer, names.symbols
    name, leading = names.buffers[buffer], matrix.leading
    whole = buffer.type.shape[-2:] == shape and leading == shape[1]
    if whole and buffer.type.rank == 2:
        return name
    if whole and buffer.type.rank == 3:
        plane = _plane(matrix, shape)
        if plane is not None:
            return f"{name}[{plane}]"
    start = sum_text(matrix.offset, symbols, {})
    height, width = (_grouped(extent_text(extent, symbols)) for extent in shape)
    if leading == shape[1]:
        stop = f"{start} + {height}*{width}" if start != "0" else f"{height}*{width}"
        return f"{name}.reshape(-1)[{start}:{stop}].reshape(({height}, {width}))"
    # A part of a larger matrix: its rows are `leading` apart.
    item, lead = ITEM_SIZE[buffer.type.dtype], _grouped(extent_text(leading, symbols))
    layout = f"({height}, {width}), ({item}*{lead}, {item})"
    return f"np.ascontiguousarray(np.lib.stride_tricks.as_strided({name}.reshape(-1)[{start}:], {layout}))"


def _plane(matrix: Matrix, shape: tuple[Extent, Extent]) -> str | None:
    """Return the axis by which a batch of matrices is indexed, if that is how the offset is made."""
    if len(matrix.offset.terms) != 1 or matrix.offset.constant != 0:
        return None
    axis, factor = matrix.offset.terms[0]
    return str(axis) if factor == shape[0] * shape[1] else None


def _grouped(text: str) -> str:
    return f"({text})" if " " in text else text
