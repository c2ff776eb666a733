"""`diffc derive`: the derivatives of a formula as formulas, code and numbers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from diffc.cli.derivatives import Derivative, derivatives_of
from diffc.cli.output import indented, print_json, print_text, shown
from diffc.cli.values import Value, names_of, read_assignments, read_types
from diffc.compiler import Stages
from diffc.errors import DiffcError
from diffc.functions.function import Function, compile, parse
from diffc.syntax.formula_printer import Formulas, formulas_of

__all__ = ["add", "run"]

_MAX_ORDER = 20
_MAX_TEXT = 500


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "derive",
        help="differentiate a formula: formulas, code and values",
        description="Print a formula's derivatives as formulas, the generated code, and values at a point.",
        epilog='example: diffc derive "((a+b)*c)**2" --wrt a b --at a=1 b=2 c=2\n'
        '         diffc derive "sum(exp(-k*x**2))" --inputs k:f64 x:f64[N] --at k=1 x=[0,0.5,1]',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("formula", metavar="FORMULA", help="such as '((a+b)*c)**2'; the names are its inputs")
    parser.add_argument("--inputs", nargs="+", metavar="NAME:TYPE", help="types; by default each name is f64")
    parser.add_argument("--wrt", nargs="+", metavar="NAME", help="differentiate by these; default: by all")
    parser.add_argument("--order", type=int, default=1, metavar="N", help="all derivatives up to this order")
    parser.add_argument("--hessian", action="store_true", help="order 2, its values as a matrix")
    parser.add_argument("--at", nargs="+", metavar="NAME=VALUE", help="a point: a=1 x=[1,2.5]")
    parser.add_argument("--math", choices=("precise", "fast"), default="precise")
    parser.add_argument("--no-cache", action="store_true", help="compile anew and keep nothing on disk")
    parser.add_argument("--json", action="store_true", help="print JSON: formulas, code and values")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the derivatives."""
    formula = arguments.formula.strip()
    f = parse(formula, read_types(arguments.inputs))
    order = max(arguments.order, 2) if arguments.hessian else arguments.order
    if not 0 <= order <= _MAX_ORDER:
        raise DiffcError(f"--order is an integer from 0 to {_MAX_ORDER}, not {order}")
    point = None if arguments.at is None else read_assignments(arguments.at, "--at")
    wrt = _chosen(f, names_of(arguments.wrt))
    found, program = derivatives_of(f, wrt, order)
    kernel = compile(program, math=arguments.math, cache=not arguments.no_cache)
    formulas = formulas_of(cast(Stages, kernel.stages).optimized())
    values = None if point is None else _values(kernel, found, point)
    hessian = _hessian(found, wrt, values) if arguments.hessian and len(f.outputs) == 1 else None
    if arguments.json:
        print_json(_report(formula, f, (wrt, order), (found, formulas), kernel.source, point, values))
    else:
        print_text(_page(formula, f, found, formulas))
        print_text(f"\ncode\n\n{indented(kernel.source)}")
        if point is not None and values is not None:
            print_text("\n" + _at(point, found, values, hessian))
    return 0


def _chosen(f: Function, wrt: list[str]) -> list[str]:
    for name in wrt:
        f.graph.input(name)
    chosen = wrt or [name for name, kind in f.inputs.items() if kind.is_float]
    if not chosen:
        raise DiffcError("the formula has no f64 or f32 input to differentiate by")
    return list(dict.fromkeys(chosen))


def _values(kernel: Any, found: Sequence[Derivative], point: Mapping[str, Value]) -> list[Any]:
    """Return the outputs' values at the point, in order."""
    from diffc.runtime.calls.inputs import arrange

    results = kernel(*arrange(kernel.signature, (), point))
    return list(results) if len(found) > 1 else [results]


def _hessian(found: Sequence[Derivative], wrt: Sequence[str], values: Sequence[Any] | None) -> Any:
    """Return the matrix of second derivatives by scalars, None where there is none."""
    if values is None:
        return None
    seconds = {each.wrt: value for each, value in zip(found, values, strict=True) if len(each.wrt) == 2}
    if any(np.ndim(value) for value in seconds.values()):
        return None
    rows = [[seconds[a, b] if (a, b) in seconds else seconds[b, a] for b in wrt] for a in wrt]
    return np.array(rows)


def _page(text: str, f: Function, found: Sequence[Derivative], formulas: Formulas) -> str:
    inputs = ", ".join(f.inputs)
    scalar = all(kind.rank == 0 and kind.dtype == "f64" for kind in f.inputs.values())
    typed = "" if scalar else "  with " + ", ".join(f"{name}: {kind}" for name, kind in f.inputs.items())
    formula = " ".join(text.split())
    formula = formula if len(formula) <= _MAX_TEXT else formula[:_MAX_TEXT] + " ..."
    lines = [f"{found[0].output if len(f.outputs) == 1 else f.name}({inputs}) = {formula}{typed}", ""]
    lines += [f"  {label} = {formula}" for label, formula in formulas.statements]
    rows = [(each, formula) for each, formula in zip(found, formulas.outputs, strict=True) if each.wrt]
    width = max((len(each.label) for each, _ in rows), default=0)
    for each, formula in rows:
        kind = "" if each.node.rank == 0 else f"  : {each.node.type}"
        lines.append(f"  {each.label:<{width}} = {formula}{kind}")
    return "\n".join(lines)


def _at(point: Mapping[str, Value], found: Sequence[Derivative], values: Sequence[Any], hessian: Any) -> str:
    lines = ["at " + ", ".join(f"{name} = {shown(value)}" for name, value in point.items()), ""]
    rows = [pair for pair in zip(found, values, strict=True) if hessian is None or len(pair[0].wrt) != 2]
    width = max(len(each.label) for each, _ in rows)
    for each, value in rows:
        first, *rest = shown(value).split("\n")
        lines.append(f"  {each.label:<{width}} = {first}")
        lines += [" " * (width + 5) + line for line in rest]
    if hessian is not None:
        lines += ["", "Hessian", "", indented(shown(hessian))]
    return "\n".join(lines)


def _report(
    text: str,
    f: Function,
    request: tuple[Sequence[str], int],
    result: tuple[Sequence[Derivative], Formulas],
    source: str,
    point: Mapping[str, Value] | None,
    values: Sequence[Any] | None,
) -> dict[str, Any]:
    wrt, order = request
    found, formulas = result
    outputs = [
        {
            "label": each.label,
            "name": each.name,
            "output": each.output,
            "wrt": list(each.wrt),
            "type": str(each.node.type),
            "formula": formula,
            "value": None if values is None else values[k],
        }
        for k, (each, formula) in enumerate(zip(found, formulas.outputs, strict=True))
    ]
    return {
        "command": "derive",
        "formula": text,
        "inputs": {name: str(kind) for name, kind in f.inputs.items()},
        "wrt": list(wrt),
        "order": order,
        "statements": [list(each) for each in formulas.statements],
        "outputs": outputs,
        "source": source,
        "at": point,
    }
