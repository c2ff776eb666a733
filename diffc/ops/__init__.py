"""What an operation means: its reference, type, derivative, SymPy form, scalar code and facts.

Every operation is in one place and registered in `REGISTRY`. Names that Python takes carry a
trailing underscore here (`sum_`, `slice_`); the IR's text uses the plain names.
"""

from diffc.ops import arithmetic as arithmetic
from diffc.ops import broadcasting as broadcasting
from diffc.ops import captured as captured
from diffc.ops import determinants as determinants
from diffc.ops import elementary as elementary
from diffc.ops import factorizations as factorizations
from diffc.ops import gamma as gamma
from diffc.ops import indexing as indexing
from diffc.ops import inverse_functions as inverse_functions
from diffc.ops import inverse_hyperbolic as inverse_hyperbolic
from diffc.ops import linalg as linalg
from diffc.ops import logic as logic
from diffc.ops import matrix_functions as matrix_functions
from diffc.ops import powers as powers
from diffc.ops import products as products
from diffc.ops import products_of_others as products_of_others
from diffc.ops import pseudoinverse as pseudoinverse
from diffc.ops import recurrence as recurrence
from diffc.ops import reductions as reductions
from diffc.ops import remainders as remainders
from diffc.ops import reshaping as reshaping
from diffc.ops import rounding as rounding
from diffc.ops import slicing as slicing
from diffc.ops import softmax as softmax
from diffc.ops import sorting as sorting
from diffc.ops import spectra as spectra
from diffc.ops.base import REGISTRY as REGISTRY
from diffc.ops.base import AxisAware as AxisAware
from diffc.ops.base import Composite as Composite
from diffc.ops.base import Leaf as Leaf
from diffc.ops.base import Linear as Linear
from diffc.ops.base import Op as Op
from diffc.ops.constant import constant as constant
from diffc.ops.constant import constant_like as constant_like
from diffc.ops.constant import dim as dim
from diffc.ops.constant import input_node as input_node
from diffc.ops.constant import iota as iota
from diffc.ops.constant import scalar_value as scalar_value
from diffc.ops.elementwise import Elementwise as Elementwise
from diffc.ops.elementwise import cast as cast
from diffc.ops.elementwise import lift as lift
from diffc.ops.interpreter import evaluate as evaluate
