"""LLVM IR as text: values, instructions, structured flow, functions and modules."""
