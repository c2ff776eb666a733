"""The architecture as a test: who may import whom, no cycles, no big or nameless files.

The imports are read from the sources with `ast`: also those inside functions and under `if TYPE_CHECKING:`.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "diffc"

FOUNDATION = {
    "errors": set(),
    "forks": set(),
    "tuning": set(),
    "ir": {"errors"},
    "ops": {"errors", "ir"},
    "abi": {"errors", "tuning", "ir"},
    "syntax": {"errors", "ir", "ops"},
    "loops": {"errors", "tuning", "ir", "ops"},
}
SHARED = {*FOUNDATION}
STAGES = (
    *("frontends", "autodiff", "optimize", "schedule", "emit", "source", "blocks", "runtime", "proof", "nn"),
)
ABOVE = ("compiler", "functions", "model", "testing", "training", "cli", "__main__", "__init__")
"""The parts that join the stages, from the lowest to the highest: each may import those below it."""
EXTRA = {"proof": {"autodiff"}}
"""A proof is about derivatives, so it applies the rules that make them."""

HEAVY = {
    "sympy": ("frontends/sympy", "proof/"),
    "numba": ("runtime/",),
    "llvmlite": ("runtime/",),
    "scipy": ("runtime/", "training/lbfgs"),  # the training takes L-BFGS from it
    "safetensors": ("training/checkpoint",),
    "matplotlib": ("training/",),
    "tqdm": ("cli/",),
    "mpmath": ("proof/", "optimize/evaluation"),
}
"""Where an outside package may be imported; NumPy and the standard library may be anywhere."""

MAX_LINES = 400
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Import:
    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def read_imports(name: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute"
            base = node.module or ""
            targets = [f"{base}.{n.name}" if f"{base}.{n.name}" in modules() else base for n in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            targets = [each.value for each in node.args[:1] if isinstance(each, ast.Constant)]
        else:
            continue
        for target in dict.fromkeys(targets):
            yield Import(name, target, node.lineno)


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(each for name, path in modules().items() for each in read_imports(name, path))


def part_of(module: str) -> str:
    """`diffc.ir.node` -> `ir`; `diffc` itself -> `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def allowed(part: str) -> set[str]:
    """The other parts that a part may import."""
    if part in FOUNDATION:
        return FOUNDATION[part]
    if part in STAGES:
        return SHARED | EXTRA.get(part, set())
    return SHARED | set(STAGES) | set(ABOVE[: ABOVE.index(part)])


def test_every_part_has_a_place() -> None:
    parts = {part_of(name) for name in modules()}
    assert parts <= {*FOUNDATION, *STAGES, *ABOVE}


def test_layers() -> None:
    breaches = []
    for each in all_imports():
        if each.target.split(".")[0] != "diffc":
            continue
        source, target = part_of(each.source), part_of(each.target)
        if source != target and target not in allowed(source):
            breaches.append(f"{each}: {source} may import {', '.join(sorted(allowed(source))) or 'nothing'}")
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize("package", HEAVY)
def test_heavy_packages_stay_where_they_belong(package: str) -> None:
    breaches = []
    for each in all_imports():
        place = modules()[each.source].relative_to(PACKAGE).as_posix()
        if each.target.split(".")[0] == package and not place.startswith(HEAVY[package]):
            breaches.append(str(each))
    assert not breaches, "\n".join(breaches)


def test_no_cycles() -> None:
    """Not even through late imports, which serve the start-up time alone, or imports of types alone."""
    ring: dict[str, set[str]] = {name: set() for name in modules()}
    for each in all_imports():
        if each.target in ring and each.target != each.source:
            ring[each.source].add(each.target)
    while True:
        used = set().union(*ring.values())
        outside = [name for name, targets in ring.items() if name not in used or not targets & ring.keys()]
        if not outside:
            break
        for name in outside:
            del ring[name]
        ring = {name: targets & ring.keys() for name, targets in ring.items()}
    assert not ring, "\n".join(f"{name} -> {', '.join(sorted(targets))}" for name, targets in ring.items())


def test_import_is_light() -> None:
    """`import diffc` loads none of the heavy packages, and neither does building a derivative."""
    script = """
import json, sys, time
start = time.perf_counter()
import diffc
took = time.perf_counter() - start
bare = sorted(sys.modules)
g = diffc.grad(diffc.parse("sin(x)*exp(y)"), "x")
print(json.dumps([took, bare, sorted(sys.modules)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    took, bare, derived = json.loads(done.stdout)
    print(f"import diffc: {1e3 * took:.1f} ms, {len(bare)} modules")
    assert not {"numpy", *HEAVY} & set(bare)
    assert not set(HEAVY) & set(derived)


@pytest.mark.parametrize("name", [name for name in modules() if not name.split(".")[-1].startswith("__")])
def test_module_is_small_named_and_introduced(name: str) -> None:
    text = modules()[name].read_text(encoding="utf-8")
    assert name.split(".")[-1] not in NAMELESS
    assert text.count("\n") <= MAX_LINES, f"{name} has {text.count(chr(10))} lines, more than {MAX_LINES}"
    assert ast.get_docstring(ast.parse(text)), f"{name} does not say where it stands"


def test_tests_are_defined_once() -> None:
    """Of two tests with one name in a file, Python keeps the second only."""
    twice = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        names = [
            n.name for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)
        ]
        twice += [f"{path.name}: {name}" for name in set(names) if names.count(name) > 1]
    assert not twice, twice
