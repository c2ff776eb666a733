"""The expression language and the IR's text form.

`parse_expression` reads a text into a flat `ParsedProgram`; `build` makes nodes of it. `print_graph` and
`read_graph` are the IR's text form, both ways. Nothing here evaluates text as Python.
"""

from diffc.syntax.building import CONSTANTS as CONSTANTS
from diffc.syntax.building import ExpressionProblem as ExpressionProblem
from diffc.syntax.building import build as build
from diffc.syntax.building import build_outputs as build_outputs
from diffc.syntax.expression import parse_expression as parse_expression
from diffc.syntax.functions import FUNCTIONS as FUNCTIONS
from diffc.syntax.printer import print_graph as print_graph
from diffc.syntax.program import ParsedProgram as ParsedProgram
from diffc.syntax.reader import read_graph as read_graph
