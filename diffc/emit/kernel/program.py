"""A program of loops as the functions of a module: explicit vectors along innermost loops, scalars elsewhere.

The kernel is two functions: `diffc_kernel` unpacks the arrays of pointers and extents, `body` computes.
Only a parameter can tell a compiler that memory does not overlap (`noalias`), hence the second function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from diffc.emit.interface import Formal, Module
from diffc.emit.kernel.extents import Extents
from diffc.emit.kernel.loops import LoopEmitter
from diffc.ir import Extent
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import Buffer
from diffc.loops.walk import walk

__all__ = ["emit_program"]


def emit_program(module: Module, loops: Loops, non_temporal: Collection[Buffer] = ()) -> None:
    """Emit a program, behind all passes, into an empty module.

    What is written to a `non_temporal` buffer is written by non-temporal stores.
    """
    _kernel(module, loops, fenced=bool(non_temporal))
    _body(module, loops, non_temporal)


def _arrays(loops: Loops) -> list[Buffer]:
    return [*loops.inputs, *loops.constants, *loops.outputs]


def _kernel(module: Module, loops: Loops, fenced: bool) -> None:
    parameters = [Formal(name, "ptr") for name in ("args", "dims", "work")]
    e = module.function("diffc_kernel", parameters, ("i64", 1))
    args, dims, work = e.arguments
    arrays = [e.load(e.gep(args, "ptr", e.constant("i64", k)), "ptr") for k in range(len(_arrays(loops)))]
    symbols = [
        e.load(e.gep(dims, "i64", e.constant("i64", k)), "i64") for k in range(len(loops.graph.symbols))
    ]
    status = e.call("body", "i64", 1, *arrays, *symbols, work)
    if fenced:
        e.fence()
    e.ret(status)


def _body(module: Module, loops: Loops, non_temporal: Collection[Buffer]) -> None:
    arrays = _arrays(loops)
    parameters = [
        Formal(f"a{k}", "ptr", attributes="noalias nocapture" + (" readonly" if b.role != "output" else ""))
        for k, b in enumerate(arrays)
    ]
    parameters += [Formal(f"n{k}", "i64") for k in range(len(loops.graph.symbols))]
    parameters.append(Formal("work", "ptr", attributes="noalias nocapture"))
    e = module.function("body", parameters, ("i64", 1), exported=False)
    symbols = dict(zip(loops.graph.symbols, e.arguments[len(arrays) :], strict=False))
    extents = Extents(e, symbols)
    for extent in (*(buffer.offset for buffer in loops.work), *_extents(loops.body)):
        extents.prepare(extent)
    pointers = dict(zip(arrays, e.arguments, strict=False))
    for buffer in loops.work:
        pointers[buffer] = e.gep(e.arguments[-1], "i8", extents(buffer.offset))
    for alias in loops.aliases:
        pointers[alias] = pointers[alias.root]
    LoopEmitter(e, extents, pointers, loops.body, non_temporal).block(loops.body)
    e.ret(e.constant("i64", 0))


def _extents(body: Block) -> Iterator[Extent]:
    """Yield every extent that the code of a block asks for."""
    for item, _ in walk(body):
        if isinstance(item, Loop):
            yield item.axis.extent
        else:
            yield from item.extents
