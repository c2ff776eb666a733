"""Assembly: the body of the program, from the loops and from what stands beside them until all are placed."""

from __future__ import annotations

from collections.abc import Mapping

from diffc.loops.form import Block, Loop
from diffc.loops.places import Affine, Scalar
from diffc.loops.statements import Compute, Store
from diffc.schedule.placement import LoopNests
from diffc.schedule.storage import Storage

__all__ = ["assembled"]


def assembled(nests: LoopNests, storage: Storage) -> Block:
    """Return the body of the program: what comes first, then each nest behind what it needs filled."""
    stores = _register_stores(nests, storage)
    body = Block(nests.preamble)
    for item in nests.root:
        body += [*nests.fills.get(item, ()), *_with_stores(Block([item]), nests.openings, stores)]
    return body


def _register_stores(nests: LoopNests, storage: Storage) -> dict[Scalar, Store]:
    """Return the store of each register whose node has memory, too."""
    stores: dict[Scalar, Store] = {}
    for node, buffer in storage.buffers.items():
        location = nests.locations.get(node)
        if location is not None and location.value is not None:
            axes = {dim: loop.axis for loop, dim in location.path}
            index = tuple(Affine(0, ((axes[k], 1),)) if k in axes else Affine() for k in range(node.rank))
            stores[location.value] = Store(buffer, index, location.value)
    return stores


def _with_stores(block: Block, openings: Mapping[Block, Block], stores: Mapping[Scalar, Store]) -> Block:
    """Return a block, its opening first, with each store behind the definition of what it stores."""
    result = Block(openings.get(block, ()))
    for item in block:
        result.append(item)
        if isinstance(item, Loop):
            item.body = _with_stores(item.body, openings, stores)
            defined = [value for value, _ in item.accumulators]
        else:
            defined = [item.value] if isinstance(item, Compute) else []
        result.extend(stores[value] for value in defined if value in stores)
    return result
