"""What symbolic extents must satisfy for a program to make sense: parts that lie inside their arrays.

`x[5]` of an array of extent N needs N - 6 >= 0, and `x[1:]` N - 1 >= 0. Integers were checked when the
nodes were built; polynomials are checked when the kernel is called, before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from diffc.ir import Dim, Extent, Graph, Node
from diffc.schedule.slicing import cuts

__all__ = ["requirements"]


def requirements(graph: Graph) -> list[tuple[Extent, str]]:
    """Return the polynomials that must not be negative, each once, with what is wrong where one is."""
    found: dict[Extent, str] = {}
    for node in graph.nodes:
        for extent, problem in _of(node):
            if _may_be_negative(extent):
                found.setdefault(extent, f"{graph.name}: {problem}, which needs {extent} >= 0")
    return list(found.items())


def _of(node: Node) -> Iterator[tuple[Extent, str]]:
    for axis, extent in enumerate(node.shape):
        yield extent, f"axis {axis} of {node.op.name} has the extent {extent}"
    if node.op.name == "slice":
        shape, a = node.inputs[0].shape, node.attrs
        parts = zip(shape, a["starts"], a["sizes"], a["steps"], strict=True)
        for axis, (extent, start, size, step) in enumerate(parts):
            yield start, f"a part of axis {axis} starts at {start}"
            if size != 0:
                last = start + (size - 1) * step
                yield extent - last - 1, f"element {last} of axis {axis}, of extent {extent}, is read"

    if node.op.name == "pad":
        for amount in (*node.attrs["lows"], *node.attrs["highs"]):
            yield -amount if cuts(amount) else amount, f"a padding has the amount {amount}"
    if node.op.name == "qr":
        rows, columns = node.inputs[0].shape[-2:]
        yield rows - columns, f"qr takes at least as many rows as columns, not {rows} by {columns}"


def _may_be_negative(extent: Extent) -> bool:
    """Tell whether a polynomial can be negative where its symbols are not."""
    return isinstance(extent, Dim) and any(coefficient < 0 for _, coefficient in extent.terms)
