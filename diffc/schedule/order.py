"""The order in which computations are placed."""

from __future__ import annotations

import heapq

from diffc.ir import Graph, Node

__all__ = ["ordered"]


def ordered(graph: Graph) -> list[Node]:
    """Return the nodes of a graph, producers first, scalars as early as they can be.

    A scalar that is computed late would stand between loops that could be one.
    """
    nodes, users = graph.nodes, graph.users
    rank = {node: k for k, node in enumerate(nodes)}
    waiting = {node: len(node.inputs) for node in nodes}
    ready = [(node.rank > 0, rank[node]) for node in nodes if not node.inputs]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)[1]]
        order.append(node)
        for user in users.get(node, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (user.rank > 0, rank[user]))
    return order
