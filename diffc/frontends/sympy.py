"""SymPy expressions become Graphs: what the user gives as outputs and as inputs.

The only file of the frontends that imports SymPy. `diffc/frontends/sympy_translate.py` walks the
expressions, `diffc/frontends/sympy_functions.py` says what each function is. Nothing here parses
text: a string is refused, and a symbol's name is a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy.logic.boolalg import Boolean
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array import NDimArray

from diffc.errors import DiffcError
from diffc.frontends.sympy_advice import ADVICE
from diffc.frontends.sympy_matrices import matrix_extents
from diffc.frontends.sympy_text import shown
from diffc.frontends.sympy_translate import Translator
from diffc.frontends.sympy_trees import free_symbols
from diffc.ir import Graph, Node, Tree, Type, check
from diffc.ir.dtype import FLOATS
from diffc.ops import input_node
from diffc.ops.broadcasting import zeros
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import index, stack

__all__ = ["from_sympy"]

_MAX_NESTING = 32


def from_sympy(expr: Any, inputs: Any = None, name: str = "f", dtype: str = "f64") -> Graph:
    """Return the Graph that computes SymPy expressions.

    Args:
        expr: an expression or a condition (a scalar output), a matrix or array of them (an output
            of that shape), or a list of these, nested as the outputs shall be.
        inputs: `[a, b]`, or a matrix of symbols: scalar inputs of the symbols' names, in this order.
            `{"q": [q1, q2], "m": m}`: inputs by name, where a list or a column is packed into a vector and
            any other matrix into an array of its shape. Any expression may stand for a symbol and is then
            not looked into, such as `q(t)` and `Derivative(q(t), t)`; so may a symbol's name, and
            `"a b"` is `["a", "b"]`. None: all symbols, by name.
        name: the graph's name.
        dtype: "f64" or "f32", that of all inputs and numbers.

    All values are real: `re(x)` is x, and a negative number's root is NaN. Relations give bool.

    Raises:
        DiffcError: naming symbols that are no inputs, functions that are not supported (with the
            expression they stand in and what to do), complex numbers, and inputs that clash.
    """
    if dtype not in FLOATS:
        raise DiffcError(f"the dtype {dtype!r} of a SymPy model: use f64 or f32")
    leaves: list[_Array] = []
    tree = _collect(expr, leaves)
    if not leaves:
        raise DiffcError("there is no expression to compute: the list is empty")
    roots = [element for leaf in leaves for element in leaf.elements]
    nodes, atoms = _declare(_named(_resolved(inputs, roots), roots), dtype)
    translator = Translator(atoms, dtype)
    outputs = [
        _output(leaf, [translator.translate(each) for each in leaf.elements], dtype) for leaf in leaves
    ]
    if translator.missing:
        raise DiffcError(_missing(list(dict.fromkeys(translator.missing)), atoms))
    return check(Graph(name, tuple(nodes), tuple(outputs), tree=tree))


@dataclass(frozen=True)
class _Array:
    """One output or input: its elements, row-major, and its shape."""

    elements: list[Any]
    shape: tuple[int, ...] = ()


def _collect(item: Any, leaves: list[_Array], nesting: int = 0) -> Tree:
    """Append the outputs found in nested lists; return their structure."""
    if not isinstance(item, (list, tuple, sympy.Tuple)):
        array = _array(item)
        leaves.append(_Array([_scalar(item)]) if array is None else array)
        return len(leaves) - 1
    if nesting == _MAX_NESTING:
        raise DiffcError(f"the list of outputs is nested more than {_MAX_NESTING} levels deep")
    return tuple(_collect(each, leaves, nesting + 1) for each in item)


def _array(item: Any) -> _Array | None:
    """Return an explicit matrix's or an array's elements and shape; None for anything else."""
    if not isinstance(item, (MatrixBase, NDimArray, np.ndarray)):
        return None
    shape = tuple(int(extent) for extent in item.shape)
    elements: list[Any] = [item.tolist()]
    if 0 in shape:
        return _Array([], shape)
    for _ in shape:
        elements = [each for row in elements for each in row]
    return _Array([_scalar(each) for each in elements], shape)


def _scalar(item: Any) -> Any:
    """Return a SymPy expression or condition, or a Python number as one; raise `DiffcError`."""
    if isinstance(item, (sympy.Expr, Boolean)):
        return item
    if isinstance(item, np.generic):
        item = item.item()
    if isinstance(item, bool):
        return sympy.true if item else sympy.false
    if isinstance(item, int):
        return sympy.Integer(item)
    if isinstance(item, float):
        return sympy.Float(item)
    if isinstance(item, complex):
        raise DiffcError(f"{item}: complex numbers are not supported")
    if isinstance(item, str):
        raise DiffcError(f"{item!r} is text, not a SymPy expression; diffc.parse reads formulas")
    kind = type(item).__name__
    advice = ADVICE.get(kind, "give expressions, matrices, or lists of them")
    raise DiffcError(f"an object of the type {kind} is no SymPy expression; {advice}")


def _output(array: _Array, nodes: Sequence[Node], dtype: str) -> Node:
    if not array.shape:
        return nodes[0]
    if not nodes:
        return zeros(Type(dtype, array.shape))
    return reshape(stack(nodes), array.shape)


def _resolved(inputs: Any, roots: Sequence[Any]) -> Any:
    """Return the inputs with symbols where names stand for them; a matrix of symbols as their list."""
    if isinstance(inputs, str):
        inputs = inputs.replace(",", " ").split()
    if isinstance(inputs, (MatrixBase, np.ndarray)):
        inputs = _packed(inputs).elements
    lists = list(inputs.values()) if isinstance(inputs, Mapping) else [inputs]
    if not any(_holds_names(each) for each in lists):
        return inputs
    symbols: dict[str, Any] = {}
    for each in free_symbols(roots):
        if _label(each) in symbols:
            raise DiffcError(_same_name(symbols[_label(each)], each))
        symbols[_label(each)] = each

    def resolved(items: Any) -> Any:
        if not _holds_names(items):
            return items
        return [symbols.get(each, sympy.Symbol(each)) if isinstance(each, str) else each for each in items]

    if isinstance(inputs, Mapping):
        return {name: resolved(items) for name, items in inputs.items()}
    return resolved(inputs)


def _holds_names(items: Any) -> bool:
    return isinstance(items, (list, tuple)) and any(isinstance(each, str) for each in items)


def _named(inputs: Any, roots: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return the inputs as pairs of a name and what it stands for."""
    if inputs is None:
        inputs = sorted(free_symbols(roots), key=lambda each: (_label(each), sympy.default_sort_key(each)))
    if isinstance(inputs, Mapping):
        for each in inputs:
            if not isinstance(each, str):
                raise DiffcError(f"the keys of inputs are names, such as {str(each)!r}; got {each!r}")
        return list(inputs.items())
    if isinstance(inputs, sympy.Expr):
        inputs = [inputs]
    if not isinstance(inputs, (list, tuple, sympy.Tuple)):
        raise DiffcError(f"inputs is a list of symbols or a dict of names, not a {type(inputs).__name__}")
    first: dict[str, Any] = {}
    for each in inputs:
        if isinstance(each, (list, tuple, sympy.Tuple, MatrixBase)):
            listed = _packed(each).elements
            raise DiffcError(f'a vector among the inputs needs a name: write {{"q": {listed}}}')
        if _label(each) in first:
            raise DiffcError(_same_name(first[_label(each)], each))
        first[_label(each)] = each
    return list(first.items())


