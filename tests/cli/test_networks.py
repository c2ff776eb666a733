"""The commands on a network file: build, run with parameters from a file, inspect, verify."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import diffc as dc

DIGITS = Path(__file__).parent.parent.parent / "examples" / "digits_mlp.toml"


@pytest.fixture
def arrays(tmp_path):
    """Data and parameters in files; the file of data holds the target too."""
    model = dc.load_model(DIGITS)
    parameters = model.init(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 64)), np.eye(10)[[1, 2]]
    np.savez(tmp_path / "data.npz", x=x, y=y)
    np.savez(tmp_path / "parameters.npz", **parameters)
    return model, x, y, parameters


def test_build_and_run(diffc, refused, tmp_path, arrays):
    model, x, y, parameters = arrays
    folder = tmp_path / "digits"
    result = diffc("build", DIGITS, "-o", folder)
    assert (result.status, result.err) == (0, "")
    built = dc.load(folder)
    assert list(built) == ["predict", "logits", "loss", "gradient", "value_and_gradient"]
    assert built.main == "predict"
    files = [tmp_path / "data.npz", tmp_path / "parameters.npz"]
    target = tmp_path / "p.npz"
    assert diffc("run", folder, "--input", *files, "--output", target).status == 0
    np.testing.assert_array_equal(np.load(target)["predict"], model.predict(x, **parameters))
    shown = diffc("run", folder, "--kernel", "loss", "--input", *files).out
    assert shown == f"loss = {model.loss(x, y, **parameters)}\n"
    refused("run", folder, "--input", files[0], says="the inputs 'W1', 'b1', 'W2', 'b2' are missing")
    refused("run", folder, "--input", *files, files[0], says="'x' is in the file and given by")
    np.savez(tmp_path / "more.npz", W3=np.ones(2))
    refused("run", folder, "--input", *files, tmp_path / "more.npz", says="'W3' is no input")


def test_run_with_trained_parameters(diffc, tmp_path, arrays):
    from diffc.training.checkpoint import write_parameters

    model, x, _, parameters = arrays
    folder = tmp_path / "digits"
    diffc("build", DIGITS, "-o", folder)
    write_parameters(tmp_path / "p.safetensors", parameters)
    target = tmp_path / "out.npz"
    files = [tmp_path / "data.npz", tmp_path / "p.safetensors"]
    assert diffc("run", folder, "--input", *files, "--output", target).status == 0
    np.testing.assert_array_equal(np.load(target)["predict"], model.predict(x, **parameters))


def test_inspect(diffc):
    assert diffc("inspect", DIGITS).out.startswith(
        "functions: predict, logits, loss, gradient, value_and_gradient"
    )
    optimized = diffc("inspect", DIGITS, "--stage", "optimized").out
    assert "softmax" in optimized
    assert " sub %" in optimized
    assert "logsumexp" not in optimized, "the gradient needs p - y alone"
    one = diffc("inspect", DIGITS, "--wrt", "W1", "--stage", "derivative").out
    assert one.rstrip().endswith("return (d_W1 = %25,)")


def test_verify(diffc):
    result = diffc("verify", DIGITS, "--order", "2")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("certificate of digits_mlp, derivatives to order 2: holds\n")
    assert "elements" in result.out, "the Hessian's kernel is too large to compare, and that is said"


def test_errors_name_the_line(refused, tmp_path):
    path = tmp_path / "net.toml"
    path.write_text('[inputs]\nx = "f64[N, 3]"\n[[layer]]\nkind = "dense"\nunits = 2\nactivaton = "tanh"\n')
    refused(
        "build",
        path,
        "-o",
        tmp_path / "out",
        says=(f"{path}:6: layer 1, activaton", "did you mean 'activation'?"),
    )
