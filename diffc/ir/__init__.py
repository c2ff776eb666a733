"""What a program is: types with symbolic extents, interned nodes, graphs and their checker."""

from diffc.ir.checker import check as check
from diffc.ir.dim import Dim as Dim
from diffc.ir.dim import Extent as Extent
from diffc.ir.dim import dim_symbols as dim_symbols
from diffc.ir.dim import evaluate_extent as evaluate_extent
from diffc.ir.dim import linear_form as linear_form
from diffc.ir.dim import parse_extent as parse_extent
from diffc.ir.dim import size_of as size_of
from diffc.ir.dim import substitute_extent as substitute_extent
from diffc.ir.graph import Graph as Graph
from diffc.ir.graph import Tree as Tree
from diffc.ir.graph import flat_tree as flat_tree
from diffc.ir.graph import substitute as substitute
from diffc.ir.graph import tree_leaves as tree_leaves
from diffc.ir.node import Node as Node
from diffc.ir.node import Operation as Operation
from diffc.ir.node import topological as topological
from diffc.ir.types import AnyType as AnyType
from diffc.ir.types import TupleType as TupleType
from diffc.ir.types import Type as Type
from diffc.ir.types import broadcast_shapes as broadcast_shapes
from diffc.ir.types import parse_type as parse_type
from diffc.ir.types import promote as promote
