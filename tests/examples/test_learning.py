"""The examples that learn: what theorems and published fits say comes out."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import diffc as dc

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def perceptron():
    return runpy.run_path(str(EXAMPLES / "perceptron.py"))


@pytest.fixture(scope="module")
def spirals():
    return runpy.run_path(str(EXAMPLES / "spirals.py"))


@pytest.fixture(scope="module")
def encodings():
    return runpy.run_path(str(EXAMPLES / "encodings.py"))


class TestPerceptron:
    @pytest.mark.parametrize("second", ["petal_length", "sepal_width"])
    def test_it_learns_what_a_line_parts(self, perceptron, second):
        """The rule ends, and its mistakes are no more than Novikoff's theorem allows."""
        samples, targets = perceptron["irises"]("sepal_length", second)
        history = perceptron["learn"](samples, targets)
        weights, bias, mistakes = history[-1]
        margins = targets * (samples @ weights + bias)
        assert mistakes == 0
        assert margins.min() > 0
        margin = margins.min() / np.hypot(np.linalg.norm(weights), bias)
        radius = np.sqrt(1 + np.sum(samples**2, axis=1).max())
        assert 0 < sum(epoch.mistakes for epoch in history) <= (radius / margin) ** 2

    def test_it_does_not_learn_xor(self, perceptron):
        history = perceptron["learn"](perceptron["XOR"], perceptron["ODD"], epochs=50)
        assert [epoch.mistakes for epoch in history] == [4] * 50
        assert perceptron["cycle"](history) == 1

    def test_no_cycle_where_it_learns(self, perceptron):
        assert (
            perceptron["cycle"](perceptron["learn"](*perceptron["irises"]("sepal_length", "petal_length")))
            is None
        )

    def test_a_hidden_layer_learns_xor(self, perceptron):
        network = perceptron["solve_xor"]()
        assert network.loss <= 0.01
        np.testing.assert_allclose(network.chance(perceptron["XOR"]), [0, 1, 1, 0], atol=0.05)

    def test_program(self, perceptron, tmp_path, capsys):
        picture = tmp_path / "perceptron.png"
        assert perceptron["main"](["--out", str(picture)]) == 0
        assert "a cycle of length 1" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)


class TestSpirals:
    def test_points(self, spirals):
        """Each class goes three times around the origin, and is the other one turned by half."""
        points, classes = spirals["spirals"]()
        first, second = points[:97], points[97:]
        np.testing.assert_array_equal(first, -second)
        angles = np.unwrap(np.arctan2(first[:, 0], first[:, 1]))
        assert angles[-1] - angles[0] == pytest.approx(6 * np.pi)
        assert classes[:97].min() == 1
        assert classes[97:].max() == 0

    def test_no_line_parts_them(self, spirals):
        """The file's network without its hidden layers stays near chance."""
        points, classes = spirals["spirals"]()
        line = dc.Model.of(
            dc.nn.Network(
                inputs={"x": "f64[N, 2]", "y": "f64[N, 1]"},
                layers=[dc.nn.Dense(1)],
                loss=dc.nn.SigmoidCrossEntropy("y"),
            )
        )
        found = dc.training.fit(line.loss, line.init(), {"x": points, "y": classes}, optimizer="lbfgs")
        assert found.history[-1].loss > 0.6
        assert spirals["wrong"](line, found) > 60

    def test_program(self, spirals, tmp_path, capsys):
        picture = tmp_path / "spirals.png"
        assert spirals["main"](["--out", str(picture)]) == 0
        assert "gradient descent" in capsys.readouterr().out
        assert picture.read_bytes().startswith(PNG)


class TestEncodings:
    def test_data(self, encodings):
        """Sizes, mean and standard deviation as R's chickwts has them."""
        assert [len(grams) for grams in encodings["GRAMS"].values()] == [12, 10, 12, 11, 14, 12]
        assert encodings["WEIGHT"].mean() == pytest.approx(261.3099, abs=5e-5)
        assert encodings["WEIGHT"].std(ddof=1) == pytest.approx(78.0737, abs=5e-5)

    def test_one_hot_is_the_published_fit(self, encodings):
        found = encodings["fit"](encodings["one_hot"])
        means = [np.mean(grams) for grams in encodings["GRAMS"].values()]
        assert found.share == pytest.approx(0.5417, abs=5e-5)
        np.testing.assert_allclose(found.grams, means, rtol=1e-5)

    def test_ordinal_is_a_straight_line(self, encodings):
        found = encodings["fit"](encodings["ordinal"])
        slope, intercept = np.polyfit(encodings["FEED"], encodings["WEIGHT"], 1)
        np.testing.assert_allclose(found.grams, intercept + slope * np.arange(6), rtol=1e-5)
        assert found.share == pytest.approx(
            np.corrcoef(encodings["FEED"], encodings["WEIGHT"])[0, 1] ** 2, abs=1e-7
        )
        assert found.share < 0.04

    def test_no_order_does_as_well(self, encodings):
        shares = encodings["shares_of_all_orders"]()
        ordinal = encodings["fit"](encodings["ordinal"]).share
        assert len(shares) == 720
        assert shares[0] == pytest.approx(ordinal, abs=1e-7)
        assert shares.max() < 0.5417 - 0.01

    def test_program(self, encodings, tmp_path, capsys):
        picture = tmp_path / "encodings.png"
        assert encodings["main"](["--out", str(picture)]) == 0
        assert capsys.readouterr().out.count("0.5417") == 3
        assert picture.read_bytes().startswith(PNG)
