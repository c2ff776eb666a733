"""Where nodes came from: a remark in words, or whose adjoint a node is.

An adjoint names a node, never a number, so that each text can name it by its own numbering, or leave the
note out where that node is not to be seen. A rewrite keeps the note only as long as it stays true: cut at the
named node, the program must still have the noted value as its derivative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from diffc.ir.node import Node, topological, users_of

__all__ = ["Adjoint", "Origin", "adjoints_of", "carried"]

MAX_REGION = 32
"""What becomes of one operation is no larger than this, as far as its operands' adjoints are kept."""


@dataclass(frozen=True)
class Adjoint:
    """The derivative of what was differentiated by each of some nodes.

    `outputs` is what was differentiated; nothing where it was read from a text, which does not tell.
    """

    of: tuple[Node, ...]
    outputs: tuple[Node, ...] = ()


Origin: TypeAlias = "str | Adjoint"


def adjoints_of(
    outputs: Sequence[Node], adjoints: Mapping[Node, Node], seen: Iterable[Node]
) -> dict[Node, Origin]:
    """Return the provenance of adjoints, given for each node on the way back, as far as it can be seen."""
    visible = set(seen)
    of: dict[Node, list[Node]] = {}
    for node, adjoint in adjoints.items():
        if node in visible and adjoint in visible and node.anytype == adjoint.anytype:
            of.setdefault(adjoint, []).append(node)
    return {adjoint: Adjoint(tuple(nodes), tuple(outputs)) for adjoint, nodes in of.items()}


def carried(
    provenance: Mapping[Node, Origin], new: Mapping[Node, Node], turned: Mapping[Node, Node] | None = None
) -> dict[Node, Origin]:
    """Return the provenance of a rewritten graph: `new` has each of its nodes, beside what replaces it.

    Where that is the transpose of what is computed, `turned` has the latter: adjoints are noted there.
    """
    turned = turned or {}
    found: dict[Node, Origin] = {}
    rewritten: dict[tuple[Node, ...], tuple[Mapping[Node, Node], tuple[Node, ...]]] = {}
    for node, origin in provenance.items():
        target = turned.get(node, new.get(node))
        if target is None:
            continue
        if isinstance(origin, str):
            found.setdefault(target, origin)
            continue
        if origin.outputs not in rewritten:
            rewritten[origin.outputs] = _rewritten(origin.outputs, new, turned)
        image, outputs = rewritten[origin.outputs]
        of = tuple(image[n] for n in origin.of if n in image and image[n].anytype == target.anytype)
        known = found.get(target)
        if of and not isinstance(known, str):
            found[target] = Adjoint((*(known.of if known else ()), *of), outputs)
    return found


def _image(outputs: Sequence[Node], new: Mapping[Node, Node]) -> dict[Node, Node]:
    """Return what becomes of every node that the outputs need; what the graph had no use for is rebuilt."""
    image: dict[Node, Node] = {}
    for node in topological(outputs):
        found = new.get(node)
        image[node] = node.replace([image[each] for each in node.inputs]) if found is None else found
    return image


def _rewritten(
    outputs: tuple[Node, ...], new: Mapping[Node, Node], turned: Mapping[Node, Node]
) -> tuple[Mapping[Node, Node], tuple[Node, ...]]:
    """Return what becomes of each node by which the outputs still have the same derivative, and the outputs.

    They have it by an input of the graph. They have it by another node where all that reads it is still
    computed from the same operands, and nothing else reads the node or what lies between. Where nobody knows
    the outputs nothing may have changed.
    """
    if all(node is target for node, target in new.items()):
        return new, outputs
    image = _image(outputs, new)
    if not outputs or all(node is target for node, target in image.items()):
        return image, outputs
    new_outputs = tuple(image[node] for node in outputs)
    image.update((node, target) for node, target in turned.items() if node in image)
    return _Comparison(outputs, new_outputs, image).true_images(), new_outputs


class _Comparison:
    """A program and its image, compared from the outputs back."""

    def __init__(
        self, outputs: Sequence[Node], new_outputs: Sequence[Node], image: Mapping[Node, Node]
    ) -> None:
        self.outputs = set(outputs)
        self.image = image
        self.order = list(image)
        self.targets = set(new_outputs)
        self.readers = users_of(self.order)
        self.new_readers = users_of(topological(self.targets))
        self.shared = Counter(image.values())

    def true_images(self) -> dict[Node, Node]:
        true: dict[Node, Node] = {}
        regions: dict[Node, set[Node]] = {}
        for node in reversed(self.order):
            if not node.inputs or self._is_true(node, true, regions):
                true[node] = self.image[node]
            region = self._between(node) if node in true else None
            if region is not None:
                regions[node] = region
        return true

    def _is_true(self, node: Node, true: Mapping[Node, Node], regions: Mapping[Node, set[Node]]) -> bool:
        target = self.image[node]
        if self.shared[target] > 1 or (node in self.outputs) != (target in self.targets):
            return False
        whole: set[Node] = set()
        readers = self.readers.get(node, ())
        for reader in readers:
            if reader not in true or reader not in regions:
                return False
            whole |= regions[reader]
        ends = {self.image[reader] for reader in readers}
        inner = (target, *(whole - ends))
        return all(reader in whole for each in inner for reader in self.new_readers.get(each, ()))

    def _between(self, node: Node) -> set[Node] | None:
        """Return what computes a node's image from its operands' images; None where that needs more."""
        stop = {self.image[each] for each in node.inputs}
        region: set[Node] = set()
        waiting = [self.image[node]]
        while waiting:
            each = waiting.pop()
            if each in stop or each in region:
                continue
            if each.is_op("input", "captured") or len(region) == MAX_REGION:
                return None
            region.add(each)
            waiting += each.inputs
        return region
