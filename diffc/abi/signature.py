"""What a kernel's caller must know: inputs, outputs, their structure, symbols, workspace, checks.

A signature travels inside cache entries and artefacts as JSON, and such a file may be hostile: `from_json`
believes nothing, and checks the type, the form and the size of every field before a value is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from diffc.errors import ArtefactError, DiffcError
from diffc.ir import Extent, Tree, Type, dim_symbols, linear_form, parse_extent, parse_type, tree_leaves
from diffc.ir.lazy import lazy

__all__ = ["Binding", "NamedType", "Signature"]

_MAX_PARAMETERS = 20_000
_MAX_TEXT = 2_000
_MAX_DEPTH = 32
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")
_FIELDS = (
    "name",
    "inputs",
    "outputs",
    "tree",
    "captured",
    "symbols",
    "workspace",
    "checks",
    "externals",
    "math",
    "lowering",
)

T = TypeVar("T")


class Binding(NamedTuple):
    """Where a symbol's value is read: `extent of (input, axis) == factor * symbol + offset`."""

    symbol: str
    input: int
    axis: int
    factor: int
    offset: int


@dataclass(frozen=True)
class NamedType:
    """One input or output: the user's name for it, which is a label and nothing more, and its type."""

    name: str
    type: Type


@dataclass(frozen=True)
class Signature:
    """The contract between a kernel and its callers. Immutable.

    `tree` arranges the outputs for the caller; `workspace` is a number of bytes; `checks[k]` is the
    message of the run-time check that fails with status k + 1; `externals` are the symbols that the
    code calls, BLAS routines by their Fortran names.
    """

    name: str
    inputs: tuple[NamedType, ...]
    outputs: tuple[NamedType, ...]
    tree: Tree
    symbols: tuple[str, ...] = ()
    workspace: Extent = 0
    checks: tuple[str, ...] = ()
    externals: tuple[str, ...] = ()
    math: str = "precise"
    lowering: str = "llvm"
    captured: tuple[NamedType, ...] = ()
    """The arrays that the program refers to: the last of its constants, bound when it is loaded."""

    def __post_init__(self) -> None:
        """Raise `DiffcError` where the parts contradict each other."""
        names = [each.name for each in self.inputs]
        if len(set(names)) != len(names):
            raise DiffcError(f"{self.name}: two inputs have one name: {', '.join(names)}")
        known = set(self.symbols)
        if len(known) != len(self.symbols):
            raise DiffcError(f"{self.name}: a symbol is listed twice: {', '.join(self.symbols)}")
        extents = [extent for each in (*self.inputs, *self.outputs) for extent in each.type.shape]
        for extent in (*extents, self.workspace):
            if not known.issuperset(dim_symbols(extent)):
                raise DiffcError(f"{self.name}: the extent {extent} uses a symbol that is not listed")
        if isinstance(self.workspace, int) and self.workspace < 0:
            raise DiffcError(f"{self.name}: the workspace has a negative size")
        if sorted(tree_leaves(self.tree)) != list(range(len(self.outputs))):
            raise DiffcError(f"{self.name}: the structure {self.tree} does not name each output once")

    @lazy
    def bindings(self) -> tuple[Binding, ...]:
        """Where each symbol is read, in the order of `symbols`; raise `DiffcError` if one cannot be.

        An axis that is the symbol alone wins, the first one in order; otherwise the first axis that is
        linear in this one symbol, such as `N-1` or `2*N`.
        """
        alone: dict[str, Binding] = {}
        linear: dict[str, Binding] = {}
        for position, parameter in enumerate(self.inputs):
            for axis, extent in enumerate(parameter.type.shape):
                form = linear_form(extent)
                if form is not None:
                    symbol, factor, offset = form
                    found = alone if (factor, offset) == (1, 0) else linear
                    found.setdefault(symbol, Binding(symbol, position, axis, factor, offset))
        missing = [symbol for symbol in self.symbols if symbol not in alone and symbol not in linear]
        if missing:
            raise DiffcError(
                f"{self.name}: the value of {missing[0]} cannot be read from any input's shape; "
                f"some input must have an axis of length {missing[0]}"
            )
        return tuple(alone.get(symbol) or linear[symbol] for symbol in self.symbols)

    def to_json(self) -> dict[str, Any]:
        """Return the signature as JSON values; `from_json` is the inverse."""
        return {
            "name": self.name,
            "inputs": [[each.name, str(each.type)] for each in self.inputs],
            "outputs": [[each.name, str(each.type)] for each in self.outputs],
            "tree": self.tree,
            "captured": [[each.name, str(each.type)] for each in self.captured],
            "symbols": list(self.symbols),
            "workspace": str(self.workspace),
            "checks": list(self.checks),
            "externals": list(self.externals),
            "math": self.math,
            "lowering": self.lowering,
        }

    @staticmethod
    def from_json(data: object) -> Signature:
        """Return the signature that `to_json` wrote; raise `ArtefactError` for anything else."""
        if not isinstance(data, Mapping) or set(cast(Mapping[object, object], data)) != set(_FIELDS):
            raise ArtefactError(f"the signature must have exactly the fields {', '.join(_FIELDS)}")
        fields = cast(Mapping[str, object], data)
        try:
            return Signature(
                name=_text(fields["name"], "name"),
                inputs=_items(fields["inputs"], "inputs", _parameter),
                outputs=_items(fields["outputs"], "outputs", _parameter),
                tree=_tree(fields["tree"]),
                symbols=_items(fields["symbols"], "symbols", _identifier),
                workspace=_extent(fields["workspace"]),
                checks=_items(fields["checks"], "checks", _text),
                externals=_items(fields["externals"], "externals", _identifier),
                math=_choice(fields["math"], "math", ("precise", "fast")),
                lowering=_choice(fields["lowering"], "lowering", ("llvm", "source")),
                captured=_items(fields["captured"], "captured", _parameter),
            )
        except ArtefactError:
            raise
        except DiffcError as error:
            raise ArtefactError(f"the signature is not valid: {error}") from None


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or "\0" in value:
        raise ArtefactError(f"the signature's {where} must be a text of 1 to {_MAX_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ArtefactError(f"the signature's {where} is not valid Unicode") from None
    return value


def _identifier(value: object, where: str) -> str:
    text = _text(value, where)
    if not _IDENTIFIER.match(text):
        raise ArtefactError(f"the signature's {where} has {text[:80]!r}, which is not an identifier")
    return text


def _choice(value: object, where: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ArtefactError(f"the signature's {where} must be one of {', '.join(choices)}")
    return cast(str, value)


def _items(value: object, where: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list) or len(cast(list[object], value)) > _MAX_PARAMETERS:
        raise ArtefactError(f"the signature's {where} must be a list of at most {_MAX_PARAMETERS} items")
    return tuple(read(item, where) for item in cast(list[object], value))


def _parameter(value: object, where: str) -> NamedType:
    if not isinstance(value, list) or len(cast(list[object], value)) != 2:
        raise ArtefactError(f"the signature's {where} must hold pairs of a name and a type")
    name, text = (_text(item, where) for item in cast(list[object], value))
    kind = parse_type(text)
    if str(kind) != text:
        raise ArtefactError(f"the signature's {where} has the type {text[:80]!r}, not in canonical form")
    return NamedType(name, kind)


def _extent(value: object) -> Extent:
    text = _text(value, "workspace")
    extent = parse_extent(text)
    if str(extent) != text:
        raise ArtefactError("the signature's workspace is not in canonical form")
    return extent


def _tree(value: object, depth: int = 0) -> Tree:
    """Return the structure; recursion is bounded by the depth that is allowed."""
    if depth > _MAX_DEPTH:
        raise ArtefactError(f"the signature's tree is deeper than {_MAX_DEPTH}")
    if type(value) is int and 0 <= value < _MAX_PARAMETERS:
        return value
    if isinstance(value, list) and len(cast(list[object], value)) <= _MAX_PARAMETERS:
        return tuple(_tree(item, depth + 1) for item in cast(list[object], value))
    raise ArtefactError("the signature's tree must be made of positions and lists")
