"""A program of loops as an LLVM module."""
