"""Loops -> LLVM: `kernel/` emits a program with the builder of `llvm/`, calling `maths/` and `routines/`."""

from diffc.emit.kernel.lowering import lower_to_llvm as lower_to_llvm
