"""A program through the compiler: traced, transformed and compiled as its options say."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import diffc as dc
from diffc.compiler import stages
from diffc.loops.target import Target
from tests.fuzz.program import Program

__all__ = ["compiled", "traced", "transformed"]


def traced(program: Program) -> dc.Function:
    """Return the program's function traced: with its symbols, or with the types of a call of it."""
    main = program.sizes[0]
    fixed = not program.options.traced
    return dc.trace(program.function(), *(each.type(main if fixed else {}) for each in program.arguments))


def compiled(program: Program, function: dc.Function) -> Callable[..., Any]:
    """Return what is called: a kernel of the traced function, or a transform of the plain one."""
    options = program.options
    if not options.traced:
        return transformed(program, program.function(), dc.jit)
    f = transformed(program, function, lambda f: f)
    with _vectors(options.vector):
        return dc.compile(
            f,
            math=options.math,  # pyright: ignore[reportArgumentType]
            parallel=options.parallel,
            cache=False,
            lowering=options.lowering,  # pyright: ignore[reportArgumentType]
        )


def transformed(program: Program, f: Any, plain: Callable[[Any], Any]) -> Any:
    """Return the transform that the options name; `plain` makes what the program itself is called as."""
    options, wrt = program.options, program.wrt
    match options.transform:
        case "value":
            return plain(f)
        case "vmap":
            return dc.vmap(f, size=options.batch)
        case "vmap_of_grad":
            return dc.vmap(dc.grad(f, wrt), size=options.batch)
        case name:
            return getattr(dc, name)(f, wrt)


@contextmanager
def _vectors(size: int) -> Generator[None]:
    """Make code for vectors of so many bytes; for the machine's own where that is 0."""
    if not size:
        yield
        return
    with mock.patch.object(stages, "host_target", return_value=Target(size, 32 if size == 64 else 16)):
        yield
