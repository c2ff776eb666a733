"""Grows a program line by line: a line stands if NumPy runs it at two sizes and gives moderate numbers.

So the kinds of lines need no rules of shapes: what does not fit is drawn again. Everything random comes from
one generator with a seed, and nothing depends on the order of a set.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import diffc as dc
from tests.fuzz.program import OF_SCALARS, TRANSFORMS, Argument, Options, Program

SAMPLES: tuple[dict[str, int], ...] = ({"N": 5, "M": 4}, {"N": 6, "M": 3})
"""The sizes at which lines are tried; a symbolic extent differs between them, a static one does not."""

SIZES = tuple({"N": n, "M": m} for n, m in ((7, 2), (2, 7), (1, 1), (0, 1), (0, 0)))
"""Further sizes at which programs with symbolic extents are called."""

LARGEST = 1e3
"""No value on the way is larger, so that f32 has digits left."""

MOST = 4000
"""No array on the way has more elements at a sample size."""


class Rejected(Exception):
    """A line does not run, or not with moderate numbers; another one is drawn."""


class Maker:
    """Holds the variables so far, with their values at the two sample sizes."""

    def __init__(self, seed: int) -> None:
        """Draw the arguments."""
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.captured: list[tuple[str, str]] = []
        self.symbolic = self.r.random() < 0.45
        self.dtype = self.r.choice(["f64", "f64", "f32"])
        self.arguments: list[Argument] = []
        for k in range(self.r.choice([1, 1, 2, 2, 3])):
            self.arguments.append(self._argument(k))
        if self.r.random() < 0.15:
            count, below = self.r.choice([1, 2, 5]), self.r.choice([1, 2, 3])
            self.arguments.append(Argument("i", (count,), "i64", below, seed=self.r.randrange(1000)))
        self.spaces = [
            {"np": np, "dc": dc, **{a.name: eval(a.text(s), {"np": np}) for a in self.arguments}}
            for s in SAMPLES
        ]
        self.names = [a.name for a in self.arguments]

    def _argument(self, k: int) -> Argument:
        rank = self.r.choice([1, 1, 2, 2, 2, 3] if k == 0 else [0, 1, 1, 2, 2, 3])
        statics = [1, 2, 3, 3, 4, 5, 7, 9, 16] if rank < 3 else [1, 2, 3, 4]
        shape = [self.r.choice(statics) for _ in range(rank)]
        shape = [0 if self.r.random() < 0.01 else each for each in shape]
        if self.symbolic:
            shape = [self.r.choice(["N", "N", "M"]) if self.r.random() < 0.5 else each for each in shape]
        if k and self.r.random() < 0.5:  # a shape like the first one's fits more often
            shape = list(self.arguments[0].shape[-rank:]) if rank else []
            shape = [1 if self.r.random() < 0.25 else each for each in shape]
        dtype = self.dtype if self.r.random() < 0.95 else "f64"
        layout = self.r.choice(["C", "C", "F", "strided"])
        return Argument("xyz"[k], tuple(shape), dtype, 0, layout, self.r.randrange(1000))

    # -- variables --------------------------------------------------------------------------------

    def shape(self, name: str, sample: int = 0) -> tuple[int, ...]:
        """Return a variable's shape at a sample size."""
        return np.shape(self.spaces[sample][name])

    def rank(self, name: str) -> int:
        return len(self.shape(name))

    def static(self, name: str, axis: int) -> bool:
        """Tell whether an axis has the same extent at both sizes."""
        return self.shape(name)[axis] == self.shape(name, 1)[axis]

    def static_shape(self, name: str) -> list[int | None]:
        """Return a variable's shape, with None for an extent that is symbolic."""
        return [each if self.static(name, axis) else None for axis, each in enumerate(self.shape(name))]

    def is_float(self, name: str) -> bool:
        return np.asarray(self.spaces[0][name]).dtype.kind == "f"

    def pick(self, least: int = 0, most: int = 4, *, such: Callable[[str], bool] | None = None) -> str:
        """Return a variable with so many axes, later ones more often; raise `Rejected` if there is none."""
        pool = [n for n in (*self.names, *self.names[-3:]) if least <= self.rank(n) <= most]
        pool = [n for n in pool if self.is_float(n) and (such is None or such(n))]
        if not pool:
            raise Rejected
        return self.r.choice(pool)

    def axis(self, name: str) -> int:
        return self.r.randrange(self.rank(name))

    def axes(self, name: str) -> int | tuple[int, ...] | None:
        """Return one axis, several or all of them."""
        rank = self.rank(name)
        if not rank or self.r.random() < 0.2:
            return None
        chosen = sorted(self.r.sample(range(rank), self.r.randint(1, rank)))
        chosen = [a - rank if self.r.random() < 0.2 else a for a in chosen]
        return chosen[0] if len(chosen) == 1 and self.r.random() < 0.7 else tuple(chosen)

    # -- lines ------------------------------------------------------------------------------------

    def let(self, text: str) -> str:
        """Add a line that names the value of an expression; return the name, or raise `Rejected`."""
        name = f"v{len(self.lines)}"
        self.run(f"{name} = {text}", name)
        self.names.append(name)
        return name

    def run(self, line: str, name: str) -> None:
        """Add a line that defines or changes a variable; raise `Rejected` if it does not run well."""
        values = []
        for space in self.spaces:
            trial = dict(space)
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    exec(line, trial)
            except (
                ValueError,
                IndexError,
                TypeError,
                AttributeError,
                ArithmeticError,
                np.linalg.LinAlgError,
            ):
                raise Rejected from None
            values.append(trial[name])
        if not all(_is_moderate(each) for each in values):
            raise Rejected
        for space, value in zip(self.spaces, values, strict=True):
            space[name] = value
        self.lines.append(line)

    def capture(self, text: str) -> str:
        """Return the name of an array that the function closes over."""
        name = f"c{len(self.captured)}"
        value = eval(text, {"np": np})
        if np.size(value) > MOST:
            raise Rejected
        for space in self.spaces:
            space[name] = value
        self.captured.append((name, text))
        return name

    def captured_like(self, shape: Sequence[int | None]) -> str:
        """Capture numbers of a shape, with extent 1 for None: small or large, in any dtype and layout."""
        extents = tuple(1 if each is None else each for each in shape)
        random_ = f"np.random.default_rng({self.r.randrange(1000)})"
        text = f"{random_}.uniform(-1.0, 1.0, {extents})"
        how = self.r.choice(["plain", "plain", "strided", "F", "f32", "integers", "reversed"])
        if how == "strided" and extents:
            text = f"np.repeat({text}, 2, axis=-1)[..., ::2]"
        elif how == "F" and len(extents) > 1:
            text = f"np.asfortranarray({text})"
        elif how == "f32" or (self.dtype == "f32" and self.r.random() < 0.8):
            text = f"np.float32({text})"
        elif how == "integers":
            text = f"{random_}.integers(-2, 3, {extents})"
        elif how == "reversed" and extents:
            text = f"{text}[::-1]"
        return self.capture(text)

    # -- the end ----------------------------------------------------------------------------------

    def program(self, kind: str) -> Program:
        """Return the program: a value of the last variables, and the options that are drawn for it."""
        transform = self.r.choice(TRANSFORMS)
        result = self._result(transform)
        options = self._options(transform, result)
        fixed = all(isinstance(e, int) for a in self.arguments for e in a.shape)
        sizes = (SAMPLES[0],) if fixed or not options.traced else (SAMPLES[0], *SIZES)
        lines = (*self.lines, f"return {result}")
        captured = tuple(each for each in self.captured if re.search(rf"\b{each[0]}\b", " ".join(lines)))
        return Program(kind, lines, tuple(self.arguments), captured, sizes, options)

    def _result(self, transform: str) -> str:
        """Return what the program returns: the last value, or a number to which all loose ends contribute."""
        result, r = self.names[-1], self.r
        if not self.is_float(result):
            result = self.let(f"np.where({result}, 1.5, 0.5)")
        if transform in OF_SCALARS or r.random() < 0.2:
            text = " ".join(line.partition("=")[2] for line in self.lines)
            loose = [n for n in self.names[:-1] if not re.search(rf"\b{n}\b", text) and self.is_float(n)]
            parts = [r.choice(_SCALARS).format(result), *(f"np.sum({each})" for each in loose)]
            return self.let(" + ".join(parts[:3]))
        return f"{result}, {self.pick()}" if r.random() < 0.15 else result

    def _options(self, transform: str, result: str) -> Options:
        r = self.r
        size = np.size(self.spaces[0][result]) if result in self.spaces[0] else MOST
        floats = [k for k, a in enumerate(self.arguments) if a.is_float]
        several = (
            transform in ("grad", "value_and_grad", "jvp", "hvp") and len(floats) > 1 and r.random() < 0.4
        )
        wrt = tuple(floats) if several else (r.choice(floats),)
        elements = int(np.prod(self.shape(self.arguments[wrt[0]].name)))
        if (transform == "jacobian" and size * elements > MOST) or (
            transform == "hessian" and elements**2 > MOST
        ):
            transform = "value" if transform == "jacobian" else "grad"
        if r.random() < 0.25:
            return Options(transform, wrt, traced=False)
        if r.random() < 0.03:
            return Options(transform, wrt, lowering="source")
        return Options(
            transform,
            wrt,
            parallel=r.random() < 0.12,
            math="fast" if r.random() < 0.15 else "precise",
            vector=r.choice([0, 0, 0, 16, 32, 64]),
            fixed_batch=transform.startswith("vmap") and r.random() < 0.6,
        )


_SCALARS = (
    "np.sum({0})",
    "np.sum({0})",
    "np.sum({0} ** 2)",
    "np.mean({0} * {0})",
    "np.sum(np.sin({0}))",
    "np.sum({0} * np.exp(-({0} ** 2)))",
)


def _is_moderate(value: Any) -> bool:
    parts = value if isinstance(value, tuple | list) else [value]
    arrays = [np.asarray(each) for each in parts]
    return all(
        a.size <= MOST
        and a.ndim <= 4
        and (a.dtype.kind != "f" or bool(np.all(np.isfinite(a)) and np.all(np.abs(a) < LARGEST)))
        for a in arrays
    )
