"""Network files: TOML with layers and a loss becomes a record of tables.

    [model]
    name = "digits_mlp"          # optional: the file's name otherwise
    math = "precise"             # optional: or "fast"
    [inputs]
    x = "f64[N, 64]"             # name = type
    y = "f64[N, 10]"
    [[layer]]                    # one for each layer, in order
    kind = "dense"
    units = 10
    [loss]                       # optional: without it the network only predicts
    kind = "softmax_cross_entropy"
    target = "y"
    [derive]                     # optional
    gradient = ["parameters"]    # likewise hessian; jacobian is that of the prediction
    [train]                      # optional: settings of a training

What kinds there are and what keys they have is for `diffc.nn` to say, which makes the network; here the
tables are told apart. Whoever finds a problem in them calls `file.fail(key, problem)`, which adds the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from diffc.frontends.toml_lines import Key
from diffc.frontends.toml_tables import Tables

__all__ = ["NetworkFile", "is_network", "read_network"]

_TABLES = ("model", "inputs", "layer", "loss", "derive", "train")
_FORMULAS = ("outputs", "definitions")


@dataclass(frozen=True)
class NetworkFile:
    """What a network file says, table by table; the values are unchecked but for what is a table."""

    name: str
    math: str
    inputs: Mapping[str, Any]
    layers: tuple[Mapping[str, Any], ...]
    loss: Mapping[str, Any] | None
    derive: Mapping[str, Any]
    train: Mapping[str, Any]
    tables: Tables

    @property
    def path(self) -> Path:
        """The file's path."""
        return self.tables.path

    def fail(self, key: Key, problem: str) -> NoReturn:
        """Raise `ModelError` with the file and the line of a key, such as `("layer", 1, "units")`."""
        self.tables.fail(key, problem)


def is_network(tables: Tables) -> bool:
    """Tell whether a file defines a network."""
    return "layer" in tables.all or "loss" in tables.all


def read_network(tables: Tables) -> NetworkFile:
    """Return what a network file says.

    Raises:
        ModelError: naming the file, the line and what would be right.
    """
    for name in _FORMULAS:
        if name in tables.all:
            tables.fail((name,), f"a network has no [{name}]: it predicts what its last layer gives")
    tables.check_names((), tables.all, _TABLES)
    name, math = tables.heading()
    found: Any = tables.all.get("layer")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in cast(list[Any], found)):
        tables.fail(("layer",), "a layer is an array of tables: write [[layer]] and its keys below, for each")
    layers = cast(list[dict[str, Any]], found)
    loss = tables.table("loss") if "loss" in tables.all else None
    return NetworkFile(
        name,
        math,
        tables.table("inputs"),
        tuple(layers),
        loss,
        tables.table("derive"),
        tables.table("train"),
        tables,
    )
