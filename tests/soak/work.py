"""The kinds of work of the soak test: each is made for one thread, and does one step when it is called."""

from __future__ import annotations

import os
import random
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import diffc as dc
from diffc.errors import DiffcError
from diffc.runtime.store.cache import default_folder

__all__ = ["WORK"]

Step = Callable[[], "Counter[str]"]


def check(found: object, want: object) -> None:
    """Raise where a result is not what NumPy has."""
    np.testing.assert_allclose(np.asarray(found), np.asarray(want), rtol=1e-9, atol=1e-9)


def programs(draw: random.Random) -> Step:
    """Programs that nobody has compiled before, called once and let go."""

    def step() -> Counter[str]:
        a, b, n = draw.uniform(0.5, 2), draw.uniform(0.5, 2), draw.randrange(1, 40)
        x = np.linspace(0.1, 1, n)
        f = dc.parse(f"sum(exp({a}*x)*sin(x) + {b}*x**3)", {"x": "f64[N]"})
        gradient = dc.grad(f)
        check(f(x), np.sum(np.exp(a * x) * np.sin(x) + b * x**3))
        check(gradient(x), np.exp(a * x) * (a * np.sin(x) + np.cos(x)) + 3 * b * x**2)
        return Counter(kernels=2, calls=2)

    return step


SHARED = {
    "scalar": (dc.parse("a*b + sin(a)"), lambda a, b: a * b + np.sin(a)),
    "vector": (dc.jit(lambda x: np.exp(-x) * x), lambda x: np.exp(-x) * x),
    "gradient": (dc.grad(lambda x: np.sum(np.tanh(x) ** 2)), lambda x: 2 * np.tanh(x) / np.cosh(x) ** 2),
}
PARALLEL = dc.compile(dc.parse("sum(exp(x)*y)", {"x": "f64[N]", "y": "f64[N]"}), parallel=2, cache=False)


def calls(draw: random.Random) -> Step:
    """Calls of what all threads share."""

    def step() -> Counter[str]:
        for _ in range(200):
            f, reference = SHARED[draw.choice(list(SHARED))]
            if reference.__code__.co_argcount == 2:
                args = (draw.random(), draw.random())
            else:
                args = (np.linspace(-1, 1, draw.choice([1, 2, 7, 64, 65])),)
            check(f(*args), reference(*args))
        x = np.linspace(0, 1, draw.choice([10, 300_000]))
        check(PARALLEL(x, x), np.sum(np.exp(x) * x))
        return Counter(calls=201)

    return step


def shapes(draw: random.Random) -> Step:
    """Ever new shapes: of one extent, which is left open, and of two, which are not."""
    one = dc.grad(lambda x: np.sum(x**3) / x.shape[0])
    two = dc.jit(lambda x, w: np.tanh(x @ w))

    def step() -> Counter[str]:
        for _ in range(20):
            x = np.linspace(0, 1, draw.randrange(1, 5000))
            check(one(x), 3 * x**2 / x.size)
        n, m = draw.randrange(1, 9), draw.randrange(1, 9)
        x, w = np.linspace(0, 1, n * m).reshape(n, m), np.linspace(-1, 1, m)
        check(two(x, w), np.tanh(x @ w))
        return Counter(calls=21, shapes=21)

    return step


def cache(draw: random.Random) -> Step:
    """A few programs again and again, while their entries are damaged and removed."""

    def step() -> Counter[str]:
        k = draw.randrange(8)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a link is told of
            f = dc.parse(f"x**{k + 2} + cos({k}*x)", {"x": "f64[N]"})
            x = np.linspace(0, 1, 5)
            check(f(x), x ** (k + 2) + np.cos(k * x))
        return Counter(kernels=1, calls=1, damages=damage(draw))

    return step


def damage(draw: random.Random) -> int:
    """Do harm to an entry of the cache: another thread may read or write it at this moment."""
    entries = list(default_folder().glob("*.kernel"))
    if not entries:
        return 0
    path: Path = draw.choice(entries)
    try:
        how = draw.randrange(5)
        if how == 0:
            path.unlink()
        elif how == 1:
            os.truncate(path, draw.randrange(max(1, path.stat().st_size)))
        elif how == 2:
            os.replace(path, draw.choice(entries))
        elif how == 3:
            path.chmod(draw.choice([0o600, 0o666, 0o000]))
        else:
            data = bytearray(path.read_bytes())
            if data:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(data)
    except OSError:
        return 0
    return 1


TEXTS = (
    "((a + b) * c)**2",
    "sum(exp(x[1:]) * sin(x[:-1]), axis=0) / dim(x, 0)",
    "where(a > 0, log(a), a**3) + [1, 2.5e-3, c][1]",
    "softmax(w @ v + b)",
    "clip(maximum(a, -b), 0, 1) % 0.5",
)
PIECES = (
    *"()[]{},.:+-*/%@<>=!&|~'\"\\#_0123456789abcex \n\t",
    "**",
    "1e999",
    "sum(",
    "[N]",
    "\0",
    "é",
    "9" * 400,
)


def texts(draw: random.Random) -> Step:
    """Formulas and IR with random changes: each is parsed and differentiated, or refused."""

    def step() -> Counter[str]:
        done: Counter[str] = Counter()
        for _ in range(20):
            text = draw.choice(TEXTS)
            for _ in range(draw.randrange(1, 5)):
                k = draw.randrange(len(text) + 1)
                text = text[:k] + draw.choice(["", draw.choice(PIECES)]) + text[k + draw.randrange(3) :]
            done["texts"] += 1
            try:
                dc.grad(dc.parse(text))
            except DiffcError:
                pass
            except Exception:  # `tests.fuzz` holds every kind of text to a DiffcError; here they are counted
                done["surprises"] += 1
        return done

    return step


WORK: dict[str, Callable[[random.Random], Step]] = {
    "programs": programs,
    "calls": calls,
    "shapes": shapes,
    "cache": cache,
    "texts": texts,
}
