"""A finding as a test that is ready to stand beside its peers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.check import Finding
from tests.fuzz.program import Program

__all__ = ["as_test"]

MOST = 60
"""No expected result with more elements is written out."""


def as_test(program: Program, finding: Finding, seed: int) -> str:
    """Return the text of a pytest test that fails as long as the fault is there."""
    options, wrt = program.options, program.wrt
    symbols = finding.symbols if finding.symbols in program.sizes else program.sizes[0]
    lines = [f"def test_{program.kind}_{options.transform}_{seed}():"]
    lines.append(f'    """{finding.kind}: {_shown(finding.detail)}"""')
    lines += [f"    {name} = {text}" for name, text in program.captured]
    lines += ["", *(f"    {line}" for line in program.source.splitlines()), ""]
    if options.traced:
        types = ", ".join(f"dc.{a.dtype}({', '.join(repr(e) for e in a.shape)})" for a in program.arguments)
        lines.append(f"    g = dc.trace(f, {types})")
    else:
        lines.append("    g = f" if options.transform != "value" else "    g = dc.jit(f)")
    match options.transform:
        case "value":
            pass
        case "vmap":
            lines.append(f"    g = dc.vmap(g, size={options.batch})")
        case "vmap_of_grad":
            lines.append(f"    g = dc.vmap(dc.grad(g, {wrt}), size={options.batch})")
        case name:
            lines.append(f"    g = dc.{name}(g, {wrt})")
    if options.traced:
        given = {"math": options.math, "parallel": options.parallel, "lowering": options.lowering}
        plain = {"math": "precise", "parallel": False, "lowering": "llvm"}
        chosen = "".join(f", {key}={value!r}" for key, value in given.items() if value != plain[key])
        lines.append(f"    g = dc.compile(g, cache=False{chosen})")
    if options.vector:
        lines[-1] += f"  # for vectors of {options.vector} bytes"
    texts = program.argument_texts(symbols)
    if options.pushes:
        texts += [_literal(each) for each in program.directions(symbols)]
    if finding.kind == "accepted":
        lines += ["    with pytest.raises(dc.DiffcError):", f"        g({', '.join(texts)})"]
        return "\n".join(lines)
    lines.append(f"    found = g({', '.join(texts)})")
    single = any(np.asarray(each).dtype == np.float32 for each in finding.want)
    digits = "1e-4, 1e-5" if single else "1e-9, 1e-12"
    if finding.want and sum(np.size(each) for each in finding.want) <= MOST:
        want = ", ".join(_literal(each) for each in finding.want)
        if len(finding.want) == 1:
            lines.append(f"    np.testing.assert_allclose(found, {want}, {digits})")
        else:
            lines.append(
                f"    for got, want in zip(leaves(found), [{want}], strict=True):  # of tests.fuzz.references"
            )
            lines.append(f"        np.testing.assert_allclose(got, want, {digits})")
    return "\n".join(lines)


def _literal(value: Any) -> str:
    text = np.array2string(
        np.asarray(value), separator=", ", threshold=10**6, floatmode="unique", max_line_width=10**6
    )
    return f"np.array({text})".replace("nan", "np.nan").replace("inf", "np.inf").replace("\n", "")


def _shown(text: str) -> str:
    return " ".join(text.replace('"', "'").split())[:300]
