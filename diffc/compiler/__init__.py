"""The compiler: every stage between a graph and its kernel, in order.

    formula, SymPy, model file --frontends--> Graph
    Graph --optimize before--> --autodiff--> Graph of derivatives --optimize after--> Graph
    Graph --expand, schedule--> Loops --emit--> LLVM --runtime--> Kernel

Between all steps graphs and loops are checked where the environment has `DIFFC_CHECK=1`, as in the tests.
Every stage's text can be read later: it is made when it is asked for.
"""

from diffc.compiler.compilation import Compilation as Compilation
from diffc.compiler.compilation import compile_graph as compile_graph
from diffc.compiler.derivation import differentiate as differentiate
from diffc.compiler.derivation import optimized_before as optimized_before
from diffc.compiler.derivation import proof_stages as proof_stages
from diffc.compiler.derivation import without_collector as without_collector
from diffc.compiler.options import Options as Options
from diffc.compiler.stages import Stages as Stages
from diffc.compiler.stages import host_target as host_target
