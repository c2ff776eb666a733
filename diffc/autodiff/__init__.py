"""Graph -> graph of derivatives: forward mode, reverse mode and their compositions, to any order.

`forward` and `reverse` apply the derivative facets of the operations; `batching` maps a graph over
a new axis; `transforms` builds from these what users call: gradients, Jacobians, Hessians.
"""

from diffc.autodiff.residuals import fwd_and_bwd as fwd_and_bwd
from diffc.autodiff.transforms import derivative as derivative
from diffc.autodiff.transforms import grad as grad
from diffc.autodiff.transforms import hessian as hessian
from diffc.autodiff.transforms import hvp as hvp
from diffc.autodiff.transforms import jacobian as jacobian
from diffc.autodiff.transforms import jvp as jvp
from diffc.autodiff.transforms import value_and_grad as value_and_grad
from diffc.autodiff.transforms import vjp as vjp
from diffc.autodiff.transforms import vmap as vmap
