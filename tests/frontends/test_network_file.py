"""Network files: every way in which one can be wrong is told with its line and what would be right."""

from pathlib import Path
from typing import Any

import pytest

from diffc.errors import ModelError
from diffc.frontends.model_file import read_model_text
from diffc.frontends.network_file import NetworkFile
from diffc.frontends.toml_lines import find_lines
from diffc.model import Model, load_model

NETWORK = """\
[model]
name = "net"
[inputs]
x = "f64[N, 4]"
y = "f64[N, 3]"
[[layer]]
kind = "dense"
units = 5
activation = "tanh"
[[layer]]
kind = "dense"
units = 3
[layer.weights]
kind = "normal"
std = 0.1
[loss]
kind = "softmax_cross_entropy"
target = "y"
[derive]
gradient = ["parameters"]
[train]
epochs = 3
"""


def load(tmp_path: Path, text: str) -> Model:
    path = tmp_path / "net.toml"
    path.write_text(text)
    return load_model(path)


def test_record() -> None:
    file = read_model_text(NETWORK, "net.toml")
    assert isinstance(file, NetworkFile)
    assert (file.name, file.math, file.path) == ("net", "precise", Path("net.toml"))
    assert file.inputs == {"x": "f64[N, 4]", "y": "f64[N, 3]"}
    assert [layer["units"] for layer in file.layers] == [5, 3]
    assert file.loss == {"kind": "softmax_cross_entropy", "target": "y"}
    assert file.derive == {"gradient": ["parameters"]}
    assert file.train == {"epochs": 3}
    with pytest.raises(ModelError, match=r"net.toml:22: wrong$"):
        file.fail(("train", "epochs"), "wrong")
    with pytest.raises(ModelError, match=r"net.toml:21: missing$"):
        file.fail(("train", "batch_size"), "missing")


def test_lines_of_arrays_of_tables() -> None:
    lines, _ = find_lines(NETWORK)
    assert lines["layer", 0] == 6
    assert lines["layer", 0, "units"] == 8
    assert lines["layer", 1] == 10
    assert lines["layer", 1, "weights", "std"] == 15
    assert lines["loss", "kind"] == 17
    nested = "[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[[a]]\n[[a.b]]\nc = 3\n"
    lines, _ = find_lines(nested)
    assert [lines["a", 0, "b", 0, "c"], lines["a", 0, "b", 1, "c"], lines["a", 1, "b", 0, "c"]] == [3, 5, 8]


def test_model(tmp_path: Path) -> None:
    model = load(tmp_path, NETWORK)
    assert model.name == "net"
    assert model.parameters == ("W1", "b1", "W2", "b2")
    assert list(model.derived) == ["gradient", "value_and_gradient"]
    assert abs(model.init(0)["W2"]).max() < 0.5


def test_a_network_that_only_predicts(tmp_path: Path) -> None:
    model = load(tmp_path, '[inputs]\nx = "f32[3]"\n[[layer]]\nkind = "softplus"\n[derive]\njacobian = ["x"]')
    assert model.named() == ["predict", "jacobian"]
    assert model.parameters == ()
    assert model.init(0) == {}


def test_inline_layers(tmp_path: Path) -> None:
    text = 'layer = [{kind = "dense", units = 2},\n {kind = "dense", unit = 2}]\n[inputs]\nx = "f64[N, 2]"\n'
    with pytest.raises(ModelError, match=r"net.toml:1: layer 2, unit: dense has no key 'unit'; did you mean"):
        load(tmp_path, text)


