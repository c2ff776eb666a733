"""Loops -> LLVM and Loops -> Numba source; vector maths.

`llvm` and `nests` emit the kernel through `emitter`, with the functions of `vecmath`; `entry` emits the
way in from CPython; `source` prints the same program as Python.
"""

from diffc.lower.llvm import lower_to_llvm as lower_to_llvm
from diffc.lower.source import lower_to_source as lower_to_source
