"""A program of the fuzzer: a plain NumPy function as source text, its arguments, and what is asked of it."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import diffc as dc

TRANSFORMS = ("value", "grad", "value_and_grad", "jacobian", "hessian", "jvp", "hvp", "vmap", "vmap_of_grad")
"""What may be asked of a program."""

OF_SCALARS = ("grad", "value_and_grad", "hessian", "hvp", "vmap_of_grad")
"""Transforms of functions whose value is a number."""

BATCH = 3
"""How many examples a mapped function gets."""


@dataclass(frozen=True)
class Argument:
    """An array that the function takes; an extent is a number or a symbol. Integers lie in [0, `below`)."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "f64"
    below: int = 0
    layout: str = "C"
    seed: int = 0

    @property
    def is_float(self) -> bool:
        return self.dtype != "i64"

    def type(self, symbols: Mapping[str, int]) -> Any:
        """Return the type; symbols that have no value here stay what they are."""
        return getattr(dc, self.dtype)(*(symbols.get(e, e) if isinstance(e, str) else e for e in self.shape))

    def text(self, symbols: Mapping[str, int], batch: int | None = None) -> str:
        """Return the array as NumPy text; `batch` is the extent of an axis in front, of a mapped function."""
        extents = [each if isinstance(each, int) else symbols[each] for each in self.shape]
        shape = tuple(extents if batch is None else [batch, *extents])
        random = f"np.random.default_rng({self.seed})"
        if not self.is_float:
            return f"{random}.integers(0, {self.below}, {shape})"
        text = f"{random}.uniform(-1.5, 1.5, {shape})"
        text = f"np.float32({text})" if self.dtype == "f32" else text
        if len(shape) > 1 and self.layout == "F":
            text = f"np.asfortranarray({text})"
        if shape and self.layout == "strided":
            text = f"np.repeat({text}, 2, axis=-1)[..., ::2]"
        return text


@dataclass(frozen=True)
class Options:
    """How a program is transformed, compiled and called.

    `vector` is the width of vectors in bytes that code is made for, 0 for the machine's own. A program that
    is not `traced` goes through the transforms of plain functions, which compile as they are called. What is
    mapped over has a fixed extent or a symbolic one.
    """

    transform: str = "value"
    wrt: tuple[int, ...] = (0,)
    parallel: bool = False
    math: str = "precise"
    lowering: str = "llvm"
    vector: int = 0
    traced: bool = True
    fixed_batch: bool = False

    @property
    def pushes(self) -> bool:
        """Whether a call takes a tangent for each argument by which is derived."""
        return self.transform in ("jvp", "hvp")

    @property
    def batch(self) -> int | None:
        """The extent that a mapped function is told."""
        return BATCH if self.fixed_batch else None

    @property
    def order(self) -> int:
        """Which derivative is asked for."""
        return {"value": 0, "vmap": 0, "hessian": 2, "hvp": 2}.get(self.transform, 1)


@dataclass(frozen=True)
class Program:
    """A function of `np` and `dc` as lines of Python, the arrays it captures, and the extents of its calls.

    `captured` gives each captured array its NumPy text. The first of `sizes` is the main one.
    """

    kind: str
    lines: tuple[str, ...]
    arguments: tuple[Argument, ...]
    captured: tuple[tuple[str, str], ...] = ()
    sizes: tuple[Mapping[str, int], ...] = field(default=({},))
    options: Options = Options()

    @property
    def source(self) -> str:
        """The function's text."""
        names = ", ".join(each.name for each in self.arguments)
        return "\n".join([f"def f({names}):", *(f"    {line}" for line in self.lines)]) + "\n"

    def given(self, symbols: Mapping[str, int]) -> list[Any]:
        """Return what a call takes: the arguments, and tangents behind them where the transform has some."""
        return [*self.arrays(symbols), *(self.directions(symbols) if self.options.pushes else ())]

    @property
    def has_f32(self) -> bool:
        """Whether some of its numbers have seven digits only."""
        texts = [text for _, text in self.captured]
        return any(each.dtype == "f32" for each in self.arguments) or "float32" in " ".join(texts)

    @property
    def wrt(self) -> int | tuple[int, ...]:
        """By which arguments is derived, as transforms take it."""
        return self.options.wrt[0] if len(self.options.wrt) == 1 else self.options.wrt

    @property
    def live(self) -> Program:
        """The program without the lines on which its result does not depend."""
        kept: list[str] = []
        needed = set(re.findall(r"\w+", self.lines[-1]))
        for line in reversed(self.lines[:-1]):
            name = line.partition(" = ")[0].split()[-1]
            if name in needed:
                kept.append(line)
                needed |= set(re.findall(r"\w+", line))
        return replace(self, lines=(*reversed(kept), self.lines[-1]))

    def function(self, numpy: Any = np, diffc: Any = dc) -> Callable[..., Any]:
        """Return the function, with these modules as its `np` and `dc`; captured arrays are NumPy's."""
        namespace: dict[str, Any] = {"np": np}
        for name, text in self.captured:
            namespace[name] = eval(text, namespace)
        namespace |= {"np": numpy, "dc": diffc}
        name = "<fuzz>"
        linecache.cache[name] = (len(self.source), None, self.source.splitlines(keepends=True), name)
        exec(compile(self.source, name, "exec"), namespace)
        return namespace["f"]

    def arrays(self, symbols: Mapping[str, int]) -> list[Any]:
        """Return the arguments where the symbols have these values, with a batch if they are mapped over."""
        return [eval(text, {"np": np}) for text in self.argument_texts(symbols)]

    def argument_texts(self, symbols: Mapping[str, int]) -> list[str]:
        batch = BATCH if self.options.transform.startswith("vmap") else None
        return [each.text(symbols, batch) for each in self.arguments]

    def directions(self, symbols: Mapping[str, int]) -> list[Any]:
        """Return a random tangent for each argument by which is derived."""
        arrays = self.arrays(symbols)
        rng = np.random.default_rng(99)
        return [np.asarray(rng.uniform(-1, 1, arrays[k].shape), arrays[k].dtype) for k in self.options.wrt]
