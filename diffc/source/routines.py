"""Routines as generated source: one call of NumPy that Numba compiles, too."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.loops.library import Part, Routine
from diffc.source.naming import Names
from diffc.source.notation import extent_text, sum_text

__all__ = ["routine_lines"]

_CALLS = {
    "solve": "{out} = np.linalg.solve({0}, {1}.T).T",
    "cholesky": "{out} = np.linalg.cholesky({0})",
    "det": "{out} = np.linalg.det({0})",
    "slogdet": "{part}[0], {part}[1] = np.linalg.slogdet({0})",
    "eigh": "{part}[0], {part}[1:] = np.linalg.eigh({read})",
    "qr": "{part}[:{n0}], {part}[{n0}:] = np.linalg.qr({0})",
    "svd": "{part}[:{n0}], {part}[{n0}], {part}[{n0} + 1:].T[:] = np.linalg.svd({read}, False)",
}
_READ = {"eigh": "np.tril({0})", "svd": "{0}"}
"""What is read, by the routines that need not end on numbers that are not finite."""

_TRIANGULAR = "{out} = np.linalg.solve(np.%s({0}), {1}.T).T"
_SORTING = {
    "argsort": '{out} = np.argsort({0}, kind="mergesort")',
    "searchsorted": '{part}.reshape(-1)[:] = np.searchsorted({0}, {1}.reshape(-1), "%s")',
}


def routine_lines(item: Routine, names: Names) -> Sequence[str]:
    """Return the lines that run a routine; a matrix that NumPy refuses gives NaN."""
    attrs = item.node.attrs
    if item.name in _SORTING:
        template = _SORTING[item.name]
        return [_filled(template % attrs["side"] if "%s" in template else template, item, names)]
    if item.name == "triangular_solve":
        template = _TRIANGULAR % ("tril" if attrs["lower"] else "triu")
    else:
        template = _CALLS[item.name]
    call, failure = (_filled(each, item, names) for each in (template, "{out} = np.nan"))
    guard: list[str] = []
    if item.name in _READ:
        guard = [f"    if not np.all(np.isfinite({_filled('{read}', item, names)})):"]
        guard += ['        raise ValueError("not finite")']
    return ["try:", *guard, f"    {call}", "except Exception:", f"    {failure}"]


def _filled(template: str, item: Routine, names: Names) -> str:
    part = _part(item.out, names)
    whole = "[:]" if item.out.buffer.type.rank else "[()]"
    sizes = {f"n{k}": extent_text(extent, names.symbols) for k, extent in enumerate(item.sizes)}
    out = part if item.out.index else part + whole
    inputs = [_part(each, names) for each in item.inputs]
    f64 = inputs[0] if item.out.buffer.type.dtype == "f64" else f"{inputs[0]}.astype(np.float64)"
    read = _READ.get(item.name, "").format(f64)
    return template.format(*inputs, out=out, part=part, read=read, **sizes)


def _part(part: Part, names: Names) -> str:
    name = names.buffers[part.buffer]
    index = ", ".join(sum_text(at, names.symbols, {}) for at in part.index)
    return f"{name}[{index}]" if index else name
