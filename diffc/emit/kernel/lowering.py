"""Loops -> LLVM: explicit vectors along innermost loops, scalar code elsewhere.

The kernel is two functions: `diffc_kernel` unpacks the arrays of pointers and extents, `body` computes.
Only a parameter can tell LLVM that memory does not overlap (`noalias`), hence the second function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from diffc.emit.kernel.extents import Extents
from diffc.emit.kernel.nests import Nests
from diffc.emit.llvm.emitter import Module, Parameter
from diffc.ir import Extent, checked_loops
from diffc.loops.collapse import collapsed
from diffc.loops.form import (
    Accumulate,
    Block,
    Buffer,
    Check,
    Compute,
    DimValue,
    IndexValue,
    Load,
    Loop,
    Loops,
    MatMul,
    Matrix,
    NestCall,
    Part,
    Routine,
    Store,
    flattened,
    strides_of,
    walk,
)
from diffc.loops.jam import jammed
from diffc.loops.outline import outlined
from diffc.loops.widen import widened

__all__ = ["lower_to_llvm"]

INLINE_MATHS_LIMIT = 64
"""With more calls of maths functions than this they stay functions: code size and compile time."""


def lower_to_llvm(loops: Loops, vector_bytes: int, streams: Collection[int] = ()) -> str:
    """Return a program's LLVM module.

    Args:
        loops: the program.
        vector_bytes: the bytes of a vector: 64 for AVX-512, 32 for AVX2.
        streams: the positions of outputs that go past the caches; they begin at multiples of `vector_bytes`.
    """
    flats: dict[Buffer, Buffer] = {}
    registers = 32 if vector_bytes == 64 else 16
    body = checked_loops(loops, collapsed(loops.body, flats), "collapse")
    body = checked_loops(loops, jammed(body, registers), "jam")
    body = checked_loops(loops, widened(body, registers), "widen")
    body = checked_loops(loops, outlined(body), "outline")
    inline = _calls_of_maths(body) <= INLINE_MATHS_LIMIT
    streamed = _written_once(loops, streams)
    module = Module(inline_maths=inline, vector_bytes=vector_bytes, streamed=streamed)
    attributes = (
        f'nounwind "min-legal-vector-width"="{vector_bytes * 8}" "prefer-vector-width"="{vector_bytes * 8}"'
    )
    _kernel(module, loops, attributes)
    _body(module, loops, body, flats, vector_bytes, attributes)
    return module.text()


def _written_once(loops: Loops, positions: Collection[int]) -> set[Buffer]:
    """Return those outputs at some positions that hold numbers and are not read again."""
    found = {
        each for each in loops.outputs if each.position in positions and each.type.dtype in ("f64", "f32")
    }
    read: set[Buffer] = set()
    for item, _ in walk(loops.body):
        match item:
            case Load():
                read.add(item.buffer.root)
            case Store() if item.accumulate is not None:
                read.add(item.buffer.root)
            case MatMul():
                read.update(matrix.buffer.root for matrix in (item.out, item.a, item.b))
            case Routine():
                read.update(part.buffer.root for part in item.parts)
            case _:
                pass
    return found - read


def _calls_of_maths(body: Block) -> int:
    """Return how often the code of a program calls maths functions; that of a nest stands there once."""
    nests = dict.fromkeys(item.nest for item in body if isinstance(item, NestCall))
    code = [*body, *(nest.loop for nest in nests)]
    return sum(isinstance(item, Compute) and item.op.is_function for item, _ in walk(code))


def _arrays(loops: Loops) -> list[Buffer]:
    return [*loops.inputs, *loops.constants, *loops.outputs]


def _kernel(module: Module, loops: Loops, attributes: str) -> None:
    parameters = [Parameter(name, "ptr") for name in ("args", "dims", "work")]
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
    body: Block,
    flats: Mapping[Buffer, Buffer],
    vector_bytes: int,
    attributes: str,
) -> None:
    arrays = _arrays(loops)
    parameters = [
        Parameter(
            f"a{k}", "ptr", attributes="noalias nocapture" + (" readonly" if b.role != "output" else "")
        )
        for k, b in enumerate(arrays)
    ]
    parameters += [Parameter(f"n{k}", "i64") for k in range(len(loops.graph.symbols))]
    parameters.append(Parameter("work", "ptr", attributes="noalias nocapture"))
    e = module.function(
        "body", parameters, ("i64", 1), attributes=f"{attributes} noinline", linkage="internal"
    )
    symbols = dict(zip(loops.graph.symbols, e.arguments[len(arrays) :], strict=False))
    extents = Extents(e, symbols)
    for extent in (*(buffer.offset for buffer in loops.work), *_extents(body)):
        extents.prepare(extent)
    pointers = dict(zip(arrays, e.arguments, strict=False))
    for buffer in loops.work:
        pointers[buffer] = e.gep(e.arguments[-1], "i8", extents(buffer.offset))
    for alias in (*loops.aliases, *flats.values()):
        pointers[alias] = pointers[alias.root]
    Nests(e, extents, pointers, body, vector_bytes).block(body)
    e.ret(e.constant("i64", 0))


def _extents(body: Block) -> Iterator[Extent]:
    """Yield every extent that the code of a block asks for."""
    for item, _ in walk(body):
        match item:
            case Loop():
                yield item.axis.extent
            case Load() | Store():
                flat = flattened(item.index, item.buffer.type.shape)
                yield flat.constant
                yield from (factor for _, factor in flat.terms)
                yield from _dynamic_strides(item)
            case IndexValue():
                yield item.affine.constant
                yield from (factor for _, factor in item.affine.terms)
            case DimValue() | Check():
                yield item.extent
            case MatMul():
                yield from (item.rows, item.columns, item.inner)
                for matrix in (item.out, item.a, item.b):
                    yield matrix.leading
                    yield from _start(matrix)
            case Routine():
                yield from item.sizes
                for part in item.parts:
                    yield from _start(part)
            case Compute() | Accumulate() | NestCall():
                pass


def _start(part: Matrix | Part) -> Iterator[Extent]:
    """Yield what the place at which a part of a buffer begins is computed from."""
    yield part.offset.constant
    yield from (factor for _, factor in part.offset.terms)


def _dynamic_strides(item: Load | Store) -> Iterator[Extent]:
    """Yield the stride that multiplies a computed index."""
    for at, stride in zip(item.index, strides_of(item.buffer.type.shape), strict=True):
        if at.dynamic is not None:
            yield stride
