"""What the compiler emits for many programs, kept and compared: a change of structure must not change code.

    python -m tests.emitted --out before.json        with the tree as it was
    python -m tests.emitted --against before.json    with the tree as it is: exit status 1 where code differs

The programs are all examples of the NumPy reference and their gradients, random graphs of every family with
their gradients, and the first programs of the fuzzer, transformed as these say. Compared are the LLVM of two
vector widths, after canonical renumbering of its values, and the Python source.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import diffc as dc
from diffc.autodiff import grad
from diffc.compiler import Options, Stages
from diffc.errors import DiffcError
from diffc.ir import Graph
from diffc.loops.target import Target
from docs.numpy_examples import CALLS, Call
from tests.emit.random_graphs import Maker
from tests.fuzz.compiled import traced, transformed
from tests.fuzz.kinds import make
from tests.fuzz.program import Program

TARGETS = (Target(16, 16), Target(64, 32))
"""The machines whose code is compared."""

_LOCAL = re.compile(r'%(?:"[^"]*"|[\w.$-]+)|^(?:"[^"]*"|[\w.$-]+):', re.MULTILINE)


def canonical(text: str) -> str:
    """Return a module's text with the values and labels of each function numbered as they first appear."""
    parts = re.split(r"^(?=define )", text, flags=re.MULTILINE)
    return "".join(map(_renumbered, parts))


def _renumbered(function: str) -> str:
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[0].strip("%:")
        of = numbers.setdefault(name, len(numbers))
        return f"{of}:" if found[0].endswith(":") else f"%{of}"

    return _LOCAL.sub(number, function)


def programs(fuzzed: int, random: int) -> Iterator[tuple[str, Graph]]:
    """Yield each program's name and graph."""
    for text in CALLS:
        yield from _of_call(Call(text))
    for seed in range(random):
        yield f"random {seed}", Maker(seed, (3, 5, 8, 12)[seed % 4]).graph()
        graph = Maker(seed, 6, smooth=True).scalar_graph()
        wrt = [node.attrs["name"] for node in graph.inputs if node.type.is_float]
        yield f"random {seed}, gradient", grad(graph, wrt)
    for seed in range(fuzzed):
        program = make(seed)
        for graph in _graphs_of(program):
            yield f"fuzz {seed}, {program.options.transform}", graph


def _of_call(call: Call) -> Iterator[tuple[str, Graph]]:
    try:
        f = dc.trace(call.function, *call.specs)
    except (DiffcError, TypeError):
        return
    yield call.text, f.graph
    floats = [k for k, each in enumerate(call.arrays) if np.asarray(each).dtype.kind == "f"]
    try:
        loss = dc.trace(lambda *arrays: np.sum(call.function(*arrays)), *call.specs)
        yield f"{call.text}, gradient", dc.grad(loss, floats).graph
    except (DiffcError, TypeError, ValueError):
        return


def _graphs_of(program: Program) -> Iterator[Graph]:
    try:
        yield transformed(program, traced(program), lambda f: f).graph
    except DiffcError:
        return


def emitted(graph: Graph) -> dict[str, str]:
    """Return the texts of a program."""
    try:
        texts: dict[str, str] = {}
        for target in TARGETS:
            stages = Stages(graph, Options(), target)
            texts[f"llvm {target.vector_bytes}"] = canonical(stages.llvm())
        return {**texts, "source": stages["source"]}
    except DiffcError as error:
        return {"refused": str(error)}


def main() -> int:
    """Write or compare digests; `--texts` keeps the texts themselves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="where to write what is emitted")
    parser.add_argument("--against", type=Path, help="what an earlier run wrote")
    parser.add_argument("--texts", type=Path, help="a folder for the texts")
    parser.add_argument("--fuzzed", type=int, default=340, help="how many programs of the fuzzer")
    parser.add_argument("--random", type=int, default=150, help="how many random graphs")
    options = parser.parse_args()
    digests: dict[str, dict[str, str]] = {}
    for name, graph in programs(options.fuzzed, options.random):
        texts = emitted(graph)
        digests[name] = {key: hashlib.sha256(text.encode()).hexdigest()[:20] for key, text in texts.items()}
        if options.texts:
            options.texts.mkdir(parents=True, exist_ok=True)
            place = re.sub(r"\W+", "_", name)[:120]
            for key, text in texts.items():
                (options.texts / f"{place}.{key.replace(' ', '')}").write_text(text, encoding="utf-8")
    if options.out:
        options.out.write_text(json.dumps(digests, indent=0), encoding="utf-8")
    if options.against is None:
        print(f"{len(digests)} programs")
        return 0
    before = json.loads(options.against.read_text(encoding="utf-8"))
    changed = [name for name in digests.keys() & before.keys() if digests[name] != before[name]]
    unmatched = sorted(digests.keys() ^ before.keys())
    for name in sorted(changed):
        parts = [key for key in digests[name] if digests[name][key] != before[name].get(key)]
        print(f"{name}: {', '.join(parts) or 'stages'}")
    print(f"{len(digests)} programs, {len(changed)} changed, {len(unmatched)} only in one of the runs")
    return int(bool(changed or unmatched))


if __name__ == "__main__":
    sys.exit(main())
