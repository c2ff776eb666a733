"""What a command works on: a model file, or a formula given as text."""

from __future__ import annotations

import argparse
import os
import re
from typing import cast

from diffc.cli.values import names_of, read_types
from diffc.errors import DiffcError
from diffc.functions.function import parse
from diffc.model import Model, load_model

__all__ = ["add_options", "is_path", "model_of"]

_FILE = re.compile(r"[\w.+/\\:-]*\.[A-Za-z]{2,8}\Z")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say more about a formula."""
    parser.add_argument(
        "--inputs", nargs="+", metavar="NAME:TYPE", help="types of a formula's inputs: x:f64[N]"
    )
    parser.add_argument(
        "--wrt", nargs="+", metavar="NAME", help="differentiate by these inputs; default: by all"
    )
    parser.add_argument(
        "--math", choices=("precise", "fast"), help="default: as the model file says, or precise"
    )


def is_path(text: str) -> bool:
    """Tell whether a text names a file: it exists, or looks like `models/surface.toml`."""
    text = text.strip()
    try:
        return bool(_FILE.fullmatch(text[:1000])) or os.path.exists(text)
    except ValueError:  # no system takes it for a path
        return False


def model_of(target: str, arguments: argparse.Namespace) -> Model:
    """Return the model of a file, or of a formula with the options `--inputs`, `--wrt`, `--math`."""
    types, wrt = read_types(cast("list[str] | None", arguments.inputs)), names_of(arguments.wrt)
    math = cast("str | None", arguments.math)
    target = target.strip()
    if not is_path(target):
        return Model.of(parse(target, types), wrt, math or "precise")
    if types is not None:
        raise DiffcError("--inputs is for formulas: a model file declares its inputs under [inputs]")
    model = load_model(target).with_math(math)
    return model.differentiated(wrt) if wrt else model
