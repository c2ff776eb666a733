"""Model: the functions of a model by name, to be called, built ahead of time and proved."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from numpy.typing import NDArray

from diffc.errors import DiffcError
from diffc.frontends.network_file import NetworkFile
from diffc.functions.certified import plain
from diffc.functions.function import Function, compile
from diffc.ir import Type
from diffc.model.derived import DerivedFunctions
from diffc.model.parts import Parts, parts_of_function, parts_of_network
from diffc.nn import Network

if TYPE_CHECKING:
    from diffc.runtime import BuiltModel, Kernel

__all__ = ["Model", "Progress"]

Progress = Callable[[str, int, int], None]
"""Told before each kernel is compiled: its name, its position from 0, how many there are."""


class Model:
    """The functions of a model: `m.f` or `m["f"]` for an output or a derivative, attributes coming first.

    All are compiled, called directly too, as the file's `math` says.

    Of formulas, `function` computes all outputs. `outputs` has a Function for each, and `derived` one for
    each request under `[derive]`:

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

    Of a network, `outputs` has `predict`, of the network's input and the parameters, and `loss`, of all
    inputs and the parameters, which is `function` too; `logits` where the loss takes logits. `derived` has
    `gradient` and `value_and_gradient`, `hessian`, `jacobian`, as requested.
    """

    def __init__(self, parts: Parts) -> None:
        """Hold what a model is made of; see `load_model` and `Model.of`."""
        self._parts = parts
        self.name = parts.name
        self.path = parts.path
        self.math = parts.math
        self.main = parts.main
        """The name of the kernel of the values: the only output's, `all`, or `predict`."""
        math = cast(Literal["precise", "fast"], parts.math)
        self.function = Function(parts.whole, math=math)
        self.outputs: dict[str, Function] = {
            name: Function(graph, math=math) for name, graph in parts.outputs.items()
        }
        self.derived: Mapping[str, Function] = DerivedFunctions(self.outputs, parts.requests, parts.path)

    @staticmethod
    def of(f: Function | Network, wrt: Sequence[str] = (), math: str | None = None) -> Model:
        """Return the model of a function, or of a network.

        Args:
            f: the function: its model has gradients and Hessians of scalar outputs, else Jacobians; or the
                network.
            wrt: by these inputs, without it by all that are f64 or f32; a network's gradient is by these
                inputs and parameters, without it there is what its `derive` says.
            math: "precise" or "fast"; without it the function's own, "precise" for a network.
        """
        if isinstance(f, Network):
            model = Model(parts_of_network(f, math or "precise"))
            return model.differentiated(wrt) if wrt else model
        if not isinstance(f, Function):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DiffcError(f"Model.of takes a Function or a Network, not {type(f).__name__}")
        return Model(parts_of_function(f.embedded().graph, wrt, math or f.math))

    def with_math(self, math: str | None) -> Model:
        """Return this model compiled as "precise" or "fast" says; as before where it is None."""
        return self if math in (None, self.math) else Model(replace(self._parts, math=math))

    def differentiated(self, wrt: Sequence[str]) -> Model:
        """Return this model with the derivatives by `wrt` alone: as `Model.of` has them."""
        return Model(self._parts.differentiated(wrt))

    def primal(self, name: str) -> Function:
        """Return the function of which a derivative is taken; an output is its own."""
        derived = self.derived
        return (
            derived.primal(name) if isinstance(derived, DerivedFunctions) and name in derived else self[name]
        )

    def reference(self, name: str) -> Function:
        """Return what a function's kernel should do: derivatives are taken of the output's graph as it is."""
        derived = self.derived
        if not isinstance(derived, DerivedFunctions) or name not in derived:
            return self[name]
        return derived.request(name).make(plain(derived.primal(name)))

    def has(self, kind: str) -> bool:
        """Tell whether there is a derivative of this kind, such as "gradient"."""
        derived = self.derived
        return isinstance(derived, DerivedFunctions) and any(
            derived.request(name).key == kind for name in derived
        )

    @property
    def inputs(self) -> dict[str, Type]:
        """The inputs' types by name, in order, parameters included."""
        return self.function.inputs

    @property
    def network(self) -> Network | None:
        """The network, None for a model of formulas."""
        return self._parts.network

    @property
    def file(self) -> NetworkFile | None:
        """What the file of a network says, with the lines of its keys; None where there is no such file."""
        return self._parts.file

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of a network's parameters, in order; a model of formulas has none."""
        return () if self.network is None else self.network.parameters

    def init(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Return first values of the parameters: functions of the seed, the same bits on every machine."""
        return {} if self.network is None else self.network.init(seed)

    def named(self) -> list[str]:
        """Return the names of all functions: the main one, each output, each derivative."""
        return [*dict.fromkeys([self.main, *self.outputs]), *self.derived]

    def __getitem__(self, name: str) -> Function:
        if name in self.outputs:
            return self.outputs[name]
        if name == self.main:
            return self.function
        if name in self.derived:
            return self.derived[name]
        from diffc.runtime.store.built import UnknownKernel

        raise UnknownKernel(f"{self.name} has no function {name!r}; it has {', '.join(self.named())}")

    def __getattr__(self, name: str) -> Function:
        if name in ("outputs", "derived", "_parts") or (name.startswith("__") and name.endswith("__")):
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
        from diffc.runtime.store.artefact import check_target

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
