"""Models: what a model file says, as Functions, to be called, built ahead of time and proved."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from diffc import pipeline
from diffc.autodiff.selection import Wrt, fresh_name
from diffc.errors import DiffcError, ModelError
from diffc.frontends.model_file import Derive, ModelFile, load_model_file
from diffc.frontends.toml_lines import find_lines
from diffc.function import Function, compile, derivative, grad, hessian, jacobian
from diffc.ir import Graph, Type

if TYPE_CHECKING:
    from diffc.proof import Certificate
    from diffc.runtime import BuiltModel, Kernel

__all__ = ["Model", "Progress", "load_model", "verify"]

Progress = Callable[[str, int, int], None]
"""Told before each kernel is compiled: its name, its position from 0, how many there are."""

_MAX_NAME = 80
_Math: TypeAlias = Literal["precise", "fast"]


def load_model(path: str | os.PathLike[str]) -> Model:
    """Return the model of a file; its derivatives are made when they are first asked for.

    Raises:
        ModelError: naming the file, the line and what would be right.
    """
    return Model(load_model_file(path))


class Model:
    """The functions of a model: `m.f` or `m["f"]` for an output or a derivative, attributes coming first.

    All are compiled, called directly too, as the file's `math` says.

    `function` computes all outputs. `outputs` has a Function for each, and `derived` one for each request
    under `[derive]`:

    | request                  | one output      | several outputs, such as `f`      |
    | ------------------------ | --------------- | --------------------------------- |
    | gradient = ["a", "b"]    | `gradient`      | `f_gradient`, for scalar outputs  |
    | hessian = ["a", "b"]     | `hessian`       | `f_hessian`, for scalar outputs   |
    | jacobian = ["a", "b"]    | `jacobian`      | `f_jacobian`                      |
    | partials = [["a", "b"]]  | `partial_a_b`   | `f_partial_a_b`                   |
    | partials = [["a", 2]]    | `partial_a_a`   | `f_partial_a_a`                   |

    A name that is taken gets underscores behind it; a partial with a name above 80 characters is
    `partial_<k>`, by its position in the list. A gradient, Jacobian or Hessian is a tuple over the inputs
    that the request names.
    """

    def __init__(self, file: ModelFile) -> None:
        """Hold what a model file says."""
        self._file = file
        self.name = file.name
        self.path = file.path
        self.math = file.math
        graph = file.graph
        math = cast(_Math, file.math)
        self.function = Function(graph, math=math)
        parts = zip(graph.output_names, graph.outputs, strict=True)
        self.outputs: dict[str, Function] = {
            name: Function(Graph(name, graph.inputs, (node,), (name,)), math=math) for name, node in parts
        }
        self.derived: Mapping[str, Function] = _Derived(self, file.derive)

    @staticmethod
    def of(f: Function, wrt: Sequence[str] = (), math: str | None = None) -> Model:
        """Return the model of a function: gradients and Hessians of scalar outputs, else Jacobians.

        `wrt` names inputs; all that are f64 or f32 without it. `math` is the function's own without it.
        """
        graph = f.graph
        if graph.output_names == ("out",):
            graph = graph.with_outputs(graph.outputs, names=(graph.name,))
        names = tuple(wrt or [name for name, kind in f.inputs.items() if kind.is_float])
        scalar = any(_is_scalar(node.type) for node in graph.outputs)
        derive = Derive(gradient=names, hessian=names) if scalar else Derive(jacobian=names)
        return Model(ModelFile(graph.name, graph, derive, math or f.math, Path()))

    def with_math(self, math: str | None) -> Model:
        """Return this model compiled as "precise" or "fast" says; as before where it is None."""
        return self if math in (None, self.math) else Model(replace(self._file, math=math))

    def primal(self, name: str) -> Function:
        """Return the function of which a derivative is taken; an output is its own."""
        derived = self.derived
        return derived.primal(name) if isinstance(derived, _Derived) and name in derived else self[name]

    @property
    def inputs(self) -> dict[str, Type]:
        """The inputs' types by name, in order."""
        return self.function.inputs

    @property
    def main(self) -> str:
        """The name of the kernel of the outputs' values: the only output's, or `all`."""
        return fresh_name("all", list(self.outputs)) if len(self.outputs) > 1 else next(iter(self.outputs))

    def named(self) -> list[str]:
        """Return the names of all functions: all outputs together, each output, each derivative."""
        return [*dict.fromkeys([self.main, *self.outputs]), *self.derived]

    def __getitem__(self, name: str) -> Function:
        if name in self.outputs:
            return self.outputs[name]
        if name == self.main:
            return self.function
        if name in self.derived:
            return self.derived[name]
        from diffc.runtime.built import UnknownKernel

        raise UnknownKernel(f"{self.name} has no function {name!r}; it has {', '.join(self.named())}")

    def __getattr__(self, name: str) -> Function:
        if name in ("outputs", "derived", "_file") or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)  # an object that is not built yet has nothing to look in
        try:
            return self[name]
        except KeyError as problem:
            raise AttributeError(str(problem)) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.named()})

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {kind}" for name, kind in self.inputs.items())
        return f"<Model {self.name}({inputs}): {', '.join(self.named())}>"

    def compile(self, name: str, cache: bool = True) -> Kernel:
        """Return the kernel of one function, compiled as the model's `math` says."""
        return compile(self[name], cache=cache)

    def build(
        self, folder: str | os.PathLike[str], progress: Progress | None = None, cache: bool = True
    ) -> BuiltModel:
        """Compile every function and write the kernels into a folder that `diffc.load` reads; return them.

        All is written or nothing. The folder must not exist, be empty, or hold a build, which is replaced.

        Raises:
            ArtefactError: where the folder holds anything else or cannot be written.
        """
        from diffc.runtime import BuiltModel, save_model
        from diffc.runtime.artefact import check_target

        check_target(folder)
        names = self.named()
        kernels: dict[str, Kernel] = {}
        for position, name in enumerate(names):
            if progress is not None:
                progress(name, position, len(names))
            kernels[name] = self.compile(name, cache)
        # The package is above all its parts, so that no part imports it: it is there when they are.
        version = str(getattr(sys.modules["diffc"], "__version__", ""))
        programs = {name: kernel.program for name, kernel in kernels.items()}
        save_model(folder, self.name, programs, self.main, version)
        return BuiltModel(self.name, kernels, self.main, Path(folder), self.math)


