"""Formulas: text in diffc's expression language becomes a Graph."""

from __future__ import annotations

from collections.abc import Mapping

from diffc.errors import DiffcError
from diffc.ir import Dim, Graph, Node, Type, parse_type, recording
from diffc.ops import dim, input_node
from diffc.syntax import CONSTANTS, FUNCTIONS, ExpressionProblem, build_outputs, parse_expression
from diffc.syntax.program import Load, ParsedProgram
from diffc.syntax.strings import is_encodable
from diffc.syntax.suggestions import instead_of_name

__all__ = ["declare", "parse", "scope_of"]


def parse(text: str, inputs: Mapping[str, str | Type] | None = None, name: str = "f") -> Graph:
    """Return the graph of a formula, or of several with commas between them.

    Args:
        text: the formula, `(a + b)*c`; `a*b, a+b` has two outputs, `[a*b, a+b]` is one vector.
        inputs: the type of each input, `{"x": "f64[N]"}`. The symbols of their shapes are names too:
            `sum(x)/N`. Without `inputs` every name is an f64 scalar, in order of appearance; `pi`, `e`,
            `inf` and `nan` are numbers unless an input bears the name.
        name: the graph's name.

    Raises:
        SyntaxProblem: for a text that is no formula, with a caret under the place.
        ExpressionProblem: the same for an unknown name or operands that do not fit.
        DiffcError: for an input's type that cannot be read.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(f"a formula is a text, not {type(text).__name__}")
    program = parse_expression(text)
    nodes = declare(_free_names(program) if inputs is None else inputs)
    with recording() as recorder:
        value = build_outputs(program, scope_of(nodes))
    arguments = tuple(nodes.values())
    assumed = recorder.requirements(name, Graph(name, arguments, ()).symbols)
    if isinstance(value, Node):
        return Graph(name, arguments, (value,), assumed=assumed)
    return Graph(name, arguments, value, tree=tuple(range(len(value))), assumed=assumed)


def _free_names(program: ParsedProgram) -> dict[str, str]:
    """Return the names that are inputs where none are declared, each a scalar."""
    # A function's name that is not called is more often a slip than an input.
    free = [name for name in program.names if name not in CONSTANTS and name not in FUNCTIONS]
    for step in program.code:
        if isinstance(step, Load) and (meant := instead_of_name(step.name)) is not None:
            problem = f"the name {step.name!r}: {meant}, or declare the inputs and their types"
            raise ExpressionProblem(problem, program.text, step.position)
    return dict.fromkeys(free, "f64")


def declare(inputs: Mapping[str, str | Type]) -> dict[str, Node]:
    """Return the input node of each name; raise `DiffcError` naming an input whose type is wrong."""
    nodes: dict[str, Node] = {}
    for name, type_ in inputs.items():
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DiffcError(f"an input's name is a text, not {name!r}")
        if not is_encodable(name):
            raise DiffcError(f"the input's name {name!r} holds half a character")
        try:
            nodes[name] = input_node(name, type_ if isinstance(type_, Type) else parse_type(type_))
        except DiffcError as problem:
            raise DiffcError(f"the input {name!r}: {problem}") from None
        except TypeError:
            raise DiffcError(f"the input {name!r}: a type is a text like 'f64[N]', not {type_!r}") from None
    return nodes


def scope_of(inputs: Mapping[str, Node]) -> dict[str, Node]:
    """Return what names mean to a formula with these inputs: them, and the symbols of their shapes."""
    symbols = Graph("", tuple(inputs.values()), ()).symbols
    return {**inputs, **{s: dim(Dim.symbol(s)) for s in symbols if s not in inputs}}
