"""One minute of the soak test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.scale
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_minute_of_everything_at_once(tmp_path):
    place = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.soak", "--minutes", "1", "--json", str(place)]
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(place.read_text())
    assert figures["hangs"] == figures["failures"] == 0
    for name in ("calls", "kernels", "shapes", "forks", "texts", "damages"):
        assert figures[name] > 0, name
