"""Calls of NumPy's functions with an argument that is odd or wrong, made from calls that are right."""

from __future__ import annotations

import ast
import inspect
import random
import runpy
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ODD", "odd_calls"]

_DOCS = Path(__file__).parents[3] / "docs" / "numpy_examples.py"
EXAMPLES = runpy.run_path(str(_DOCS))

ODD = (
    "None", "[]", "()", "{}", "[[]]", "[None]", "''", "'x'", "'float32'", "'wrap'", "0", "1", "-1", "7",
    "-9", "10**30", "-10**30", "2.5", "-0.0", "1e400", "float('nan')", "True", "False", "2j", "[0]",
    "[1, 0]", "(0, 0)", "(-1, 0)", "[1.5]", "[True]", "[True, False, True]", "[[1, 2], [3]]",
    "[[0, 1], [1, 2]]", "'a', 'b'", "slice(1)", "slice(None, None, -1)", "...", "np.newaxis", "np.array(1)",
    "np.array([1, 2])", "np.array([])", "np.array('x')", "np.array(None)", "np.float32(2)", "np.int64(3)",
    "np.uint8(1)", "np.zeros((2, 0))", "np.ones((1, 1, 1, 1, 1))", "np.nan", "np.array([1j])", "object()",
    "int", "float", "np.float16", "np.sum", "lambda: 0", "v", "s", "i", "c", "x", "t", "x.T", "x[:0]",
    "v[0]", "i[0]", "x.shape", "x.shape[0]", "[x, 1.0]", "[v[0], 'x']", "(v, None)", "range(3)",
    "dict(a=1)", "b'x'",
)  # fmt: skip
"""What stands in the place of an argument. The names are those of the examples' arrays."""

_KEYWORDS = (
    "axis", "axes", "keepdims", "where", "initial", "out", "dtype", "order", "casting", "mode", "k", "n",
    "ddof", "axisa", "weights", "returned", "decimals", "fill_value", "shape", "offset", "rowvar", "bias",
    "prepend", "append", "edge_order", "method", "side", "sorter", "subok", "indexing", "left", "right",
    "period", "nope",
)  # fmt: skip


def odd_calls(text: str, count: int, seed: int) -> Iterator[str]:
    """Yield calls like the one in `text`, each with one or two arguments changed, added or left out."""
    choose = random.Random(f"{seed} {text}")
    for _ in range(count):
        tree = ast.parse(text, mode="eval")
        call = tree.body
        if not isinstance(call, ast.Call):
            return
        for _ in range(choose.choice((1, 1, 2))):
            _change(call, text, choose)
        yield ast.unparse(tree)


def _change(call: ast.Call, text: str, choose: random.Random) -> None:
    value = _odd(choose)
    how = choose.randrange(6)
    if how <= 1 and call.args:
        call.args[choose.randrange(len(call.args))] = value
    elif how == 2 and call.keywords:
        choose.choice(call.keywords).value = value
    elif how == 3:
        call.args.append(value)
    elif how == 4 and call.args:
        call.args.pop()
    else:
        taken = {each.arg for each in call.keywords}
        names = [each for each in (*_parameters(text), *_KEYWORDS) if each not in taken]
        call.keywords.append(ast.keyword(choose.choice(names), value))


def _parameters(text: str) -> list[str]:
    """Return the parameters' names, several times each, so that they come before others' names."""
    try:
        return 6 * list(inspect.signature(EXAMPLES["Call"](text).numpy_function).parameters)
    except (ValueError, TypeError):
        return []


def _odd(choose: random.Random) -> ast.expr:
    return ast.parse(choose.choice(ODD), mode="eval").body
