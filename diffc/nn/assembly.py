"""Putting a network together: from input nodes, layers and a loss to graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diffc.errors import DiffcError
from diffc.ir import Graph, Node
from diffc.nn.activations import Activation
from diffc.nn.definition import NetworkProblem
from diffc.nn.layer import Layer, Parameter
from diffc.nn.layers import Dense
from diffc.nn.losses import Loss
from diffc.ops import input_node
from diffc.ops.arithmetic import abs_, add, mul, square
from diffc.ops.broadcasting import sum_
from diffc.syntax.lexer import is_name
from diffc.syntax.suggestions import nearest

__all__ = ["Assembly", "assemble"]

MAX_LAYERS = 1_000
MAX_ELEMENTS = 2**31
"""The largest number of elements of all parameters together."""

_PROBABILITIES = ("sigmoid", "softmax", "log_softmax")
"""Activations whose values are no logits."""


@dataclass(frozen=True)
class Assembly:
    """A network put together: its graphs by name, its parameters by name, the input that is fed to it."""

    graphs: Mapping[str, Graph]
    parameters: Mapping[str, Parameter]
    feature: str


def assemble(inputs: Mapping[str, Node], layers: Sequence[Layer], loss: Loss | None) -> Assembly:
    """Return the network of these layers.

    Raises:
        NetworkProblem: with the key of what does not fit.
    """
    if len(layers) > MAX_LAYERS:
        raise NetworkProblem(
            f"there are {len(layers):,} layers, more than {MAX_LAYERS:,}", ("layer", MAX_LAYERS)
        )
    feature = _feature(inputs, loss)
    x = inputs[feature]
    output, parameters = _stacked(x, layers, inputs)
    nodes = tuple(input_node(name, each.type) for name, each in parameters.items())
    graphs: dict[str, Graph] = {}
    link = None if loss is None else loss.activation
    graphs["predict"] = _graph("predict", (x, *nodes), output if link is None else link.apply(output))
    if link is not None:
        graphs["logits"] = _graph("logits", (x, *nodes), output)
    if loss is not None:
        value = _penalised(_measured(loss, layers, output, inputs), loss, parameters)
        graphs["loss"] = _graph("loss", (*inputs.values(), *nodes), value)
    return Assembly(graphs, parameters, feature)


def _graph(name: str, inputs: tuple[Node, ...], output: Node) -> Graph:
    return Graph(name, inputs, (output,), (name,))


def _feature(inputs: Mapping[str, Node], loss: Loss | None) -> str:
    """Return the name of the one input that the loss does not use."""
    used = {} if loss is None else {"target": loss.target, "weight": loss.weight}
    for key, name in used.items():
        if name is not None and name not in inputs:
            known = f"{nearest(name, inputs)} (inputs: {', '.join(inputs)})"
            raise NetworkProblem(f"there is no input {name!r}{known}", ("loss", key))
    left = [name for name in inputs if name not in used.values()]
    if len(left) != 1:
        found = f"these are left: {', '.join(left)}" if left else "none is left"
        raise NetworkProblem(
            f"the network is fed the one input that the loss does not name, but {found}", ("inputs",)
        )
    kind = inputs[left[0]].type
    if not kind.is_float or not kind.rank:
        raise NetworkProblem(
            f"the network's input is an f64 or f32 array, such as f64[N, 64], not {kind}", ("inputs", left[0])
        )
    return left[0]


def _stacked(
    x: Node, layers: Sequence[Layer], inputs: Mapping[str, Node]
) -> tuple[Node, dict[str, Parameter]]:
    """Return the last layer's output and the parameters of all."""
    parameters: dict[str, Parameter] = {}
    number = size = 0
    for position, layer in enumerate(layers):
        try:
            own = layer.parameters(x)
            number += bool(own)
            nodes: list[Node] = []
            for each in own:
                name = _name(layer, each.label, number)
                if name in inputs or name in parameters:
                    raise NetworkProblem(
                        f"the name {name!r} of a parameter is taken: name the layer otherwise", ("name",)
                    )
                size += each.size
                parameters[name] = each
                nodes.append(input_node(name, each.type))
            if size > MAX_ELEMENTS:
                raise NetworkProblem(f"the parameters have more than {MAX_ELEMENTS:,} elements")
            x = layer.apply(x, tuple(nodes))
        except NetworkProblem as problem:
            raise problem.within("layer", position) from None
        except DiffcError as problem:
            raise NetworkProblem(str(problem), ("layer", position)) from None
    return x, parameters


def _name(layer: Layer, label: str, number: int) -> str:
    if layer.name is None:
        return f"{label}{number}"
    if not is_name(layer.name):
        raise NetworkProblem(f"{layer.name!r:.60} is not a name: letters, digits and '_'", ("name",))
    return f"{layer.name}_{label}"


def _measured(loss: Loss, layers: Sequence[Layer], output: Node, inputs: Mapping[str, Node]) -> Node:
    last = layers[-1]
    applied = Activation.of(last.activation) if isinstance(last, Dense) else last
    if loss.activation is not None and applied.kind in _PROBABILITIES:
        raise NetworkProblem(
            f"{loss.kind} applies {loss.activation.kind} to logits itself: leave it out of the last layer",
            ("layer", len(layers) - 1, "activation" if isinstance(last, Dense) else "kind"),
        )
    weight = None if loss.weight is None else inputs[loss.weight]
    try:
        return loss.apply(output, inputs[loss.target], weight)
    except NetworkProblem as problem:
        raise problem.within("loss") from None
    except DiffcError as problem:
        raise NetworkProblem(str(problem), ("loss",)) from None


def _penalised(value: Node, loss: Loss, parameters: Mapping[str, Parameter]) -> Node:
    """Return the loss with the penalties of all parameters that have one."""
    for name, each in parameters.items():
        node = input_node(name, each.type)
        l1 = loss.l1 if each.l1 is None else each.l1
        l2 = loss.l2 if each.l2 is None else each.l2
        if l1:
            value = add(value, mul(l1, sum_(abs_(node))))
        if l2:
            value = add(value, mul(l2, sum_(square(node))))
    return value
