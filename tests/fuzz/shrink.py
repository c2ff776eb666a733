"""Makes a failing program small: steps that keep it failing in the same way, until none does.

A step drops a line, puts a part of an expression in place of the whole, lessens an extent, or drops an
option. A step that spoils the program is no step: NumPy must still run it, and the same comparison must fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.program import OF_SCALARS, Argument, Options, Program

__all__ = ["shrink"]

_SIMPLER = {
    "vmap_of_grad": ("grad", "vmap"),
    "hvp": ("grad", "hessian"),
    "hessian": ("grad",),
    "value_and_grad": ("value", "grad"),
    "jvp": ("value", "jacobian"),
    "jacobian": ("value",),
    "vmap": ("value",),
    "grad": ("value",),
}
"""What may fail in the place of a transform."""


def shrink(program: Program, fails: Callable[[Program], bool], most: int = 250) -> Program:
    """Return a smaller program that `fails`, trying at most so many; the program itself if none does."""
    tried = {repr(program)}
    progress = True
    while progress and len(tried) < most:
        progress = False
        for smaller in _steps(program):
            if len(tried) >= most:
                break
            if repr(smaller) in tried:
                continue
            tried.add(repr(smaller))
            if fails(smaller):
                program, progress = smaller, True
                break
    return program


def _steps(program: Program) -> Iterator[Program]:
    """Yield programs that are a step smaller, those that shrink it most first."""
    yield from _fewer_sizes(program)
    yield from _plainer(program)
    yield from _fewer_lines(program)
    yield from _simpler_expressions(program)
    yield from _less_around(program)
    yield from _smaller_extents(program)


def _fewer_sizes(program: Program) -> Iterator[Program]:
    if len(program.sizes) > 1:
        yield replace(program, sizes=program.sizes[:1])
        for k in range(1, len(program.sizes)):
            if len(program.sizes) > 2:
                yield replace(program, sizes=(program.sizes[0], program.sizes[k]))


def _plainer(program: Program) -> Iterator[Program]:
    options = program.options
    for name in ("parallel", "math", "lowering", "vector", "fixed_batch"):
        plain = getattr(Options(), name)
        if getattr(options, name) != plain:
            yield replace(program, options=replace(options, **{name: plain}))
    if not options.traced:
        yield replace(program, options=replace(options, traced=True))
    for simpler in _SIMPLER.get(options.transform, ()):
        yield replace(program, options=replace(options, transform=simpler))
    if len(options.wrt) > 1:
        for k in options.wrt:
            yield replace(program, options=replace(options, wrt=(k,)))


def _fewer_lines(program: Program) -> Iterator[Program]:
    *lines, last = program.lines
    for k in range(len(lines)):  # an earlier value returned instead
        if found := re.match(r"(\w+) = ", lines[k]):
            scalar = program.options.transform in OF_SCALARS
            end = f"return np.sum({found[1]})" if scalar else f"return {found[1]}"
            yield replace(program, lines=(*lines[: k + 1], end))
    for k in range(len(lines)):
        yield replace(program, lines=(*lines[:k], *lines[k + 1 :], last))
    for k in range(len(lines)):  # a line without a name of its own
        if found := re.match(r"(\w+) = (.*)", lines[k]):
            rest = [re.sub(rf"\b{found[1]}\b", f"({found[2]})", each) for each in (*lines[k + 1 :], last)]
            if sum(found[1] in each for each in (*lines[k + 1 :], last)) == 1 and sum(map(len, rest)) < 200:
                yield replace(program, lines=tuple(map(_unparsed, (*lines[:k], *rest))))


def _simpler_expressions(program: Program) -> Iterator[Program]:
    """Yield the program with some expression replaced by a part of it."""
    for k, line in enumerate(program.lines):
        tree = ast.parse(f"def f():\n {line}")
        count = sum(isinstance(each, ast.expr) for each in ast.walk(tree))
        for at in range(count):
            for part in range(4):
                simpler = _with_part(line, at, part)
                if simpler is None:
                    break
                if len(simpler) < len(line):
                    yield replace(program, lines=(*program.lines[:k], simpler, *program.lines[k + 1 :]))


def _with_part(line: str, at: int, part: int) -> str | None:
    """Return a line with a part of its expression number `at` instead; None without that part."""
    tree = ast.parse(f"def f():\n {line}")
    whole = [each for each in ast.walk(tree) if isinstance(each, ast.expr)][at]
    if isinstance(whole, ast.Call):
        parts = [*whole.args, *(whole.func.value for _ in (1,) if isinstance(whole.func, ast.Attribute))]
    else:
        parts = [each for each in ast.iter_child_nodes(whole) if isinstance(each, ast.expr)]
    if part >= len(parts):
        return None

    class _Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return parts[part] if node is whole else self.generic_visit(node)

    return ast.unparse(_Replace().visit(tree)).partition("\n")[2].strip()


def _unparsed(line: str) -> str:
    try:
        return ast.unparse(ast.parse(f"def f():\n {line}")).partition("\n")[2].strip()
    except SyntaxError:
        return line


def _less_around(program: Program) -> Iterator[Program]:
    """Yield the program without what it does not use."""
    text = " ".join(program.lines)
    kept = tuple(each for each in program.captured if re.search(rf"\b{each[0]}\b", text))
    if kept != program.captured:
        yield replace(program, captured=kept)
    for k, each in enumerate(program.arguments):
        if (
            len(program.arguments) > 1
            and not re.search(rf"\b{each.name}\b", text)
            and k not in program.options.wrt
        ):
            wrt = tuple(w - (w > k) for w in program.options.wrt)
            rest = (*program.arguments[:k], *program.arguments[k + 1 :])
            yield replace(program, arguments=rest, options=replace(program.options, wrt=wrt))
    for k, each in enumerate(program.arguments):
        for simpler in _simpler_arguments(each):
            yield replace(program, arguments=(*program.arguments[:k], simpler, *program.arguments[k + 1 :]))
    for k, (name, value) in enumerate(program.captured):
        for pattern, plain in (
            (r"np\.repeat\((.*), 2, axis=-1\)\[\.\.\., ::2\]$", r"\1"),
            (r"np\.\w+\((np\.random.*)\)$", r"\1"),
        ):
            simpler_text = re.sub(pattern, plain, value)
            if simpler_text != value:
                yield replace(
                    program,
                    captured=(*program.captured[:k], (name, simpler_text), *program.captured[k + 1 :]),
                )


def _simpler_arguments(argument: Argument) -> Iterator[Argument]:
    if argument.layout != "C":
        yield replace(argument, layout="C")
    if argument.dtype == "f32":
        yield replace(argument, dtype="f64")
    if argument.shape:
        yield replace(argument, shape=argument.shape[1:])
        yield replace(argument, shape=argument.shape[:-1])


def _smaller_extents(program: Program) -> Iterator[Program]:
    """Yield the program with an extent lessened everywhere, or a symbol made a number."""
    present: dict[int | str, None] = {}
    for each in program.arguments:
        present.update(dict.fromkeys(each.shape))
    for extent in present:
        if isinstance(extent, str):
            smaller: list[int] = [program.sizes[-1][extent], 3]
        else:
            smaller = [n for n in (1, 2, 3, extent // 2, extent - 1) if 0 < n < extent]
        for n in dict.fromkeys(smaller):
            shape = {extent: n}
            arguments = tuple(
                replace(a, shape=tuple(shape.get(e, e) for e in a.shape)) for a in program.arguments
            )
            yield replace(program, arguments=arguments)
            if isinstance(extent, int):
                captured = tuple((name, _with_extent(text, extent, n)) for name, text in program.captured)
                yield replace(program, arguments=arguments, captured=captured)
    for k, (name, text) in enumerate(program.captured):
        for extent in dict.fromkeys(int(e) for e in re.findall(r"\d+", text.rpartition("(")[2])):
            for n in (2, 3, 17, extent // 2):
                if n < extent:
                    smaller_text = name, _with_extent(text, extent, n)
                    yield replace(
                        program, captured=(*program.captured[:k], smaller_text, *program.captured[k + 1 :])
                    )


def _with_extent(text: str, extent: int, n: int) -> str:
    """Return a captured array's text with an extent of its shape replaced."""
    head, bracket, tail = text.rpartition("(")
    return head + bracket + re.sub(rf"\b{extent}\b", str(n), tail)
