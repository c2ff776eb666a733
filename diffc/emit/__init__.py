"""Loops -> code: `kernel/`, `routines/` and `maths/` emit through the `interface` that `llvm/` implements."""

from diffc.emit.lowering import lower_to_llvm as lower_to_llvm