def _label(item: Any) -> str:
    return str(item.name) if isinstance(item, (sympy.Symbol, sympy.MatrixSymbol)) else str(item)


def _same_name(a: Any, b: Any) -> str:
    if a == b:
        return f"the input {_label(a)} is listed twice"
    return (
        f"two different symbols are named {_label(a)!r}: {sympy.srepr(a)} and {sympy.srepr(b)}; use one, or "
        f'tell them apart by a dict of inputs, {{"{_label(a)}_1": ..., "{_label(a)}_2": ...}}'
    )


def _declare(named: Sequence[tuple[str, Any]], dtype: str) -> tuple[list[Node], dict[Any, Node]]:
    """Return the input nodes, and for each expression that is an input the node of its value."""
    nodes: list[Node] = []
    atoms: dict[Any, Node] = {}
    for name, value in named:
        array = _packed(value)
        whole = _is_matrix(value)
        node = input_node(name, Type(dtype, matrix_extents(value) if whole else array.shape))
        nodes.append(node)
        for k, atom in enumerate(array.elements):
            _check_atom(atom, name)
            if atom in atoms:
                raise DiffcError(f"{shown(atom)} is given twice in inputs, the second time as {name!r}")
            atoms[atom] = node if whole else _component(node, np.unravel_index(k, array.shape))
    for atom in atoms:
        if isinstance(atom, MatrixElement) and atom.parent in atoms:
            raise DiffcError(f"{shown(atom)} is given twice in inputs: as itself and in {shown(atom.parent)}")
    return nodes, atoms


def _is_matrix(value: Any) -> bool:
    """Tell whether a value is one matrix, not written out."""
    return isinstance(value, sympy.MatrixExpr) and not isinstance(value, MatrixBase)


def _packed(value: Any) -> _Array:
    if isinstance(value, (list, tuple, sympy.Tuple)):
        return _Array([_scalar(each) for each in value], (len(value),))
    array = _array(value)
    if array is not None and isinstance(value, MatrixBase) and array.shape[1:] == (1,):
        return _Array(array.elements, array.shape[:1])
    return _Array([_scalar(value)]) if array is None else array


def _component(node: Node, position: Sequence[Any]) -> Node:
    for k in position:
        node = index(node, int(k))
    return node


def _check_atom(atom: Any, name: str) -> None:
    """Raise `DiffcError` for an input that is a number or cannot be real."""
    if not isinstance(atom, sympy.Expr) or atom.is_number:
        raise DiffcError(f"the input {name!r} stands for {shown(atom)}, which is no symbol")
    if _is_matrix(atom):
        if not isinstance(atom, sympy.MatrixSymbol):
            raise DiffcError(f"the input {name!r} stands for {shown(atom)}, which is no symbol of a matrix")
        return
    if atom.is_commutative is False:
        raise DiffcError(f"the input {name!r} does not commute, as numbers do; use a commutative symbol")
    if atom.is_extended_real is False:
        raise DiffcError(f"the input {name!r} is {sympy.srepr(atom)}: complex numbers are not supported")


def _missing(missing: Sequence[Any], atoms: Mapping[Any, Node]) -> str:
    """Return the message for symbols that no input gives."""
    named = {_label(each): each for each in atoms}
    for symbol in missing:
        namesake = named.get(_label(symbol))
        if namesake is not None:
            return _same_name(namesake, symbol)
    names = ", ".join(map(_label, missing))
    plural = len(missing) > 1
    listed = ", ".join(map(_label, atoms)) or "none"
    return f"the symbol{'s' * plural} {names} {'are' if plural else 'is'} not among the inputs ({listed})"
