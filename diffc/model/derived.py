"""The derivatives of a model, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from diffc.errors import DiffcError, ModelError
from diffc.frontends.toml_lines import find_lines
from diffc.functions.function import Function
from diffc.model.parts import Request

__all__ = ["DerivedFunctions"]


class DerivedFunctions(Mapping[str, Function]):
    """Derivatives by name; each is made at its first use."""

    def __init__(self, outputs: Mapping[str, Function], requests: Mapping[str, Request], path: Path) -> None:
        """Hold what is asked for; `path` is the model file's, for messages."""
        self._outputs = outputs
        self._requests = requests
        self._path = path
        self._made: dict[str, Function] = {}

    def primal(self, name: str) -> Function:
        """Return the output of which a derivative is taken."""
        return self._outputs[self._requests[name].output]

    def request(self, name: str) -> Request:
        """Return what a derivative was asked for as."""
        return self._requests[name]

    def __getitem__(self, name: str) -> Function:
        request = self._requests[name]
        if name not in self._made:
            try:
                self._made[name] = request.make(self.primal(name))
            except DiffcError as problem:
                if self._path == Path():
                    raise
                where = f"{self._path}{_line(self._path, request.key)}"
                raise ModelError(f"{where}: derive.{request.key}: {problem}") from None
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._requests)

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, name: object) -> bool:
        return name in self._requests

    def __repr__(self) -> str:
        return f"<derived: {', '.join(self)}>"


def _line(path: Path, request: str) -> str:
    """Return `:12`, the line on which a request stands, or nothing where the file is gone."""
    try:
        lines, _ = find_lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return ""
    return f":{lines['derive', request]}" if ("derive", request) in lines else ""