PROBLEMS: list[tuple[str, str, int, str]] = [
    ('name = "net"', 'math = "quick"', 2, "math is 'precise' or 'fast'"),
    ("[inputs]", "[outputs]\n[inputs]", 3, "a network has no [outputs]"),
    ("[inputs]", "[definitions]\n[inputs]", 3, "a network has no [definitions]"),
    ("[train]", "[trian]", 21, "unknown table 'trian'; did you mean 'train'?"),
    ('x = "f64[N, 4]"\n', "", 3, "inputs: the network is fed the one input that the loss does not name"),
    ('y = "f64[N, 3]"', 'y = "f64[N, 3]"\nz = "f64"', 3, "but these are left: x, z"),
    ('x = "f64[N, 4]"', 'x = "i64[N, 4]"', 4, "inputs, x: the network's input is an f64 or f32 array"),
    ('x = "f64[N, 4]"', 'x = "f64"', 4, "inputs, x: the network's input is an f64 or f32 array"),
    ('x = "f64[N, 4]"', 'x = "f65[N, 4]"', 4, "inputs, x: "),
    ('x = "f64[N, 4]"', "x = 3", 4, "a type is a text like 'f64[N, 64]', not 3"),
    ('x = "f64[N, 4]"', '"x y" = "f64[N, 4]"', 4, "'x y' is not a name"),
    ('x = "f64[N, 4]"', 'W1 = "f64[N, 4]"', 6, "layer 1, name: the name 'W1' of a parameter is taken"),
    ('x = "f64[N, 4]"', 'x = "f64[N, K]"', 6, "layer 1: the last extent of its input must be a number"),
    ('kind = "dense"\nunits = 5', 'kind = "desne"\nunits = 5', 7, "did you mean 'dense'?"),
    ('kind = "dense"\nunits = 5', "units = 5", 6, "layer 1: the kind is missing"),
    ('kind = "dense"\nunits = 5', "kind = 5\nunits = 5", 7, "layer 1, kind: 5 is no kind of layer"),
    ("units = 5\n", "", 6, "layer 1: dense needs the key 'units'"),
    ("units = 5", "unit = 5", 8, "layer 1, unit: dense has no key 'unit'; did you mean 'units'?"),
    ("units = 5", 'units = "5"', 8, "layer 1, units: a whole number from 1 to 1,000,000 is needed, not '5'"),
    ("units = 5", "units = 0", 8, "layer 1, units: a whole number"),
    ("units = 5", "units = true", 8, "layer 1, units: a whole number"),
    ("units = 5", "units = 999999999999", 8, "layer 1, units: a whole number"),
    ("units = 5", "units = 5\nbias = 1", 9, "layer 1, bias: true or false is needed, not 1"),
    ("units = 5", "units = 5\nl2 = -1.0", 9, "layer 1, l2: a finite number of at least 0"),
    ("units = 5", "units = 5\nl2 = nan", 9, "layer 1, l2: a finite number of at least 0"),
    ("units = 5", 'units = 5\nname = "a b"', 9, "layer 1, name: 'a b' is not a name"),
    ('"tanh"', '"ReLU"', 9, "layer 1, activation: 'ReLU' is no kind of activation; did you mean 'relu'?"),
    ('"tanh"', '"swish"', 9, "did you mean 'silu'?"),
    ('"tanh"', '"tahn"', 9, "layer 1, activation: 'tahn' is no kind of activation; did you mean 'tanh'?"),
    ('"tanh"', '"dense"', 9, "layer 1, activation: 'dense' is no kind of activation"),
    ('"tanh"', '{kind = "tanh", slope = 0}', 9, "layer 1, activation, slope: a finite number above 0"),
    ('"tanh"', '{kind = "relu", slope = 1}', 9, "layer 1, activation, slope: relu has no key 'slope'"),
    ('"tanh"', "7", 9, "layer 1, activation: the name of an activation is needed"),
    ("std = 0.1", "std = 0", 15, "layer 2, weights, std: a finite number above 0"),
    ("std = 0.1", "stdev = 1", 15, "layer 2, weights, stdev: normal has no key 'stdev'; did you mean 'std'?"),
    ("units = 3", 'units = 3\nactivation = "softmax"', 13, "softmax_cross_entropy applies softmax to logits"),
    ("units = 3", "units = 4", 18, "the input 'y' is f64[N, 3], for an output f64[N, 4] it should be"),
    ('target = "y"', 'target = "z"', 18, "loss, target: there is no input 'z'"),
    ('target = "y"', "target = 1", 18, "loss, target: a name in quotes is needed, not 1"),
    ('target = "y"\n', "", 16, "loss: softmax_cross_entropy needs the key 'target'"),
    ('target = "y"', 'target = "y"\nsamples = "all"', 19, "loss, samples: one of mean, sum is needed"),
    ('kind = "softmax_cross_entropy"', 'kind = "softmax"', 17, "loss, kind: 'softmax' is no kind of loss"),
    ('"parameters"', '"W3"', 20, "derive, gradient: 'W3' is no input or parameter"),
    ('"parameters"', "3", 20, "derive, gradient: 3 is no input or parameter"),
    ('["parameters"]', '"parameters"', 20, 'a list is needed, such as ["parameters"]'),
    ("gradient =", "gradeint =", 20, "there is no derivative 'gradeint'; did you mean 'gradient'?"),
    ("gradient =", "partials =", 20, "there is no derivative 'partials'"),
]


@pytest.mark.parametrize(("old", "new", "line", "problem"), PROBLEMS)
def test_problem(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    assert old in NETWORK
    with pytest.raises(ModelError) as caught:
        load(tmp_path, NETWORK.replace(old, new, 1))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'net.toml'}:{line}: "), message
    assert problem in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("layer = 3", "net.toml:1: a layer is an array of tables"),
        ("[layer]\nkind = 'dense'", "net.toml:1: a layer is an array of tables"),
        ("layer = [1, 2]", "net.toml:1: a layer is an array of tables"),
        ("layer = []\n[inputs]\nx = 'f64[3]'", "net.toml:1: layer: a network has at least one layer"),
        ("[loss]\nkind = 'hinge'", "net.toml:1: a layer is an array of tables"),
        ("[[layer]]\nkind = 'tanh'", "net.toml:1: inputs: a network has inputs"),
        ("[[layer]]\nkind = 'tanh'\n[[loss]]", "net.toml:3: loss is a table"),
        (
            "[[layer]]\nkind = 'tanh'\n[inputs]\nx = 'f64[3]'\n[derive]\ngradient = ['x']",
            "net.toml:6: derive, gradient: it is a derivative of the loss, and the network has none",
        ),
    ],
)
def test_more_problems(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)


def test_hostile_sizes(tmp_path: Path) -> None:
    layers = "[[layer]]\nkind = 'tanh'\n" * 1001
    with pytest.raises(ModelError, match="there are 1,001 layers, more than 1,000"):
        load(tmp_path, "[inputs]\nx = 'f64[3]'\n" + layers)
    wide = "[[layer]]\nkind = 'dense'\nunits = 1000000\n" * 2
    with pytest.raises(ModelError, match="layer 2: the parameters have more than"):
        load(tmp_path, "[inputs]\nx = 'f64[3]'\n" + wide)


def test_texts_are_not_run(tmp_path: Path) -> None:
    value: Any = "__import__('os').system('touch owned')"
    with pytest.raises(ModelError, match="is no kind of activation"):
        load(tmp_path, NETWORK.replace('"tanh"', f'"{value}"'))
    assert not (tmp_path / "owned").exists()
