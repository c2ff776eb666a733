"""Writes docs/vector-maths.md: the largest error of each elementary function, measured against mpmath.

    python -m tests.bench.accuracy [NUMBER]

NUMBER arguments (10,000 unless given) are drawn from the range where a function is used most; those of the
tests, of all magnitudes and at the places known to be hard, come in addition. It takes minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "lower"))
from tests.emit.vecmath_cases import CASES, arguments_and_truth, ulps
from tests.emit.vecmath_kernels import DTYPES, LANES, compiled

Arrays = tuple[NDArray[np.floating[Any]], ...]

PAGE = Path(__file__).parents[2] / "docs" / "vector-maths.md"
RANGES: dict[str, tuple[float, float]] = {
    "exp": (-20, 20), "exp2": (-20, 20), "expm1": (-2, 2), "log": (0, 4), "log2": (0, 4), "log10": (0, 4),
    "log1p": (-1, 3), "sqrt": (0, 4), "cbrt": (-8, 8), "sin": (-20, 20), "cos": (-20, 20), "tan": (-20, 20),
    "asin": (-1, 1), "acos": (-1, 1), "atan": (-4, 4), "sinh": (-4, 4), "cosh": (-4, 4), "tanh": (-4, 4),
    "asinh": (-4, 4), "atanh": (-1, 1),
    "sigmoid": (-20, 20), "softplus": (-20, 20), "erf": (-4, 4), "erfc": (-4, 10), "erfinv": (-1, 1),
    "erfcinv": (0, 2), "lambertw": (0, 20), "atan2": (-4, 4),
    "logaddexp": (0, 20), "pow": (0, 10), "hypot": (-4, 4), "gammaln": (0, 20), "digamma": (0, 20),
    "polygamma_1": (0, 20), "polygamma_2": (0, 20), "polygamma_3": (0, 20), "polygamma_8": (0, 40),
    "polygamma_20": (0, 60),
}  # fmt: skip
HEAD = """# The accuracy of the vector maths

Written by `python -m tests.bench.accuracy`. Compiled code computes the elementary functions by
[`diffc/emit/maths/`](../diffc/emit/maths), in vectors as wide as the machine's. The table gives the
largest error against mpmath, in units in the last place of the true value; half a unit is the least that
rounding can do. It is over {count:,} arguments from the range beside it and {more:,} or more of all
magnitudes, down to the subnormals, with those that are hardest: multiples of pi/2, neighbours of 1, results
about to overflow. The tests hold every function to {usual:g} ulp, but {others}.

Special values are those of IEEE 754 and NumPy: NaN, infinities, signed zeros, gradual underflow. `exp2`,
`log2` and `log10` are exact where the result is, `mod`, `fmod` and `floor_divide` agree with NumPy to the
last bit. Where `logaddexp` cancels, its error is small beside the larger operand, not beside the result.

`gammaln`, `digamma` and `polygamma_n`, which `polygamma(n, x)` calls for n up to 20, hold the bound for
x > 0, also next to the zeros of `gammaln` at 1 and 2 and that of `digamma` at 1.46. Below 0 they go through a
reflection: between the poles there are zeros, and the error is small beside the larger of the value and 1,
but not beside a value near 0: 1e-15 for `gammaln` and `digamma`, 1e-14 for `polygamma_2`, 3e-13 for
`polygamma_20`. `gamma` is made of `gammaln`, so that its relative error grows to 1e-13 where it is about to
overflow.

| function | range | f64 | f32 |
| --- | --- | --- | --- |
"""


def drawn(name: str, kind: str, count: int) -> Arrays:
    """Return random arguments from the range of the function; the second of a power is of either sign."""
    rng = np.random.default_rng(17)
    low, high = RANGES[name]
    arity = 2 if name in ("atan2", "pow", "logaddexp", "hypot") else 1
    arrays = rng.uniform(low, high, (arity, count))
    if name == "pow":
        arrays[1] -= high / 2
    return tuple(each.astype(DTYPES[kind]) for each in arrays)


def largest_error(name: str, kind: str, count: int) -> tuple[float, int]:
    """Return the largest error in ulps, and how many of the tests' arguments it covers."""
    hard, truth = arguments_and_truth(name, kind)
    arguments = drawn(name, kind, count)
    with mpmath.workdps(50):
        truth = truth + [
            CASES[name].reference(*map(mpmath.mpf, row))
            for row in zip(*[x.tolist() for x in arguments], strict=True)
        ]
        joined = [np.concatenate(pair) for pair in zip(hard, arguments, strict=True)]
        results = compiled(name, kind, LANES[kind][1])(*joined).tolist()
        error = max(ulps(result, true, kind) for result, true in zip(results, truth, strict=True))
    return error, len(hard[0])


def main() -> None:
    """Measure and write the page."""
    from diffc.emit.maths import MAX_ULP

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows, covered = list[str](), list[int]()
    for name in CASES:
        errors = [largest_error(name, kind, count) for kind in DTYPES]
        covered += [number for _, number in errors]
        low, high = RANGES[name]
        shown = f"{low:g} to {high:g}"
        rows.append(f"| `{name}` | {shown} | {errors[0][0]:.2f} | {errors[1][0]:.2f} |\n")
        print(rows[-1], end="", flush=True)
    usual = min(MAX_ULP.values())
    others = ", ".join(f"`{name}` to {bound:g}" for name, bound in MAX_ULP.items() if bound > usual)
    head = HEAD.format(count=count, more=min(covered) // 100 * 100, usual=usual, others=others)
    PAGE.write_text(head + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
