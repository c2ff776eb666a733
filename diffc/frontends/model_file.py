"""Model files: TOML with formulas becomes a Graph with named outputs and requests for derivatives.

    [model]
    name = "surface"             # optional: the file's name otherwise
    math = "precise"             # optional: or "fast"
    [inputs]
    a = "f64"                    # name = type
    x = "f64[N]"
    [definitions]                # optional: intermediate values, in order, each may use those above it
    r = "norm(x)"
    [outputs]
    f = "(a + r)**2"             # name = formula; may use inputs, definitions and the outputs above it
    [derive]                     # optional
    gradient = ["a", "x"]        # likewise hessian, jacobian
    partials = [["a", "x"], ["a", 2]]   # a number after a name says how often

A file with layers is a network: see `diffc.frontends.network_file`. Every error names the file and the line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from diffc.errors import DiffcError, SyntaxProblem
from diffc.frontends.formulas import declare, scope_of
from diffc.frontends.network_file import NetworkFile, is_network, read_network
from diffc.frontends.toml_tables import Tables, read_tables
from diffc.ir import Graph, Node, recording
from diffc.syntax import build, parse_expression
from diffc.syntax.lexer import is_name
from diffc.syntax.suggestions import nearest

__all__ = ["Derive", "ModelFile", "load_model_file", "read_model_text"]

_MAX_COUNT = 20

_TABLES = ("model", "inputs", "definitions", "outputs", "derive")
_REQUESTS = ("gradient", "hessian", "jacobian", "partials")


@dataclass(frozen=True)
class Derive:
    """The derivatives that a model file asks for, by the names of inputs."""

    gradient: tuple[str, ...] = ()
    hessian: tuple[str, ...] = ()
    jacobian: tuple[str, ...] = ()
    partials: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True)
class ModelFile:
    """What a model file says. `graph` has the declared inputs and outputs under their names."""

    name: str
    graph: Graph
    derive: Derive
    math: str
    path: Path


def load_model_file(path: str | os.PathLike[str]) -> ModelFile | NetworkFile:
    """Return what a model file says: formulas, or a network.

    Raises:
        ModelError: naming the file, the line and what would be right.
    """
    return _read(read_tables(path))


def read_model_text(text: str, path: str | os.PathLike[str] = "model.toml") -> ModelFile | NetworkFile:
    """Return what the text of a model file says; `path` is for messages. Raise `ModelError`."""
    return _read(Tables(text, Path(path)))


def _read(tables: Tables) -> ModelFile | NetworkFile:
    return read_network(tables) if is_network(tables) else _Reader(tables).read()


class _Reader:
    """Reads the tables of one file of formulas; every problem is told with the line of its key."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._fail = tables.fail
        self._table = tables.table
        self._check_names = tables.check_names
        self._text = tables.text

    def read(self) -> ModelFile:
        """Return the record of the file."""
        self._check_names((), self._tables.all, _TABLES)
        name, math = self._tables.heading()
        inputs = self._inputs()
        with recording() as recorder:
            outputs = self._formulas(scope_of(inputs))
        graph = Graph(name, tuple(inputs.values()), tuple(outputs.values()), tuple(outputs))
        graph = replace(graph, assumed=recorder.requirements(name, graph.symbols))
        return ModelFile(name, graph, self._derive(inputs), math, self._tables.path)

    def _name(self, key: tuple[str, ...], taken: Mapping[str, Any]) -> str:
        name = key[-1]
        if not is_name(name):
            self._fail(key, f"{name!r} is not a name that a formula can use: letters, digits and '_'")
        if name in taken:
            self._fail(key, f"the name {name!r} is given twice")
        return name

    def _inputs(self) -> dict[str, Node]:
        inputs: dict[str, Node] = {}
        for name, type_ in self._table("inputs").items():
            key = ("inputs", name)
            self._name(key, inputs)
            text = self._text(key, type_)
            try:
                inputs.update(declare({name: text}))
            except DiffcError as problem:
                self._fail(key, str(problem))
        return inputs

    def _formulas(self, scope: dict[str, Node]) -> dict[str, Node]:
        """Return the outputs; each formula sees the inputs and every formula above it."""
        for name, formula in self._table("definitions").items():
            key = ("definitions", name)
            self._name(key, scope)
            scope[name] = self._formula(key, formula, scope)
        outputs: dict[str, Node] = {}
        for name, formula in self._table("outputs").items():
            key = ("outputs", name)
            self._name(key, scope)
            outputs[name] = scope[name] = self._formula(key, formula, scope)
        if not outputs:
            self._fail(("outputs",), 'there are no outputs: write [outputs] and below it name = "formula"')
        return outputs

    def _formula(self, key: tuple[str, ...], value: object, scope: Mapping[str, Node]) -> Node:
        text = self._text(key, value)
        try:
            return build(parse_expression(text), scope)
        except SyntaxProblem as problem:
            # A formula on one line needs no line number of its own beside the file's.
            _, formula, caret = str(problem).rsplit("\n", 2)
            inside = text.count("\n", 0, problem.position) + 1
            where = f" (line {inside} of the formula)" if "\n" in text else ""
            self._fail(key, f"{'.'.join(key)}: {problem.problem}{where}\n{formula}\n{caret}")

    # Requests for derivatives.

    def _derive(self, inputs: Mapping[str, Node]) -> Derive:
        table = self._table("derive")
        self._check_names(("derive",), table, _REQUESTS)
        return Derive(
            self._wrt("gradient", table, inputs),
            self._wrt("hessian", table, inputs),
            self._wrt("jacobian", table, inputs),
            tuple(
                self._partial(each, inputs)
                for each in self._list("partials", table.get("partials", []), '[["a", "b"]]')
            ),
        )

    def _list(self, request: str, value: object, example: str) -> list[Any]:
        if not isinstance(value, list):
            self._fail(("derive", request), f"derive.{request} must be a list: {request} = {example}")
        return cast(list[Any], value)

    def _wrt(self, request: str, table: Mapping[str, Any], inputs: Mapping[str, Node]) -> tuple[str, ...]:
        names = self._list(request, table.get(request, []), '["a", "b"]')
        return tuple(self._wrt_name(request, each, inputs) for each in names)

    def _wrt_name(self, request: str, name: object, inputs: Mapping[str, Node]) -> str:
        key = ("derive", request)
        if not isinstance(name, str):
            self._fail(key, f"derive.{request} names inputs in quotes, not {name!r:.60}")
        if name not in inputs:
            known = ", ".join(inputs) or "there are none"
            self._fail(key, f"derive.{request}: no input {name!r}{nearest(name, inputs)} (inputs: {known})")
        if not inputs[name].type.is_float:
            self._fail(
                key, f"derive.{request}: {name!r} is {inputs[name].type}; only f64 and f32 have derivatives"
            )
        return name

    def _partial(self, value: object, inputs: Mapping[str, Node]) -> tuple[str | int, ...]:
        key = ("derive", "partials")
        names = self._list("partials", value, '[["a", "b"]]')
        if not names or not isinstance(names[0], str):
            self._fail(key, "a partial derivative is a list that starts with an input's name")
        result: list[str | int] = []
        for each in names:
            if not isinstance(each, int) or isinstance(each, bool):
                result.append(self._wrt_name("partials", each, inputs))
            elif 1 <= each <= _MAX_COUNT and isinstance(result[-1], str):
                result.append(each)
            else:
                self._fail(key, f"derive.partials: {each} must follow a name and lie from 1 to {_MAX_COUNT}")
        return tuple(result)
