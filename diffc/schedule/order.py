"""The order in which computations are placed."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from diffc.ir import Node

__all__ = ["ordered"]


def ordered(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes, producers first, scalars as early as they can be.

    A scalar that is computed late would stand between loops that could be one.
    """
    rank = {node: k for k, node in enumerate(nodes)}
    waiting = {node: len(set(node.inputs)) for node in nodes}
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for each in set(node.inputs):
            users[each].append(node)
    ready = [(node.rank > 0, rank[node]) for node in nodes if not node.inputs]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)[1]]
        order.append(node)
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (user.rank > 0, rank[user]))
    return order
