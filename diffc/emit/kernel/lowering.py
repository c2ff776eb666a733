"""Loops -> LLVM: explicit vectors along innermost loops, scalar code elsewhere.

The kernel is two functions: `diffc_kernel` unpacks the arrays of pointers and extents, `body` computes.
Only a parameter can tell LLVM that memory does not overlap (`noalias`), hence the second function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from diffc.emit.kernel.extents import Extents
from diffc.emit.kernel.nests import LoopEmitter
from diffc.emit.llvm.emitter import Formal, Module
from diffc.ir import Extent
from diffc.loops.form import Block, Loop, Loops, OutlinedCall
from diffc.loops.places import Buffer
from diffc.loops.statements import Compute, Store
from diffc.loops.target import Target
from diffc.loops.walk import touched, walk

__all__ = ["lower_to_llvm"]

INLINE_MATHS_LIMIT = 64
"""With more calls of maths functions than this they stay functions: code size and compile time."""


def lower_to_llvm(loops: Loops, target: Target, streams: Collection[int] = ()) -> str:
    """Return a program's LLVM module.

    Args:
        loops: the program, behind all passes.
        target: the machine that code is made for.
        streams: the positions of outputs that are written by non-temporal stores; they begin at multiples of
            a vector's bytes.
    """
    inline = _calls_of_maths(loops.body) <= INLINE_MATHS_LIMIT
    module = Module(inline_maths=inline, target=target, streamed=_stored_once(loops, streams))
    bits = target.vector_bytes * 8
    attributes = f'nounwind "min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}"'
    _kernel(module, loops, attributes)
    _body(module, loops, attributes)
    return module.text()


def _stored_once(loops: Loops, positions: Collection[int]) -> set[Buffer]:
    """Return those outputs at some positions that hold numbers, no routine writes and nothing reads again."""
    found = {
        each for each in loops.outputs if each.position in positions and each.type.dtype in ("f64", "f32")
    }
    others: set[Buffer] = set()
    for item, _ in walk(loops.body):
        if isinstance(item, Store | OutlinedCall):
            others.update(region.buffer.root for region in item.reads)
        else:
            others.update(touched(item))
    return found - others


def _calls_of_maths(body: Block) -> int:
    """Return how often the code of a program calls maths functions; that of a nest stands there once."""
    nests = dict.fromkeys(item.nest for item in body if isinstance(item, OutlinedCall))
    code = [*body, *(nest.loop for nest in nests)]
    return sum(isinstance(item, Compute) and item.op.is_function for item, _ in walk(code))


def _arrays(loops: Loops) -> list[Buffer]:
    return [*loops.inputs, *loops.constants, *loops.outputs]


def _kernel(module: Module, loops: Loops, attributes: str) -> None:
    parameters = [Formal(name, "ptr") for name in ("args", "dims", "work")]
    e = module.function("diffc_kernel", parameters, ("i64", 1), attributes=attributes)
    args, dims, work = e.arguments
    arrays = [e.load(e.gep(args, "ptr", e.constant("i64", k)), "ptr") for k in range(len(_arrays(loops)))]
    symbols = [
        e.load(e.gep(dims, "i64", e.constant("i64", k)), "i64") for k in range(len(loops.graph.symbols))
    ]
    status = e.call("body", "i64", 1, *arrays, *symbols, work)
    if module.streamed:
        e.fence()
    e.ret(status)


def _body(
    module: Module,
    loops: Loops,
    attributes: str,
) -> None:
    arrays = _arrays(loops)
    parameters = [
        Formal(f"a{k}", "ptr", attributes="noalias nocapture" + (" readonly" if b.role != "output" else ""))
        for k, b in enumerate(arrays)
    ]
    parameters += [Formal(f"n{k}", "i64") for k in range(len(loops.graph.symbols))]
    parameters.append(Formal("work", "ptr", attributes="noalias nocapture"))
    e = module.function(
        "body", parameters, ("i64", 1), attributes=f"{attributes} noinline", linkage="internal"
    )
    symbols = dict(zip(loops.graph.symbols, e.arguments[len(arrays) :], strict=False))
    extents = Extents(e, symbols)
    for extent in (*(buffer.offset for buffer in loops.work), *_extents(loops.body)):
        extents.prepare(extent)
    pointers = dict(zip(arrays, e.arguments, strict=False))
    for buffer in loops.work:
        pointers[buffer] = e.gep(e.arguments[-1], "i8", extents(buffer.offset))
    for alias in loops.aliases:
        pointers[alias] = pointers[alias.root]
    LoopEmitter(e, extents, pointers, loops.body).block(loops.body)
    e.ret(e.constant("i64", 0))


def _extents(body: Block) -> Iterator[Extent]:
    """Yield every extent that the code of a block asks for."""
    for item, _ in walk(body):
        if isinstance(item, Loop):
            yield item.axis.extent
        else:
            yield from item.extents
