"""`diffc run`: a built model on inputs from a file or the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from diffc.cli.arrays import check_writable, read_inputs, write_outputs
from diffc.cli.output import print_json, print_text, shown
from diffc.cli.tables import read_columns_option
from diffc.cli.values import read_assignments
from diffc.errors import DiffcError
from diffc.ir import Tree
from diffc.runtime import BuiltModel, Kernel, load
from diffc.runtime.calls.inputs import arrange

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "run",
        help="run a built model",
        description="Run a kernel of a built model and print its outputs, or write them to a file.",
        epilog="example: diffc run build/surface --set a=1 b=2 c=2 --kernel gradient\n"
        "         diffc run build/surface --input x.npz --output y.npz\n"
        "         diffc run build/digits --input x.npz parameters.safetensors\n"
        "         diffc run build/digits --input x.csv parameters.safetensors --columns x=0:64\n\n"
        'A JSON file holds an object of numbers and lists; the texts "inf", "-inf", "nan" are floats.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what diffc build or Kernel.save wrote")
    parser.add_argument(
        "--input",
        nargs="+",
        metavar="FILE",
        help="the inputs by name: .npz, .json and .safetensors files, each with some of them; .csv, .npy",
    )
    parser.add_argument(
        "--columns", nargs="+", metavar="NAME=COLS", help="of a .csv or .npy file: x=0:64 y=label z=2,5"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="inputs: a=1 x=[1,2.5]; they come before those of --input",
    )
    parser.add_argument("--kernel", metavar="NAME", help="which kernel; default: that of the model's outputs")
    parser.add_argument("--output", metavar="FILE", help="write the outputs to a .npz or .json file")
    parser.add_argument("--json", action="store_true", help="print JSON: the outputs in full")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the kernel; print or write its outputs."""
    given = read_assignments(arguments.set, "--set")
    if arguments.output is not None:
        check_writable(arguments.output)
    name, kernel, known = _kernel(arguments.folder, arguments.kernel)
    if arguments.input is not None:
        types = {each.name: each.type for each in kernel.signature.inputs}
        columns = read_columns_option(arguments.columns)
        given = {**given, **read_inputs(arguments.input, types, list(given), known, columns)}
    elif arguments.columns is not None:
        raise DiffcError("--columns is for the tables among the files of --input, which is not given")
    result = kernel(*arrange(kernel.signature, (), given))
    values = _named(kernel, result)
    if arguments.output is not None:
        write_outputs(arguments.output, values)
    if arguments.json:
        report: dict[str, Any] = {"command": "run", "kernel": name, "output": arguments.output}
        print_json(report | {"values": values if arguments.output is None else None})
    elif arguments.output is not None:
        print_text(f"{name}: {', '.join(values)} in {arguments.output}")
    else:
        print_text(
            "\n".join(f"{key} = {_beside(shown(value), len(key) + 3)}" for key, value in values.items())
        )
    return 0


def _kernel(folder: str, name: str | None) -> tuple[str, Kernel, list[str]]:
    """Return a kernel, its name, and the names of all inputs of the model's kernels."""
    built = load(folder)
    if isinstance(built, BuiltModel):
        known = [each.name for kernel in built.values() for each in kernel.signature.inputs]
        return name or built.main, built[name or built.main], known
    if name not in (None, built.name):
        raise DiffcError(f"{folder} holds one kernel, {built.name!r}, none called {name!r}")
    return built.name, built, []


def _named(kernel: Kernel, result: Any) -> Mapping[str, Any]:
    """Return the outputs by name; one that has no name of its own has the kernel's."""
    names = [each.name for each in kernel.signature.outputs]
    if names == ["out"]:
        return {"out": result}
    leaves: dict[int, Any] = {}
    stack: list[tuple[Tree, Any]] = [(kernel.signature.tree, result)]
    while stack:
        tree, value = stack.pop()
        if isinstance(tree, int):
            leaves[tree] = value
        else:
            stack.extend(zip(tree, value, strict=True))
    values: dict[str, Any] = {}
    for position, name in enumerate(names):
        values[name if name not in values else f"{name}_{position}"] = leaves[position]
    return values


def _beside(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)
