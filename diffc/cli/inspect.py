"""`diffc inspect`: what a program is at any stage of its compilation."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from diffc import compiler
from diffc.cli.output import print_json, print_text
from diffc.cli.target import add_options, model_of
from diffc.errors import DiffcError
from diffc.functions.function import Function
from diffc.model import Model
from diffc.runtime import BuiltModel, Kernel, load

__all__ = ["add", "run"]

_STAGES = ("ir", "derivative", "optimized", "expanded", "loops", "source", "llvm", "asm")
_HELP = """\
stages:
  ir          the function as it was given
  derivative  its derivative, before the optimiser
  optimized   after the optimiser
  expanded    composite operations taken apart and axes laid out, as it is scheduled
  loops       the loops whose code is made: buffers, workspace, statements
  source      the kernel as Python source
  llvm        the module that is compiled
  asm         the machine code, as text

or a pass, for the program behind it; in order:
  {passes}

example: diffc inspect surface.toml --stage llvm --of gradient
         diffc inspect "log(1 + exp(x))" --stage optimized --of hessian
         diffc inspect "sum(tanh(x))" --stage loops --without collapse outline
"""


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "inspect",
        help="show any stage of a compilation",
        description="Print one stage of a function's compilation, or a summary of them all.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", metavar="MODEL.toml|FORMULA|DIR", help="a model file, a formula, a built model"
    )
    parser.add_argument("--stage", metavar="NAME", help="one of the stages below; default: a summary")
    parser.add_argument("--of", metavar="NAME", help="of which function; default: the first derivative")
    parser.add_argument("--without", metavar="PASS", nargs="+", default=[], help="passes to leave out")
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON: the stage's text, or the summary")
    parser.set_defaults(run=run)
    parser.late_epilog = lambda: _HELP.format(passes=_wrapped(_passes()))


def run(arguments: argparse.Namespace) -> int:
    """Print the stage or the summary."""
    stage = cast("str | None", arguments.stage)
    passes = _passes() if stage is not None and stage not in _STAGES else []
    if stage is not None and stage not in (*_STAGES, *passes):
        raise DiffcError(
            f"there is no stage {stage!r}; the stages are {', '.join(_STAGES)}, "
            f"and the passes {', '.join(passes)}"
        )
    built = os.path.isdir(arguments.target)
    names, name, stages, stats, behind = (_of_folder if built else _of_model)(arguments)
    if stage is not None:
        text = behind(stage) if stage in passes else _text(stages, stage, name)
        if arguments.json:
            print_json({"command": "inspect", "function": name, "stage": stage, "text": text})
        else:
            print_text(text.rstrip("\n"))
        return 0
    sizes = {each: (make().count("\n") + 1, len(make().encode())) for each, make in stages.items()}
    if arguments.json:
        table = {each: {"lines": lines, "bytes": size} for each, (lines, size) in sizes.items()}
        print_json(
            {
                "command": "inspect",
                "functions": names,
                "function": name,
                "stages": table,
                "stats": dict(stats()),
            }
        )
        return 0
    lines = [f"functions: {', '.join(names)}", "", f"{name}", ""]
    lines += [f"  {each:<11} {count:>6} lines {size:>9,} bytes" for each, (count, size) in sizes.items()]
    lines += ["", *(f"  {key:<16} {_shown(value)}" for key, value in stats().items())]
    print_text("\n".join(lines))
    return 0


_Texts = dict[str, Callable[[], str]]
_Found = tuple[list[str], str, _Texts, Callable[[], Mapping[str, Any]], Callable[[str], str]]


def _text(stages: _Texts, stage: str, name: str) -> str:
    if stage not in stages:
        raise DiffcError(f"{name} has no stage {stage!r}; it has {', '.join(stages)}")
    return stages[stage]()


def _of_model(arguments: argparse.Namespace) -> _Found:
    model = model_of(arguments.target, arguments)
    name = arguments.of or next(iter(model.derived), model.main)
    function = model[name]
    without = tuple(cast("list[str]", arguments.without))
    options = _options(model, function, without)
    stages = compiler.Stages(function.graph, options)
    texts: _Texts = {"ir": lambda: str(model.primal(name))}
    if name in model.derived:
        texts["derivative"] = lambda: str(function)
    for each in ("optimized", "expanded", "loops", "source", "llvm"):
        texts[each] = lambda each=each: stages[each]
    texts["asm"] = lambda: _assembly(stages["llvm"])

    def stats() -> Mapping[str, Any]:
        if not without:
            return model.compile(name).stats
        return compiler.compile_graph(function.graph, options, captured=function.captured).stats

    return model.named(), name, texts, stats, stages.behind


def _options(model: Model, function: Function, without: tuple[str, ...]) -> compiler.Options:
    math = cast(Literal["precise", "fast"], model.math)
    return compiler.Options(math, derived=function.derived, without=without)


def _of_folder(arguments: argparse.Namespace) -> _Found:
    for option in ("inputs", "wrt", "math"):
        if getattr(arguments, option) is not None:
            raise DiffcError(f"--{option} is for formulas and model files, not for what is built")
    if arguments.without:
        raise DiffcError("--without is for formulas and model files, not for what is built")
    built = load(arguments.target)
    kernels: Mapping[str, Kernel] = built if isinstance(built, BuiltModel) else {built.name: built}
    name = arguments.of or (built.main if isinstance(built, BuiltModel) else built.name)
    if name not in kernels:
        raise DiffcError(f"there is no kernel {name!r} in {arguments.target}; there is {', '.join(kernels)}")
    kernel = kernels[name]
    texts: _Texts = {each: lambda each=each: kernel.stages[each] for each in _STAGES if each in kernel.stages}
    if "llvm" in texts:
        texts["asm"] = lambda: _assembly(kernel.stages["llvm"])

    def behind(stage: str) -> str:
        raise DiffcError(f"what is built has no program behind the pass {stage!r}; it has {', '.join(texts)}")

    return list(kernels), name, texts, lambda: kernel.stats, behind


def _passes() -> list[str]:
    from diffc.compiler.passes import PASSES

    return [each.name for each in PASSES]


def _wrapped(names: list[str]) -> str:
    return textwrap.fill(", ".join(names), 76, subsequent_indent="  ")


def _assembly(text: str) -> str:
    from diffc.runtime.code.machine import assembly

    return assembly(text)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {each}" for key, each in cast(Mapping[str, Any], value).items()) or "none"
    return str(value)
