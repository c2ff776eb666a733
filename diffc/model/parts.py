"""What a model is made of: graphs with names, and requests for derivatives of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from diffc.autodiff.selection import fresh_name
from diffc.frontends.model_file import Derive, ModelFile
from diffc.frontends.network_file import NetworkFile
from diffc.functions.function import Function, derivative, grad, hessian, jacobian, value_and_grad
from diffc.ir import Graph, Type
from diffc.nn import Network

__all__ = ["Parts", "Request", "parts_of_formulas", "parts_of_function", "parts_of_network"]

_MAX_NAME = 80


@dataclass(frozen=True)
class Request:
    """A derivative of one output: the key under [derive] that asks for it, and how it is made."""

    key: str
    output: str
    make: Callable[[Function], Function]


@dataclass(frozen=True)
class Parts:
    """What a model is made of.

    Attributes:
        name: the model's name.
        math: "precise" or "fast".
        outputs: the graph of each output.
        whole: the graph that is proved: all outputs together, or a network's loss.
        main: the name of the kernel that is run where no other is named.
        requests: the derivatives, by name.
        path: the model file, or an empty path.
        network: the network, if it is one.
        file: the network's file, if it is from one.
    """

    name: str
    math: str
    outputs: Mapping[str, Graph]
    whole: Graph
    main: str
    requests: Mapping[str, Request]
    path: Path
    network: Network | None = None
    file: NetworkFile | None = None

    def differentiated(self, wrt: Sequence[str]) -> Parts:
        """Return the same with other derivatives: those of the scalar outputs, or a network's gradient."""
        if self.network is not None:
            request = "gradient" if "loss" in self.outputs else "jacobian"
            return parts_of_network(replace(self.network, derive={request: wrt}), self.math, self.file)
        return parts_of_function(self.whole, wrt, self.math)


def _all_of(graph: Graph, wrt: Sequence[str]) -> Derive:
    """Return requests for gradients and Hessians of scalar outputs, else for Jacobians."""
    names = tuple(wrt or [node.attrs["name"] for node in graph.inputs if node.type.is_float])
    scalar = any(_is_scalar(node.type) for node in graph.outputs)
    return Derive(gradient=names, hessian=names) if scalar else Derive(jacobian=names)


def _is_scalar(kind: Type) -> bool:
    return kind.rank == 0 and kind.is_float


def parts_of_function(graph: Graph, wrt: Sequence[str], math: str) -> Parts:
    """Return the parts of a function: each output, with all derivatives by some inputs, by all if none."""
    if graph.output_names == ("out",):
        graph = graph.with_outputs(graph.outputs, names=(graph.name,))
    return parts_of_formulas(ModelFile(graph.name, graph, _all_of(graph, wrt), math, Path()))


def parts_of_formulas(file: ModelFile) -> Parts:
    """Return the parts of a file with formulas."""
    graph = file.graph
    pairs = zip(graph.output_names, graph.outputs, strict=True)
    outputs = {name: graph.related(name, (node,), (name,)) for name, node in pairs}
    main = fresh_name("all", list(outputs)) if len(outputs) > 1 else next(iter(outputs))
    requests = _requests(graph, main, file.derive)
    return Parts(file.name, file.math, outputs, graph, main, requests, file.path)


def _requests(graph: Graph, main: str, derive: Derive) -> dict[str, Request]:
    found: dict[str, Request] = {}

    def add(ending: str, request: Request) -> None:
        several = len(graph.outputs) > 1
        wanted = f"{request.output}_{ending}" if several else ending
        found[fresh_name(wanted, [*graph.output_names, main, *found])] = request

    every = list(graph.output_names)
    pairs = zip(every, graph.outputs, strict=True)
    scalars = [name for name, node in pairs if _is_scalar(node.type)] or every
    for names, key, transform, outputs in (
        (derive.gradient, "gradient", grad, scalars),
        (derive.hessian, "hessian", hessian, scalars),
        (derive.jacobian, "jacobian", jacobian, every),
    ):
        for output in outputs if names else ():
            add(key, Request(key, output, partial(transform, wrt=names)))
    for position, names in enumerate(derive.partials):
        ending = _partial_name(position, names)
        for output in every:
            add(ending, Request("partials", output, lambda f, names=names: derivative(f, *names)))
    return found


def _partial_name(position: int, names: Sequence[str | int]) -> str:
    spelt: list[str] = []
    for each in names:
        spelt += [each] if isinstance(each, str) else [spelt[-1]] * (each - 1)
    ending = "_".join(["partial", *spelt])
    return ending if len(ending) <= _MAX_NAME else f"partial_{position}"


def parts_of_network(network: Network, math: str, file: NetworkFile | None = None) -> Parts:
    """Return the parts of a network: its graphs, and the derivatives that it asks for."""
    graphs = network.graphs
    requests: dict[str, Request] = {}
    for key, names in network.derive.items():
        wrt = network.wrt(key, names)
        output = "predict" if key == "jacobian" else "loss"
        transform = {"gradient": grad, "hessian": hessian, "jacobian": jacobian}[key]
        if wrt:
            requests[key] = Request(key, output, partial(transform, wrt=wrt))
        if wrt and key == "gradient":
            requests["value_and_gradient"] = Request(key, output, partial(value_and_grad, wrt=wrt))
    path = Path() if file is None else file.path
    whole = replace(graphs.get("loss", graphs["predict"]), name=network.name)
    return Parts(network.name, math, graphs, whole, "predict", requests, path, network, file)