def verify(
    f: Function | Model, order: int = 2, wrt: Wrt | None = None, math: str | None = None, **options: Any
) -> Certificate:
    """Return the certificate of the derivatives of a function, or of a model's outputs.

    Args:
        f: the function or the model.
        order: derivatives up to this order are proved.
        wrt: by which inputs; by every f64 and f32 input without it.
        math: "precise" or "fast"; the function's or model's own without it.
        options: more for `diffc.proof.verify_graph`, such as `samples`.
    """
    from diffc.proof.verification import verify_graph

    if not isinstance(f, Function | Model):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(
            f"verify takes a diffc Function or Model, got {type(f).__name__}: "
            "make one with dc.parse, dc.from_sympy or dc.load_model"
        )
    chosen = math or f.math
    stages = pipeline.proof_stages(cast(_Math, chosen))
    graph = f.function.graph if isinstance(f, Model) else f.graph
    return verify_graph(graph, wrt, order, **stages, **options)


class _Derived(Mapping[str, Function]):
    """The derivatives that a model asks for, by name; each is made at its first use."""

    def __init__(self, model: Model, derive: Derive) -> None:
        self._model = model
        self._made: dict[str, Function] = {}
        self._requests: dict[str, tuple[str, str, Callable[[], Function]]] = {}
        self._add("gradient", derive.gradient, grad)
        self._add("hessian", derive.hessian, hessian)
        self._add("jacobian", derive.jacobian, jacobian)
        for k, names in enumerate(derive.partials):
            self._add_partial(k, names)

    def _add(
        self, request: str, wrt: tuple[str, ...], transform: Callable[[Function, Sequence[str]], Function]
    ) -> None:
        outputs = self._model.outputs
        scalars = [name for name, f in outputs.items() if all(map(_is_scalar, f.outputs.values()))]
        for name in (outputs if request == "jacobian" else scalars or outputs) if wrt else ():
            f = outputs[name]
            self._request(request, name, request, lambda f=f: transform(f, wrt))

    def _add_partial(self, position: int, names: tuple[str | int, ...]) -> None:
        spelt: list[str] = []
        for each in names:
            spelt += [each] if isinstance(each, str) else [spelt[-1]] * (each - 1)
        ending = "_".join(["partial", *spelt])
        if len(ending) > _MAX_NAME:
            ending = f"partial_{position}"
        for name, f in self._model.outputs.items():
            self._request("partials", name, ending, lambda f=f: derivative(f, *names))

    def _request(self, request: str, output: str, ending: str, make: Callable[[], Function]) -> None:
        wanted = f"{output}_{ending}" if len(self._model.outputs) > 1 else ending
        taken = [*self._model.outputs, self._model.main, *self._requests]
        self._requests[fresh_name(wanted, taken)] = (request, output, make)

    def primal(self, name: str) -> Function:
        """Return the output of which a derivative is taken."""
        return self._model.outputs[self._requests[name][1]]

    def __getitem__(self, name: str) -> Function:
        request, _, make = self._requests[name]
        if name not in self._made:
            try:
                self._made[name] = make()
            except DiffcError as problem:
                path = self._model.path
                if path == Path():
                    raise
                raise ModelError(f"{path}{_line(path, request)}: derive.{request}: {problem}") from None
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._requests)

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, name: object) -> bool:
        return name in self._requests

    def __repr__(self) -> str:
        return f"<derived: {', '.join(self)}>"


def _is_scalar(kind: Type) -> bool:
    return kind.rank == 0 and kind.is_float


def _line(path: Path, request: str) -> str:
    """Return `:12`, the line on which a request stands, or nothing where the file is gone."""
    try:
        lines, _ = find_lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return ""
    return f":{lines['derive', request]}" if ("derive", request) in lines else ""
