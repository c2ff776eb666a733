"""The examples run, and what they print is what they claim."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from diffc.frontends.model_file import load_model_file
from diffc.ops import evaluate

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def pendulum():
    return runpy.run_path(str(EXAMPLES / "double_pendulum.py"))


@pytest.fixture(scope="module")
def enzyme():
    return runpy.run_path(str(EXAMPLES / "enzyme_kinetics.py"))


class TestDoublePendulum:
    def test_energy_is_conserved(self, pendulum, tmp_path, capsys):
        picture = tmp_path / "pendulum.png"
        assert pendulum["TOLERANCE"] == 1e-8
        assert pendulum["main"](["--seconds", "10", "--out", str(picture)]) == 0
        assert "largest energy error" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)

    def test_equations_of_motion(self, pendulum):
        """The accelerations are those of the textbook formula for equal masses and lengths."""
        compiled = pendulum["Pendulum"].compiled()
        g = pendulum["CONSTANTS"][4]
        for q1, q2, v1, v2 in np.random.default_rng(3).uniform(-3, 3, (5, 4)):
            delta = q1 - q2
            mass = np.array([[2, np.cos(delta)], [np.cos(delta), 1]])
            right = [
                -(v2**2) * np.sin(delta) - 2 * g * np.sin(q1),
                v1**2 * np.sin(delta) - g * np.sin(q2),
            ]
            wanted = np.concatenate([[v1, v2], np.linalg.solve(mass, right)])
            np.testing.assert_allclose(compiled.slope(0.0, np.array([q1, q2, v1, v2])), wanted, rtol=1e-12)

    def test_the_model_file_is_the_same_lagrangian(self, pendulum):
        model = load_model_file(EXAMPLES / "double_pendulum.toml")
        assert model.derive.hessian == ("q1", "q2", "v1", "v2")
        lagrangian = pendulum["lagrangian"]()
        for point in np.random.default_rng(4).uniform(-3, 3, (5, 4)):
            wanted = lagrangian(point[:2], point[2:], pendulum["CONSTANTS"])
            np.testing.assert_allclose(evaluate(model.graph, *point), [wanted], rtol=1e-12)


class TestEnzymeKinetics:
    def test_published_values(self, enzyme, tmp_path, capsys):
        picture = tmp_path / "enzyme.png"
        assert enzyme["main"](["--out", str(picture)]) == 0
        assert "212.7" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)

    def test_estimates_and_errors(self, enzyme):
        found = enzyme["fit"](*enzyme["model"]())
        np.testing.assert_allclose(found.estimates, [212.7, 0.06412], rtol=5e-4)
        np.testing.assert_allclose(found.expected, [6.947, 0.008281], rtol=5e-4)
        assert found.residual == pytest.approx(10.93, rel=5e-4)
