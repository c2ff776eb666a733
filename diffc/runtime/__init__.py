"""Running what was compiled: machine code, kernels and their call rules, the cache, artefacts.

The last stage. It takes LLVM text and a signature and knows nothing of graphs. Importing it loads
NumPy alone; llvmlite is loaded at the first compilation or load, Numba and SciPy when they are needed.
"""

from diffc.abi.signature import NamedType as NamedType
from diffc.abi.signature import Signature as Signature
from diffc.runtime.calls.kernel import Kernel as Kernel
from diffc.runtime.store.artefact import save as save
from diffc.runtime.store.artefact import save_model as save_model
from diffc.runtime.store.built import BuiltModel as BuiltModel
from diffc.runtime.store.built import load as load
from diffc.runtime.store.cache import Cache as Cache
from diffc.runtime.store.cache import key_of as key_of
from diffc.runtime.store.program import CompiledProgram as CompiledProgram
