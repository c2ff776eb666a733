"""The command line in-process: `diffc("derive", "x**2")` gives its status, stdout and stderr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from diffc.cli import main

SURFACE = """\
[model]
name = "surface"
[inputs]
a = "f64"
b = "f64"
c = "f64"
[outputs]
f = "((a + b) * c)**2"
[derive]
gradient = ["a", "b", "c"]
hessian  = ["a", "b", "c"]
partials = [["a", "b"], ["a", "c"]]
"""

WAVE = """\
[inputs]
k = "f64"
x = "f64[N]"
M = "f32[N, 2]"
[outputs]
y = "sum(sin(k*x))"
z = "x @ M"
[derive]
gradient = ["k", "x"]
jacobian = ["k"]
"""


class Result(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(cache_folder, monkeypatch):
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(cache_folder))
    monkeypatch.delenv("DIFFC_DEBUG", raising=False)


@pytest.fixture
def diffc(capsys):
    def call(*arguments: object) -> Result:
        capsys.readouterr()
        status = main([str(each) for each in arguments])
        return Result(status, *capsys.readouterr())

    return call


@pytest.fixture
def refused(diffc, tmp_path):
    """Call, expect status 2 and one message with these parts, and nothing printed or written."""

    def call(*arguments: object, says: str | tuple[str, ...]) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = diffc(*arguments)
        assert result.status == 2, result
        assert result.out == ""
        assert "Traceback" not in result.err
        assert len(result.err) < 2000
        for part in (says,) if isinstance(says, str) else says:
            assert part in result.err
        assert sorted(tmp_path.rglob("*")) == before
        return result.err

    return call


@pytest.fixture
def surface(tmp_path) -> Path:
    path = tmp_path / "surface.toml"
    path.write_text(SURFACE)
    return path


@pytest.fixture
def wave(tmp_path) -> Path:
    path = tmp_path / "wave.toml"
    path.write_text(WAVE)
    return path


@pytest.fixture(scope="session")
def environment(cache_folder):
    """For subprocesses."""
    root = str(Path(__file__).parent.parent.parent)
    return {**os.environ, "PYTHONPATH": root, "DIFFC_CACHE_DIR": str(cache_folder)}
