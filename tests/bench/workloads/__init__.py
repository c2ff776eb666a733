"""The workloads of the comparison: one file each.

A workload has `inputs(scale)`, a dict of arrays, and one function a tool, named as the tool, that takes them
and returns a call without arguments. The call computes the value and the derivatives and returns them as a
flat list, the same for every tool. `primal` is diffc's value alone; `floor` does, as fast as can be, what no
tool can leave out. Each runs in a process of its own, so that what a tool imports counts as its own.
"""

WORKLOADS = ("scalar", "arm", "mlp", "mlp32", "small", "pinn", "gmm")
TOOLS = ("diffc", "jax", "torch", "casadi", "autograd", "lambdify", "numba")
PACKAGES = {"lambdify": "sympy", "numba": "numba"}
"""What must be installed for a tool whose package has another name."""
EXTRA = ("primal", "floor", "parallel", "reused", "parallel_reused")
"""What is measured besides the tools: `parallel` on all cores, `reused` into an earlier call's results."""
