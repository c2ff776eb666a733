"""Read what `print_graph` printed: the same interned nodes, whatever the text's size or intent.

The text is read in one pass, each line once; every operation infers its type anew, and a type that the
text states differently is refused. A type or a remark may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diffc.errors import DiffcError
from diffc.ir import Adjoint, Graph, Node, Origin, Requirement, Type, parse_extent, parse_type
from diffc.ops import REGISTRY, constant, input_node
from diffc.syntax.literals import NUMBER, read_array, read_atom, read_number
from diffc.syntax.scanner import Scanner
from diffc.syntax.strings import PLAIN, STRING, print_name, read_string
from diffc.syntax.structure import read_outputs
from diffc.syntax.suggestions import nearest

__all__ = ["read_graph"]

_INDEX = re.compile(r"[0-9]{1,18}")
_LABEL = re.compile(r"@[0-9]{1,18}")
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ \t]*\[[^\]\n]*\])?")
_SHOWN_TYPE = re.compile(r"\([^#\n]*\)|[A-Za-z_][A-Za-z0-9_]*(?:[ \t]*\[[^\]\n]*\])?")
_ARRAY = re.compile(r'base64"[A-Za-z0-9+/=]*"|\[(?:(?<=nan):|[^\n#:])*\]')
_QUOTIENT = r"floor\(\(?[\w*+-]+\)?/[0-9]+\)"
_ATOM = re.compile(
    r'base64"[A-Za-z0-9+/=]*"|"(?:[^"\\\n]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*\[[^\]\n]*\]|nan:[0-9a-f]+'
    rf"|(?:{_QUOTIENT}|[\w.*+-])+"
)
_EXTENT = re.compile(rf"(?:{_QUOTIENT}|[A-Za-z0-9_*+-])+")
_REMARK = re.compile(r"#[^\n]*")


def read_graph(text: str) -> Graph:
    """Return the graph of a text, `read_graph(print_graph(g))` being `g` node for node.

    Raises:
        SyntaxProblem: with the line and a caret, for whatever is not in the form that `print_graph` gives.
    """
    scanner = Scanner(text)
    graphs: dict[str, Graph] = {}
    while True:
        scanner.skip_lines()
        start = scanner.skip()
        label = scanner.match(_LABEL)
        if label is not None:
            if label in graphs:
                raise scanner.problem(f"{label} is defined twice", start)
            scanner.expect("=")
        graph = _Block(scanner, graphs).read()
        if label is None:
            break
        graphs[label] = graph
    scanner.skip_lines()
    if scanner.skip() < len(text):
        raise scanner.problem("the text goes on after the graph's end")
    return graph


class _Block:
    """One graph of a text: its header, its lines and its `return`."""

    def __init__(self, scanner: Scanner, graphs: Mapping[str, Graph]) -> None:
        self._scanner = scanner
        self._graphs = graphs
        self._inputs: dict[str, Node] = {}
        self._nodes: dict[int, Node] = {}
        self._remarks: dict[Node, str] = {}

    def read(self) -> Graph:
        """Return the graph."""
        scanner = self._scanner
        scanner.expect("graph ")
        name = self._name()
        self._header()
        scanner.skip_lines()
        assumed: list[Requirement] = []
        while scanner.take("requires "):
            assumed.append(self._requirement())
            scanner.skip_lines()
        while not scanner.take("return"):
            self._line()
            scanner.skip_lines()
        outputs, names, tree = read_outputs(scanner, self._operand)
        inputs = tuple(self._inputs.values())
        return Graph(name, inputs, outputs, names, tree, self._provenance(), tuple(assumed))

    def _requirement(self) -> Requirement:
        scanner = self._scanner
        start = scanner.skip()
        extent = scanner.convert(parse_extent, scanner.read(_EXTENT, "a polynomial"), start)
        scanner.expect(">= 0")
        remark = scanner.match(_REMARK)
        scanner.end_line()
        return Requirement(extent, "" if remark is None else self._remark(remark))

    def _provenance(self) -> dict[Node, Origin]:
        """Return the remarks, in which an adjoint of what the text shows is one of that value."""
        shown = {f"adjoint of %{number}": node for number, node in self._nodes.items()}
        shown.update({f"adjoint of %{print_name(name)}": node for name, node in self._inputs.items()})
        found: dict[Node, Origin] = {}
        for node, text in self._remarks.items():
            of = shown.get(text)
            found[node] = text if of is None or of.anytype != node.anytype else Adjoint((of,))
        return found

    def _name(self) -> str:
        found = self._scanner.match(PLAIN)
        if found is not None:
            return found
        position = self._scanner.skip()
        return self._scanner.convert(read_string, self._scanner.read(STRING, "a name"), position)

    def _header(self) -> None:
        scanner = self._scanner
        scanner.expect("(")
        while not scanner.take(")"):
            scanner.expect("%")
            start = scanner.position
            name = self._name()
            if name in self._inputs:
                raise scanner.problem(f"two inputs are named {name!r}", start)
            scanner.expect(":")
            start = scanner.skip()
            type_ = scanner.convert(parse_type, scanner.read(_TYPE, "a type"), start)
            self._inputs[name] = input_node(name, type_)
            if not scanner.at(")"):
                scanner.expect(",")
        scanner.end_line()

    # Lines.

    def _line(self) -> None:
        scanner = self._scanner
        if not scanner.take("%"):
            raise scanner.problem("a line '%0 = op ...' or 'return ...' is expected here")
        start = scanner.position - 1
        number = int(scanner.read(_INDEX, "a node's number"))
        if number in self._nodes:
            raise scanner.problem(f"%{number} is defined twice", start)
        scanner.expect("=")
        node = self._node(start)
        self._nodes[number] = node
        remark = scanner.match(_REMARK)
        if remark is not None:
            self._remarks[node] = self._remark(remark)
        scanner.end_line()

    def _remark(self, text: str) -> str:
        text = text[1:].strip()
        if not STRING.fullmatch(text):
            return text
        return self._scanner.convert(read_string, text, self._scanner.position - len(text))

    def _node(self, start: int) -> Node:
        scanner = self._scanner
        position = scanner.skip()
        name = scanner.read(PLAIN, "an operation")
        if name == "const":
            return self._constant()
        op = REGISTRY.get(name)
        if op is None or name == "input":
            raise scanner.problem(f"unknown operation {name!r}{nearest(name, REGISTRY)}", position)
        inputs = self._operands()
        attrs = self._attributes()
        try:
            node = Node.make(op, inputs, attrs)
        except DiffcError as problem:
            raise scanner.problem(str(problem), position) from None
        # An operation may trip in any way over operands and attributes that are not its own.
        except Exception as problem:
            what = f"{name} does not take these operands and attributes"
            raise scanner.problem(what, position) from problem
        self._check_type(node)
        return node

    def _check_type(self, node: Node) -> None:
        scanner = self._scanner
        if not scanner.take(":"):
            return
        position = scanner.skip()
        text = scanner.read(_SHOWN_TYPE, "a type").strip()
        if text == str(node.anytype):
            return
        if not (
            isinstance(node.anytype, Type) and scanner.convert(parse_type, text, position) == node.anytype
        ):
            raise scanner.problem(f"the type is {node.anytype}, not {text}", position)

    def _constant(self) -> Node:
        scanner = self._scanner
        start = scanner.skip()
        array = scanner.match(_ARRAY)
        if array is None:
            node = self._scalar()
            self._check_type(node)
            return node
        scanner.expect(":")
        position = scanner.skip()
        type_ = scanner.convert(parse_type, scanner.read(_TYPE, "a type"), position)
        return scanner.convert(lambda text: read_array(text, type_), array, start)

    def _operands(self) -> list[Node]:
        scanner = self._scanner
        operands: list[Node] = []
        while operands or not scanner.text.startswith(("{", ":", "#", "\n"), scanner.skip()):
            if scanner.position == len(scanner.text):
                break
            operands.append(self._operand())
            if not scanner.take(","):
                break
        return operands

    def _operand(self) -> Node:
        scanner = self._scanner
        position = scanner.skip()
        if not scanner.take("%"):
            return self._scalar()
        number = scanner.match(_INDEX)
        node = self._nodes.get(int(number)) if number else self._inputs.get(self._name())
        if node is None:
            shown = scanner.text[position : scanner.position]
            raise scanner.problem(f"{shown} is not defined before it is used", position)
        return node

    def _scalar(self) -> Node:
        scanner = self._scanner
        position = scanner.skip()
        text = scanner.read(NUMBER, "a value: %0, %name or a number")
        return constant(scanner.convert(read_number, text, position))

    # Attributes.

    def _attributes(self) -> dict[str, Any]:
        scanner = self._scanner
        attrs: dict[str, Any] = {}
        if not scanner.take("{"):
            return attrs
        while not scanner.take("}"):
            position = scanner.skip()
            key = scanner.read(PLAIN, "an attribute's name")
            if key in attrs:
                raise scanner.problem(f"the attribute {key!r} is given twice", position)
            scanner.expect("=")
            attrs[key] = scanner.nested(self._atom)
            if not scanner.at("}"):
                scanner.expect(",")
        return attrs

    def _atom(self) -> Any:
        scanner = self._scanner
        position = scanner.skip()
        label = scanner.match(_LABEL)
        if label is not None:
            if label not in self._graphs:
                raise scanner.problem(f"{label} is not defined before it is used", position)
            return self._graphs[label]
        return scanner.convert(read_atom, scanner.read(_ATOM, "an attribute's value"), position)
