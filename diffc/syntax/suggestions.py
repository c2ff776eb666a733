"""What a person may have meant by a name that is not known: the nearest one, or what stands for it here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import islice

__all__ = ["instead_of_function", "instead_of_name", "nearest"]

_CUTOFF = 0.74
_MAX_NAMES = 1000

_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "sgn": ("sign",),
    "swish": ("silu",),
    "identity": ("linear", "eye"),
    "none": ("linear",),
    "fullyconnected": ("dense",),
    "fc": ("dense",),
    "mse": ("squared_error",),
    "meansquarederror": ("squared_error",),
    "l2": ("squared_error",),
    "mae": ("absolute_error",),
    "l1": ("absolute_error",),
    "meanabsoluteerror": ("absolute_error",),
    "bce": ("binary_cross_entropy",),
    "bcewithlogits": ("sigmoid_cross_entropy",),
    "crossentropy": ("softmax_cross_entropy",),
    "nll": ("negative_log_likelihood",),
    "tg": ("tan",),
    "arctg": ("atan",),
    "determinant": ("det",),
    "inverse": ("inv",),
    "average": ("mean",),
    "avg": ("mean",),
    "clamp": ("clip",),
    "int": ("trunc",),
    "float": ("f64",),
    "round": ("rint",),
    "sqr": ("square",),
    "tr": ("trace",),
    "inner": ("dot",),
    "comb": ("binom",),
    "choose": ("binom",),
    "binomial": ("binom",),
    "lngamma": ("gammaln",),
}
"""Names that others have for what bears another one here, folded."""

_FUNCTIONS: Mapping[str, str] = {
    "factorial": "gamma(x + 1)",
    "doublefactorial": "factorial2(x)",
    "w": "lambertw(x)",
    "phi": "erfc(-x/sqrt(2))/2",
    "normcdf": "erfc(-x/sqrt(2))/2",
    "ndtr": "erfc(-x/sqrt(2))/2",
    "ndtri": "-sqrt(2)*erfcinv(2*x)",
    "probit": "-sqrt(2)*erfcinv(2*x)",
    "gelu": "x*erfc(-x/sqrt(2))/2",
    "silu": "x*sigmoid(x)",
    "swish": "x*sigmoid(x)",
    "mish": "x*tanh(softplus(x))",
    "elu": "where(x > 0, x, expm1(x))",
    "relu6": "clip(x, 0, 6)",
    "softsign": "x/(1 + abs(x))",
    "root": "x**(1/y)",
    "nthroot": "x**(1/y)",
    "acot": "atan(1/x)",
    "asec": "acos(1/x)",
    "acsc": "asin(1/x)",
    "diff": "x[1:] - x[:-1]",
    "erfi": "",
    "kron": "",
    "rand": "",
    "gradient": "",
    "sec": "1/cos(x)",
    "csc": "1/sin(x)",
    "cosec": "1/sin(x)",
    "cot": "1/tan(x)",
    "ctg": "1/tan(x)",
    "sech": "1/cosh(x)",
    "csch": "1/sinh(x)",
    "coth": "1/tanh(x)",
    "len": "dim(x)",
    "size": "dim(x)",
    "shape": "dim(x, axis)",
    "mse": "mean((x - y)**2)",
    "mae": "mean(abs(x - y))",
    "rmse": "sqrt(mean((x - y)**2))",
    "step": "heaviside(x, 1)",
    "piecewise": "where(condition, x, y)",
    "if": "where(condition, x, y)",
    "iif": "where(condition, x, y)",
    "hstack": "concatenate([x, y])",
    "vstack": "stack([x, y])",
    "tile": "broadcast_to(x, shape)",
    "repeat": "broadcast_to(x, shape)",
    "squeeze": "reshape(x, shape)",
    "deg": "rad2deg(x)",
    "rad": "deg2rad(x)",
    "median": "",
    "integrate": "",
    "cross": "",
    "zeta": "",
}
"""What to write for functions that are none here; nothing where there is no short form."""

_NAMES: Mapping[str, str] = {
    "E": "write e for Euler's number",
    "I": "complex numbers are not supported",
    "oo": "write inf for infinity",
    "π": "write pi",
    "𝜋": "write pi",
}
"""What names mean elsewhere."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ", did you mean 'x'?" for the most similar name, or nothing."""
    from difflib import get_close_matches  # of no use to a process without errors

    known = {_folded(each): each for each in islice(names, _MAX_NAMES)}
    folded = _folded(name[:100])
    listed = set(known.values())
    found = [known[folded]] if folded in known else []
    found += [each for each in _OTHER_NAMES.get(folded, ()) if each in listed]
    if not found:
        found = [known[each] for each in known if _is_slip(folded, each)]
    if not found:
        found = [known[each] for each in get_close_matches(folded, list(known), 1, _CUTOFF)]
    return f"; did you mean '{found[0]}'?" if found else ""


def instead_of_function(name: str, names: Iterable[str]) -> str:
    """Return what to write for a function that is not known, or nothing."""
    written = _FUNCTIONS.get(name.lower())
    if written is None:
        return nearest(name, names)
    return f": write {written}" if written else ""


def instead_of_name(name: str) -> str | None:
    """Return what to write for a name that is no input and means something elsewhere, None for any other."""
    return _NAMES.get(name)


def _is_slip(name: str, known: str) -> bool:
    """Tell whether a name has the letters of another in another order, or is the start of it."""
    return sorted(name) == sorted(known) or (len(name) > 2 and known.startswith(name))


def _folded(name: str) -> str:
    """Return a name without case, accents and what separates its words."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.sub(r"[\s_-]", "", plain.casefold())
