"""Hand-written kernels in LLVM text, and the programs that the pipeline would make of them."""

from __future__ import annotations

import numpy as np

from diffc.abi.entry import emit_entry
from diffc.ir import dim_symbols, flat_tree, parse_extent, parse_type
from diffc.runtime import CompiledProgram, NamedType, Signature
from diffc.runtime.code.machine import compile_text

HEAD = (
    "define i64 @diffc_kernel(ptr noalias %args, ptr noalias %dims, ptr noalias %work) nounwind {\nentry:\n"
)


def pointers(count):
    """LLVM lines that load the data pointers %p0, %p1..."""
    lines = []
    for position in range(count):
        lines.append(f"  %q{position} = getelementptr ptr, ptr %args, i64 {position}")
        lines.append(f"  %p{position} = load ptr, ptr %q{position}")
    return "\n".join(lines) + "\n"


SCALARS = (
    HEAD
    + pointers(4)
    + """  %a = load double, ptr %p0
  %b = load double, ptr %p1
  %c = load double, ptr %p2
  %s = fadd double %a, %b
  %m = fmul double %s, %c
  %r = fmul double %m, %m
  store double %r, ptr %p3
  ret i64 0
}
"""
)
"""((a + b) * c)**2"""

TWICE = (
    HEAD
    + pointers(2)
    + """  %n = load i64, ptr %dims
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %loop, label %end
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %x = getelementptr double, ptr %p0, i64 %i
  %y = getelementptr double, ptr %p1, i64 %i
  %v = load double, ptr %x
  %w = fmul double %v, 2.0
  store double %w, ptr %y
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %n
  br i1 %more, label %loop, label %end
end:
  ret i64 0
}
"""
)
"""y = 2*x over N."""

TAKE = (
    HEAD
    + pointers(4)
    + """  %n = load i64, ptr %dims
  %i = load i64, ptr %p1
  %ok = icmp ult i64 %i, %n
  br i1 %ok, label %in, label %out
in:
  %x = getelementptr double, ptr %p0, i64 %i
  %v = load double, ptr %x
  %c = load double, ptr %p2
  store double %v, ptr %work, align 64
  %w = load double, ptr %work, align 64
  %r = fmul double %w, %c
  store double %r, ptr %p3
  ret i64 0
out:
  ret i64 1
}
"""
)
"""x[i] * constant, through the workspace, with a run-time check."""

NOTHING = HEAD + "  ret i64 0\n}\n"


def make_program(text, inputs, outputs, tree=None, workspace="0", constants=(), name="f", **fields):
    """A program as the pipeline would make it: the kernel's module with the call entry added."""
    kinds = [parse_type(kind) for kind in (*inputs.values(), *outputs.values())]
    symbols = tuple(dict.fromkeys(s for kind in kinds for extent in kind.shape for s in dim_symbols(extent)))
    signature = Signature(
        name,
        tuple(NamedType(label, parse_type(kind)) for label, kind in inputs.items()),
        tuple(NamedType(label, parse_type(kind)) for label, kind in outputs.items()),
        flat_tree(len(outputs)) if tree is None else tree,
        symbols,
        parse_extent(workspace),
        **fields,
    )
    entry = emit_entry(
        [each.type for each in signature.inputs],
        [each.type for each in signature.outputs],
        signature.tree,
        signature.bindings,
        signature.workspace,
        len(constants),
    )
    stages = {"llvm": text, "source": f"def {name}(): ...\n", "ir": "graph"}
    return CompiledProgram(signature, compile_text(text + entry), tuple(constants), stages, {"flops": 3})


def scalars_program():
    return make_program(SCALARS, {"a": "f64", "b": "f64", "c": "f64"}, {"y": "f64"})


def twice_program():
    return make_program(TWICE, {"x": "f64[N]"}, {"y": "f64[N]"})


def take_program():
    return make_program(
        TAKE,
        {"x": "f64[N]", "i": "i64"},
        {"y": "f64"},
        workspace="8*N",
        constants=[np.array(10.0)],
        checks=("take: the index i is out of range",),
    )
