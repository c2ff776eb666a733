"""The text of a program of loops, as `stages` shows it."""

from __future__ import annotations

from diffc.loops.form import (
    Accumulate,
    Affine,
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
    Statement,
    Store,
    walk,
)

__all__ = ["print_loops"]


def print_loops(program: Loops) -> str:
    """Return the program's buffers and loops as text."""
    lines = [f"loops {program.graph.name}"]
    arrays = (*program.inputs, *program.constants, *program.outputs)
    lines += [f"  {buffer.role} {buffer.name}: {buffer.type}" for buffer in arrays]
    lines += [f"  {b.role} {b.name}: {b.type} at byte {b.offset}" for b in program.work]
    lines += [f"  alias {b.name}: {b.type} of {b.base.name}" for b in program.aliases if b.base is not None]
    lines += [f"  workspace {program.workspace} bytes", ""]
    for item, depth in walk(program.body):
        lines.append("  " * (depth + 1) + _line(item))
    return "\n".join(lines) + "\n"


def _line(item: Statement | Loop) -> str:
    match item:
        case Loop():
            accumulators = "".join(f", {value} = {how} identity" for value, how in item.accumulators)
            vector = " vector" if item.vector else ""
            return f"for {item.axis} in {item.axis.extent} ({item.kind}{vector}{accumulators})"
        case Compute():
            return f"{item.value} = {item.op.name} {', '.join(map(str, item.operands))}"
        case Load():
            return f"{item.value} = {_place(item.buffer, item.index)}"
        case Store():
            sign = f"{item.accumulate} =" if item.accumulate else "="
            return f"{_place(item.buffer, item.index)} {sign} {item.value}"
        case IndexValue():
            return f"{item.value} = {item.affine}"
        case DimValue():
            return f"{item.value} = {item.extent}"
        case Check():
            return f"{item.value} = check {item.index} inside {item.extent}"
        case Accumulate():
            return f"{item.accumulator} {item.how}= {', '.join(map(str, item.operands))}"
        case MatMul():
            sizes = f"[{item.rows}, {item.inner}] @ [{item.inner}, {item.columns}]"
            return f"{_matrix(item.out)} = {_matrix(item.a)} @ {_matrix(item.b)}  # {sizes}"
        case Routine():
            inputs = ", ".join(map(_part, item.inputs))
            return f"{_part(item.out)} = {item.name}({inputs})  # sizes {', '.join(map(str, item.sizes))}"
        case NestCall():
            places = [f"{place.buffer.name} + {place.offset}" for place in item.places]
            result = "" if item.result is None else f"{item.result} = "
            return f"{result}nest {item.nest.number}({', '.join([*places, *map(str, item.values)])})"


def _place(buffer: Buffer, index: tuple[Affine, ...]) -> str:
    return f"{buffer.name}[{', '.join(map(str, index))}]"


def _part(part: Part) -> str:
    return _place(part.buffer, part.index) if part.index else part.buffer.name


def _matrix(matrix: Matrix) -> str:
    return f"{matrix.buffer.name}+{matrix.offset}{'.T' if matrix.transposed else ''}"
