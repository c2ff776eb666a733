"""The fits of plain NumPy functions: published values, independent programs, second derivatives."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

import diffc as dc

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def process():
    return runpy.run_path(str(EXAMPLES / "gaussian_process.py"))


@pytest.fixture(scope="module")
def markov():
    return runpy.run_path(str(EXAMPLES / "hidden_markov.py"))


@pytest.fixture(scope="module")
def prey():
    return runpy.run_path(str(EXAMPLES / "predator_prey.py"))


@pytest.fixture(scope="module")
def reference(process):
    """The Gaussian process in scikit-learn, its hyper-parameters optimised."""
    kernel = ConstantKernel(1000.0, (1, 1e6)) * RBF(5.0, (0.1, 100)) + WhiteKernel(500.0, (1, 1e5))
    regressor = GaussianProcessRegressor(kernel, alpha=0.0)
    return regressor.fit(process["TIME"][:, None], process["ACCELERATION"])


def differences(function, at, step=1e-5):
    """Return central differences of a function of a vector, along the last axis."""
    moves = step * np.eye(len(at))
    return np.stack([(function(at + move) - function(at - move)) / (2 * step) for move in moves], axis=-1)


class TestGaussianProcess:
    def test_data(self, process):
        """The summary that R prints of mcycle."""
        assert len(process["TIME"]) == len(process["ACCELERATION"]) == 133
        assert process["TIME"].mean() == pytest.approx(25.18, abs=5e-3)
        assert process["ACCELERATION"].mean() == pytest.approx(-25.55, abs=5e-3)

    @pytest.mark.parametrize("logs", [[6.9, 1.6, 6.2], [7.6, 1.66, 6.23], [5.0, 0.5, 7.0]])
    def test_gradient_is_that_of_scikit_learn(self, process, reference, logs):
        value, gradient = dc.value_and_grad(process["negative_log_marginal_likelihood"])(
            np.array(logs), process["TIME"], process["ACCELERATION"]
        )
        likelihood, slope = reference.log_marginal_likelihood(np.array(logs), eval_gradient=True)
        assert value == pytest.approx(-likelihood, rel=1e-11)
        np.testing.assert_allclose(gradient, -slope, rtol=1e-9, atol=1e-9)

    def test_optimum_is_that_of_scikit_learn(self, process, reference):
        found = process["fit"]()
        assert -found.value == pytest.approx(reference.log_marginal_likelihood_value_, abs=1e-6)
        np.testing.assert_allclose(found.parameters, reference.kernel_.theta, atol=2e-3)

    def test_prediction_is_that_of_scikit_learn(self, process, reference):
        grid = np.linspace(0, 60, 13)
        mean, variance = process["predict"](
            reference.kernel_.theta, process["TIME"], process["ACCELERATION"], grid
        )
        wanted, deviation = reference.predict(grid[:, None], return_std=True)
        np.testing.assert_allclose(mean, wanted, rtol=1e-8, atol=1e-8)
        noise = np.exp(reference.kernel_.theta[2])  # scikit-learn's is the deviation of the data
        np.testing.assert_allclose(variance + noise, deviation**2, rtol=1e-8)

    def test_hessian(self, process, reference):
        theta = reference.kernel_.theta

        def slope(at):
            return -reference.log_marginal_likelihood(at, eval_gradient=True)[1]

        found = dc.hessian(process["negative_log_marginal_likelihood"])(
            theta, process["TIME"], process["ACCELERATION"]
        )
        np.testing.assert_allclose(found, differences(slope, theta), rtol=1e-6, atol=1e-6)

    def test_program(self, process, tmp_path, capsys):
        picture = tmp_path / "process.png"
        assert process["main"](["--out", str(picture)]) == 0
        assert "log marginal likelihood -621.1366" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)


class TestHiddenMarkov:
    def test_data(self, markov):
        """Mean and variance that Zucchini and MacDonald give in section 1.2."""
        counts = markov["COUNTS"]
        assert counts.shape == markov["YEARS"].shape == (107,)
        assert counts.mean() == pytest.approx(19.36, abs=5e-3)
        assert counts.var(ddof=1) == pytest.approx(51.57, abs=5e-3)

    @pytest.mark.parametrize("states", [1, 2, 3])
    def test_gradient(self, markov, states):
        likelihood = markov["negative_log_likelihood"]
        at = np.concatenate([np.log(np.linspace(14, 28, states)), np.full(states * (states - 1), -2.0)])
        value, gradient = dc.value_and_grad(likelihood)(at)
        assert value == pytest.approx(likelihood(at), rel=1e-12)
        np.testing.assert_allclose(gradient, differences(likelihood, at), rtol=1e-6, atol=1e-6)

    def test_chances_are_those_of_the_backward_recursion(self, markov):
        at = np.array([2.7, 3.3, -2.5, -2.0])
        densities = np.exp(markov["log_poisson"](at[:2]))
        moves = np.exp(markov["log_transitions"](at[2:]))
        stationary = np.linalg.solve((np.eye(2) - moves + 1).T, np.ones(2))
        forward, backward = [stationary * densities[0]], [np.ones(2)]
        for density in densities[1:]:
            forward.append(forward[-1] @ moves * density)
        for density in densities[:0:-1]:
            backward.append(moves @ (density * backward[-1]))
        wanted = np.array(forward) * np.array(backward[::-1])
        wanted /= wanted.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(markov["state_chances"](at), wanted, rtol=1e-10, atol=1e-14)

    def test_published_values(self, markov):
        found = markov["fit"](3)
        assert found.value == pytest.approx(329.4603, abs=5e-5)
        np.testing.assert_allclose(found.rates, [13.146, 19.721, 29.714], atol=5e-4)

    def test_standard_errors(self, markov):
        """Those of the inverse of the Hessian that differences of values give."""
        found = markov["fit"](2)
        at, likelihood = found.parameters, markov["negative_log_likelihood"]
        curvature = differences(lambda x: differences(likelihood, x, 1e-3), at, 1e-3)
        wanted = found.rates * np.sqrt(np.diag(np.linalg.inv((curvature + curvature.T) / 2)))[:2]
        np.testing.assert_allclose(markov["standard_errors"](found), wanted, rtol=1e-4)

    def test_program(self, markov, tmp_path, capsys):
        picture = tmp_path / "markov.png"
        assert markov["main"](["--states", "2", "--out", str(picture)]) == 0
        out = capsys.readouterr().out
        for published in ("391.9189", "342.3183", "15.472", "26.125"):
            assert out.count(published) == 2
        assert picture.read_bytes().startswith(PNG)


class TestPredatorPrey:
    @pytest.fixture
    def coarse(self, prey, monkeypatch):
        """The program with half as many steps, which compiles in half the time."""
        monkeypatch.setitem(prey["simulate"].__globals__, "STEPS", 2)
        return prey

    def test_gradient(self, prey):
        density, at = prey["negative_log_posterior"], prey["START"]
        value, gradient = dc.value_and_grad(density)(at)
        assert value == pytest.approx(density(at), rel=1e-12)
        np.testing.assert_allclose(gradient, differences(density, at), rtol=1e-6)

    def test_steps_are_small_enough(self, prey, monkeypatch):
        """Half the step moves no population by more than a thousandth."""
        unknowns, steps = np.exp(prey["START"]), prey["STEPS"]
        found = prey["simulate"](unknowns[4:6], unknowns[:4])[::steps]
        monkeypatch.setitem(prey["simulate"].__globals__, "STEPS", 2 * steps)
        finer = prey["simulate"](unknowns[4:6], unknowns[:4])[:: 2 * steps]
        np.testing.assert_allclose(found, finer, rtol=1e-3)

    def test_program(self, coarse, tmp_path, capsys):
        """The posterior means that the Stan case study prints come out to all its digits."""
        picture = tmp_path / "prey.png"
        assert coarse["main"](["--out", str(picture)]) == 0
        assert "20000 draws are worth" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)

    def test_curvature(self, coarse):
        found = coarse["fit"]()
        slope = dc.value_and_grad(coarse["negative_log_posterior"])
        np.testing.assert_allclose(slope(found.mode)[1], 0, atol=1e-4)
        wanted = differences(lambda at: slope(at)[1], found.mode)
        np.testing.assert_allclose(np.linalg.inv(found.covariance), wanted, rtol=1e-5, atol=1e-4)
