"""A network: inputs, layers and a loss, as graphs with parameters.

The parameters of the k-th layer that has any are named by it, `W1` and `b1`, or by the layer's name,
`hidden_W` and `hidden_b`. What is fed to the first layer is the one input that the loss does not name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from diffc.errors import DiffcError
from diffc.ir import Graph, Node, Type, parse_type
from diffc.ir.lazy import lazy
from diffc.nn.assembly import Assembly, assemble
from diffc.nn.definition import NetworkProblem
from diffc.nn.layer import Layer
from diffc.nn.losses import Loss
from diffc.nn.sampling import Stream
from diffc.ops import input_node
from diffc.ops.base import DTYPES
from diffc.syntax.lexer import is_name
from diffc.syntax.suggestions import nearest

__all__ = ["Network"]

_LARGEST_SEED = 2**63
_REQUESTS = ("gradient", "hessian", "jacobian")


@dataclass(frozen=True, eq=False)
class Network:
    """Layers one after the other, and a loss.

    Attributes:
        inputs: the type of each input, as `{"x": "f64[N, 64]", "y": "f64[N, 10]"}`.
        layers: each a layer, or a kind's name or a table of settings for one.
        loss: what training makes small; None for a network that only predicts.
        name: the network's name.
        derive: which derivatives its model has, as `{"gradient": ["parameters"]}`: `gradient` and `hessian`
            of the loss, `jacobian` of the prediction, by names of inputs and parameters, or by "inputs" and
            "parameters", which are those of the prediction.

    Raises:
        NetworkProblem: naming the layer and the key, and what would be right.
    """

    inputs: Mapping[str, str | Type]
    layers: Sequence[Layer | str | Mapping[str, Any]]
    loss: Loss | Mapping[str, Any] | None = None
    name: str = "network"
    derive: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __post_init__(self) -> None:
        """Build the graphs, so that a network that means nothing is never made."""
        for request, names in self.derive.items():
            self.wrt(request, names)
        _ = self._assembly

    @lazy
    def _assembly(self) -> Assembly:
        inputs = _declared(self.inputs)
        if not isinstance(self.layers, Sequence) or isinstance(self.layers, str) or not self.layers:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise NetworkProblem("a network has at least one layer", ("layer",))
        layers: list[Layer] = []
        for position, each in enumerate(self.layers):
            try:
                layers.append(Layer.of(each))
            except NetworkProblem as problem:
                raise problem.within("layer", position) from None
        try:
            loss = None if self.loss is None else Loss.of(self.loss)
        except NetworkProblem as problem:
            raise problem.within("loss") from None
        return assemble(inputs, layers, loss)

    @property
    def graphs(self) -> Mapping[str, Graph]:
        """The graphs by name: `predict`, `logits` where the loss takes logits, `loss` where there is one.

        `predict` and `logits` are of the network's input and the parameters, `loss` is of all inputs, in the
        order in which they are declared, and the parameters.
        """
        return self._assembly.graphs

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return tuple(self._assembly.parameters)

    def init(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Return first values for all parameters: functions of the seed, the same bits on every machine."""
        whole = isinstance(seed, int) and not isinstance(seed, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not whole or not 0 <= seed < _LARGEST_SEED:
            raise DiffcError(f"the seed is a whole number from 0 to 2**63 - 1, not {seed!r:.60}")
        stream = Stream(seed)
        return {
            name: each.initialiser.draw(stream, each.shape, each.fans).astype(DTYPES[each.dtype])
            for name, each in self._assembly.parameters.items()
        }

    def wrt(self, request: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return the inputs and parameters by which a derivative is taken.

        Raises:
            NetworkProblem: for a request or a name that there is not.
        """
        key = ("derive", request)
        if request not in _REQUESTS:
            known = f"(there are {', '.join(_REQUESTS)})"
            raise NetworkProblem(
                f"there is no derivative {request!r}{nearest(request, _REQUESTS)} {known}", key
            )
        graph = self.graphs.get("predict" if request == "jacobian" else "loss")
        if graph is None:
            raise NetworkProblem("it is a derivative of the loss, and the network has none", key)
        if isinstance(names, str) or not isinstance(names, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise NetworkProblem(f'a list is needed, such as ["parameters"], not {names!r:.60}', key)
        floats = {node.attrs["name"]: (node.attrs["name"],) for node in graph.inputs if node.type.is_float}
        known = {**floats, "parameters": self.parameters, "inputs": (self._assembly.feature,)}
        found: list[str] = []
        for name in names:
            if not isinstance(name, str) or name not in known:  # pyright: ignore[reportUnnecessaryIsInstance]
                listed = ", ".join(list(known)[::-1][:20])
                raise NetworkProblem(
                    f"{name!r:.60} is no input or parameter{nearest(str(name), known)} (there are {listed})",
                    key,
                )
            found += known[name]
        return tuple(dict.fromkeys(found))


def _declared(inputs: Mapping[str, str | Type]) -> dict[str, Node]:
    if not isinstance(inputs, Mapping) or not inputs:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise NetworkProblem('a network has inputs, such as x = "f64[N, 64]"', ("inputs",))
    nodes: dict[str, Node] = {}
    for name, kind in inputs.items():
        if not isinstance(name, str) or not is_name(name):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise NetworkProblem(
                f"{name!r:.60} is not a name: letters, digits and '_'", ("inputs", str(name))
            )
        if not isinstance(kind, str | Type):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise NetworkProblem(f"a type is a text like 'f64[N, 64]', not {kind!r:.60}", ("inputs", name))
        try:
            nodes[name] = input_node(name, kind if isinstance(kind, Type) else parse_type(kind))
        except DiffcError as problem:
            raise NetworkProblem(str(problem), ("inputs", name)) from None
    return nodes
