"""`diffc build`: a model compiled ahead of time, into a folder that `diffc run` and `diffc.load` read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from diffc.cli.output import print_json, print_text
from diffc.cli.target import add_options, model_of

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "build",
        help="compile a model ahead of time",
        description="Compile a model's outputs and derivatives into a folder, all of it or nothing. The"
        " folder must be new, empty, or hold an earlier build, which is replaced.",
        epilog="example: diffc build surface.toml -o build/surface",
    )
    parser.add_argument("model", metavar="MODEL.toml", help="a model file, or a formula")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="the folder to write")
    add_options(parser)
    parser.add_argument("--no-cache", action="store_true", help="compile anew and keep nothing in the cache")
    parser.add_argument("--json", action="store_true", help="print JSON: a record for each kernel")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build the model and print a line a kernel."""
    start = perf_counter()
    model = model_of(arguments.model, arguments)
    progress = _Progress(sys.stderr)
    try:
        built = model.build(arguments.output, progress.show, cache=not arguments.no_cache)
    finally:
        progress.clear()
    records = [_record(name, kernel) for name, kernel in built.items()]
    seconds = perf_counter() - start
    if arguments.json:
        folder = str(built.path)
        print_json(
            {
                "command": "build",
                "model": model.name,
                "folder": folder,
                "main": built.main,
                "seconds": seconds,
            }
            | {"kernels": records}
        )
        return 0
    width = max(len(each["name"]) for each in records)
    lines = [
        f"  {each['name']:<{width}}  {each['operations']:>5} ops"
        f"  compiled in {each['compile_seconds']:6.3f} s  {each['object_bytes'] / 1024:7.1f} KiB"
        for each in records
    ]
    count = f"{len(records)} kernel{'s' if len(records) > 1 else ''}"
    print_text("\n".join([f"{model.name}: {count} in {built.path}, {seconds:.2f} s", *lines]))
    return 0


def _record(name: str, kernel: Any) -> dict[str, Any]:
    """Return what is told of one kernel; a kernel from the cache tells the seconds that it took once."""
    stats: Mapping[str, Any] = kernel.stats
    return {
        "name": name,
        "inputs": {each.name: str(each.type) for each in kernel.signature.inputs},
        "outputs": {each.name: str(each.type) for each in kernel.signature.outputs},
        "operations": sum(stats.get("operations", {}).values()),
        "compile_seconds": round(sum(stats.get("seconds", {}).values()), 6),
        "object_bytes": len(kernel.program.object_code),
    }


class _Progress:
    """One line on a terminal that tells what is being compiled; nothing where stderr is no terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._live = bool(getattr(stream, "isatty", bool)())
        self._length = 0

    def show(self, name: str, position: int, count: int) -> None:
        """Replace the line."""
        self._write(f"[{position + 1}/{count}] compiling {name[:60]}")

    def clear(self) -> None:
        """Take the line away."""
        self._write("")

    def _write(self, text: str) -> None:
        if self._live:
            self._stream.write(f"\r{text:<{self._length}}\r{text}")
            self._stream.flush()
            self._length = len(text)
