"""A model file becomes a model: formulas directly, a network's tables through `diffc.nn`."""

from __future__ import annotations

import os

from diffc.frontends.model_file import load_model_file
from diffc.frontends.network_file import NetworkFile
from diffc.model.model import Model
from diffc.model.parts import Parts, parts_of_formulas, parts_of_network
from diffc.nn import Network, NetworkProblem

__all__ = ["load_model"]


def load_model(path: str | os.PathLike[str]) -> Model:
    """Return the model of a file; its derivatives are made when they are first asked for.

    Raises:
        ModelError: naming the file, the line and what would be right.
    """
    file = load_model_file(path)
    return Model(_parts_of_network(file) if isinstance(file, NetworkFile) else parts_of_formulas(file))


def _parts_of_network(file: NetworkFile) -> Parts:
    try:
        network = Network(file.inputs, file.layers, file.loss, file.name, file.derive)
        return parts_of_network(network, file.math, file)
    except NetworkProblem as problem:
        file.fail(problem.key, str(problem))
