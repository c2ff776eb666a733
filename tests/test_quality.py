"""Lint, format and types as tests, and the examples in docstrings."""

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "diffc").rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


def run_tool(*arguments: str) -> None:
    """Run a tool of this environment in the project's folder; fail with what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_lint() -> None:
    run_tool("ruff", "check", "--no-cache", ".")


def test_format() -> None:
    run_tool("ruff", "format", "--no-cache", "--check", ".")


def test_types() -> None:
    run_tool("basedpyright", "--pythonpath", sys.executable)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    """Every `>>>` in a docstring gives what stands below it."""
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed, f"{result.failed} of {result.attempted} examples in {name} are wrong"
