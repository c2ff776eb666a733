"""Running what was compiled: machine code, kernels and their call rules, the cache, artefacts.

The last stage. It takes LLVM text and a signature and knows nothing of graphs. Importing it loads
NumPy alone; llvmlite is loaded at the first compilation or load, Numba and SciPy when they are needed.
"""

from diffc.runtime.artefact import save as save
from diffc.runtime.artefact import save_model as save_model
from diffc.runtime.built import BuiltModel as BuiltModel
from diffc.runtime.built import load as load
from diffc.runtime.cache import Cache as Cache
from diffc.runtime.cache import key_of as key_of
from diffc.runtime.kernel import Kernel as Kernel
from diffc.runtime.program import Program as Program
from diffc.runtime.signature import Parameter as Parameter
from diffc.runtime.signature import Signature as Signature
