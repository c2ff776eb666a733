"""Trainings as a whole: known optima, the same bits again, resuming, stopping, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import diffc as dc
from diffc.errors import InputError
from diffc.training import Settings, SettingsProblem, UnsavedResult, fit, read_checkpoint

OPTIMIZERS = ("sgd", "nesterov", "rmsprop", "adam")
LINE = dc.parse(
    "mean((x@w + b - y)**2)", {"x": "f64[N, 3]", "w": "f64[3]", "b": "f64", "y": "f64[N]"}, "line"
)
PREDICT = dc.parse("x@w + b", {"x": "f64[N, 3]", "w": "f64[3]", "b": "f64"}, "predict")
START = {"w": np.zeros(3), "b": 0.0}


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(103, 3))
    return {"x": x, "y": x @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.normal(size=103)}


def closed_form(data):
    return np.linalg.lstsq(np.column_stack([data["x"], np.ones(len(data["y"]))]), data["y"], rcond=None)[0]


def vector(parameters):
    return np.concatenate([np.ravel(each) for each in parameters.values()])


def bits(result):
    return {name: each.tobytes() for name, each in result.parameters.items()}


# Known optima.


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd", "learning_rate": 0.2},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.05},
        {"optimizer": "nesterov", "learning_rate": 0.05},
        {"optimizer": "lbfgs", "batch_size": None},
    ],
)
def test_least_squares(data, options):
    result = fit(LINE, START, data, epochs=400, **{"batch_size": "all", **options})
    np.testing.assert_allclose(vector(result.parameters), closed_form(data), rtol=1e-7)
    residual = data["x"] @ closed_form(data)[:3] + closed_form(data)[3] - data["y"]
    assert result.history[-1].loss == pytest.approx(np.mean(residual**2), rel=1e-9)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_least_squares_with_falling_rates(data, optimizer):
    result = fit(LINE, START, data, optimizer=optimizer, learning_rate=0.05, schedule="cosine", epochs=150)
    np.testing.assert_allclose(vector(result.parameters), closed_form(data), atol=2e-3)


@pytest.mark.parametrize(
    "options", [{"optimizer": "lbfgs"}, {"optimizer": "nesterov", "learning_rate": 0.3, "batch_size": "all"}]
)
def test_logistic_regression_against_scikit_learn(data, options):
    """Its objective is 1/2 w.w + C sum(losses), the bias free; ours is that divided by C*N."""
    rng = np.random.default_rng(1)
    x = data["x"]
    y = (x @ [1.0, -2.0, 0.5] + 0.3 + rng.logistic(size=103) > 0).astype(float)
    loss = dc.parse(
        "mean(softplus(x@w + b) - y*(x@w + b)) + sum(w**2)/(2*2.5*103)",
        {"x": "f64[N, 3]", "w": "f64[3]", "b": "f64", "y": "f64[N]"},
    )
    predict = dc.parse("sigmoid(x@w + b)", {"x": "f64[N, 3]", "w": "f64[3]", "b": "f64"})
    result = fit(loss, START, {"x": x, "y": y}, predict=predict, epochs=3000, **options)
    other = LogisticRegression(C=2.5, tol=1e-12, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(result.parameters["w"], other.coef_[0], rtol=1e-5)
    np.testing.assert_allclose(result.parameters["b"], other.intercept_[0], rtol=1e-5)
    assert result.history[-1].metric_name == "binary_accuracy"
    assert result.history[-1].metric == other.score(x, y)


def test_lbfgs_finds_the_minimum_of_rosenbrock():
    """A loss without data."""
    rosenbrock = dc.parse("sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", {"x": "f64[6]"})
    result = fit(rosenbrock, {"x": np.full(6, 1.3)}, {}, optimizer="lbfgs", epochs=500)
    np.testing.assert_allclose(result.parameters["x"], 1, rtol=1e-6)
    assert result.stopped == "converged"
    short = fit(rosenbrock, {"x": np.full(6, 1.3)}, {}, optimizer="lbfgs", epochs=5)
    assert (short.stopped, len(short.history)) == ("epochs", 5)


def test_the_perceptron_rule():
    """(s(z) - y)*z, s a step, has the gradient (s(z) - y)*x: SGD on it is Rosenblatt's rule, 1958."""
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(60, 2)), 2)
    y = (x @ [2.0, -1.0] > 0.3).astype(float)
    loss = dc.parse(
        "mean((where(x@w + b > 0, 1, 0) - y)*(x@w + b))",
        {"x": "f64[N, 2]", "w": "f64[2]", "b": "f64", "y": "f64[N]"},
    )
    options = {"optimizer": "sgd", "learning_rate": 1.0, "batch_size": 1, "shuffle": False, "min_update": 0.0}
    result = fit(loss, {"w": np.zeros(2), "b": 0.0}, {"x": x, "y": y}, epochs=200, **options)
    w, b, epochs, mistakes = np.zeros(2), 0.0, 0, 1
    while mistakes:
        mistakes, epochs = 0, epochs + 1
        for sample, target in zip(x, y, strict=True):
            wrong = target - float(sample @ w + b > 0)
            w, b, mistakes = w + wrong * sample, b + wrong, mistakes + abs(wrong)
    np.testing.assert_allclose(vector(result.parameters), [*w, b], rtol=1e-12)
    assert (result.stopped, len(result.history)) == ("updates", epochs)
    assert result.history[-1].loss == 0


# The same bits.


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "lbfgs"])
def test_the_same_bits_again(data, optimizer):
    more = {} if optimizer == "lbfgs" else {"batch_size": 10}
    first, second = (fit(LINE, START, data, optimizer=optimizer, epochs=4, **more) for _ in range(2))
    assert bits(first) == bits(second)
    assert [each.loss for each in first.history] == [each.loss for each in second.history]
    if optimizer != "lbfgs":
        assert bits(fit(LINE, START, data, optimizer=optimizer, batch_size=10, epochs=4, seed=1)) != bits(
            first
        )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"schedule": "exponential", "warmup_epochs": 3.5, "patience": 50},
        {"schedule": "cosine", "schedule_epochs": 10},
        {"schedule": "linear", "schedule_epochs": 8.5, "schedule_factor": 0.1},
    ],
)
def test_a_continued_training_has_the_same_bits(data, optimizer, more, tmp_path):
    settings = {
        "optimizer": optimizer,
        "batch_size": 10,
        "learning_rate": 0.01,
        "validation_split": 0.2,
        "weight_decay": 0.001,
        **more,
    }
    whole = fit(LINE, START, data, epochs=10, **settings)
    path = tmp_path / "half.safetensors"
    fit(LINE, START, data, epochs=5, checkpoint=path, **settings)
    rest = fit(LINE, START, data, resume=path, epochs=10)
    assert bits(rest) == bits(whole)
    assert len(rest.history) == 10
    for one, other in zip(rest.history, whole.history, strict=True):
        assert replace(one, seconds=0) == replace(other, seconds=0)
    for name, state in whole.checkpoint.state.items():
        assert rest.checkpoint.state[name].tobytes() == state.tobytes()


def test_an_interrupt_keeps_the_last_whole_epoch(data, tmp_path):
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    path = tmp_path / "c.safetensors"
    cut = fit(LINE, START, data, epochs=6, checkpoint=path, on_epoch=interrupt)
    assert (cut.stopped, cut.epoch, read_checkpoint(path).epoch) == ("interrupted", 3, 3)
    rest = fit(LINE, None, data, resume=read_checkpoint(path))
    assert bits(rest) == bits(fit(LINE, START, data, epochs=6))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_interrupt_within_an_epoch(data, optimizer, monkeypatch):
    """The third evaluation of the validation loss is cut off: what remains is from the epoch before."""
    from diffc.training.evaluation import Evaluation

    calls = []
    sound = Evaluation.loss

    def cut(self, parameters):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sound(self, parameters)

    monkeypatch.setattr(Evaluation, "loss", cut)
    result = fit(LINE, START, data, epochs=6, validation_split=0.1, optimizer=optimizer)
    assert (result.stopped, result.epoch, len(result.history)) == ("interrupted", 2, 2)
    monkeypatch.undo()
    two = fit(LINE, START, data, epochs=2, validation_split=0.1, optimizer=optimizer)
    assert bits(result) == bits(two)


def test_a_schedule_ends_where_it_was_to_end(data, tmp_path):
    """An interrupted training has its length in the checkpoint: going on needs no setting."""

    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    path, options = tmp_path / "c.safetensors", {"schedule": "cosine", "epochs": 8, "batch_size": 20}
    assert fit(LINE, START, data, checkpoint=path, on_epoch=interrupt, **options).stopped == "interrupted"
    rest = fit(LINE, None, data, resume=path)
    assert bits(rest) == bits(fit(LINE, START, data, **options))
    with pytest.raises(SettingsProblem, match="ends at the rate 0 after epoch 8 of 9"):
        fit(LINE, None, data, resume=rest.checkpoint, epochs=9)
    longer = fit(LINE, None, data, resume=rest.checkpoint, epochs=9, schedule_epochs=16)
    assert longer.history[-1].rate > 0


def test_lbfgs_goes_on_from_the_parameters(data, tmp_path):
    path = tmp_path / "c.safetensors"
    fit(LINE, START, data, optimizer="lbfgs", epochs=2, checkpoint=path)
    rest = fit(LINE, None, data, resume=path, epochs=50)
    np.testing.assert_allclose(vector(rest.parameters), closed_form(data), rtol=1e-7)
    assert rest.history[1].number == 2


# Batches.


@pytest.mark.parametrize(("size", "steps"), [(1, 103), (10, 11), (50, 3), (103, 1), (500, 1), ("all", 1)])
def test_batches(data, size, steps):
    result = fit(LINE, START, data, batch_size=size, epochs=2)
    assert result.checkpoint.steps == 2 * steps


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_sample_counts_once_an_epoch(data, shuffle):
    """At a rate of almost 0 the mean over the batches, the short one too, is the loss of all samples."""
    result = fit(LINE, START, data, batch_size=10, epochs=3, learning_rate=1e-300, shuffle=shuffle)
    for epoch in result.history:
        assert epoch.loss == pytest.approx(np.mean(data["y"] ** 2), rel=1e-13)


def test_single_precision(data):
    """The least loss is 9, in single precision known to 1e-6, and a parameter then to the root of that."""
    loss = dc.parse("mean((x@w - y)**2)", {"x": "f32[N, 3]", "w": "f32[3]", "y": "f32[N]"})
    single = {name: each.astype(np.float32) for name, each in data.items()}
    for optimizer in ("adam", "lbfgs"):
        rate = {"learning_rate": 0.1} if optimizer == "adam" else {}
        result = fit(loss, {"w": [0, 0, 0]}, single, optimizer=optimizer, epochs=60, **rate)
        assert result.parameters["w"].dtype == np.float32
        expected = np.linalg.lstsq(data["x"], data["y"], rcond=None)[0]
        np.testing.assert_allclose(
            result.parameters["w"], expected, atol=0.1 if optimizer == "adam" else 1e-3
        )


def test_nothing_that_is_given_changes(data):
    start = {"w": np.ones(3), "b": np.array(1.0)}
    for each in (*start.values(), *data.values()):
        each.flags.writeable = False
    for optimizer in (*OPTIMIZERS, "lbfgs"):
        fit(LINE, start, data, epochs=2, optimizer=optimizer)
        if optimizer != "lbfgs":
            fit(LINE, start, data, epochs=2, optimizer=optimizer, batch_size="all")


def test_data_that_all_samples_share(data):
    """An input without the sample axis goes into every step as it is."""
    loss = dc.parse(
        "mean((x@w - y)**2) + c*sum(w**2)", {"x": "f64[N, 3]", "y": "f64[N]", "c": "f64", "w": "f64[3]"}
    )
    result = fit(loss, {"w": np.zeros(3)}, {**data, "c": 0.5}, optimizer="lbfgs")
    x, y = data["x"], data["y"]
    expected = np.linalg.solve(x.T @ x + 0.5 * 103 * np.eye(3), x.T @ y)
    np.testing.assert_allclose(result.parameters["w"], expected, rtol=1e-7)
    assert fit(loss, {"w": np.zeros(3)}, {**data, "c": 0.5}, batch_size=10, epochs=1).checkpoint.steps == 11


def test_a_loss_that_joins_samples_otherwise_takes_them_all_at_once():
    loss = dc.parse("sum((x@v)**2)", {"x": "f64[N, N]", "v": "f64[N]"})
    result = fit(loss, {"v": np.ones(4)}, {"x": np.eye(4)}, epochs=3, batch_size=1, optimizer="sgd")
    assert result.checkpoint.steps == 3
    np.testing.assert_allclose(result.parameters["v"], 0.8**3)


# Stopping.


def test_early_stopping_restores_the_best(data):
    """A rate that is far too large makes the validation loss go up and down."""
    losses = {}
    options = {
        "optimizer": "sgd",
        "learning_rate": 0.4,
        "batch_size": 2,
        "validation_split": 0.3,
        "epochs": 300,
    }
    result = fit(LINE, START, data, patience=4, on_epoch=lambda e: losses.update({e.number: e}), **options)
    assert result.stopped == "patience"
    found = [each.validation_loss for each in result.history]
    assert result.epoch == int(np.argmin(found)) + 1 == len(found) - 4
    again = fit(LINE, START, data, **{**options, "epochs": result.epoch})
    assert bits(again) == bits(result)
    assert result.checkpoint.epoch == len(found)
    assert tuple(losses.values()) == result.history


def test_a_target(data):
    result = fit(LINE, START, data, epochs=500, learning_rate=0.05, target_loss=0.5)
    assert result.stopped == "target"
    assert result.history[-1].loss <= 0.5 < result.history[-2].loss


def test_time(data):
    result = fit(LINE, START, data, epochs=10**9, time_limit=0.2)
    assert result.stopped == "time"
    assert result.history[-1].seconds >= 0.2
    assert result.history[-1].seconds < 5


def test_the_time_may_end_within_an_epoch(data, monkeypatch, tmp_path):
    """The clock moves by one second a look: the epoch ends after some steps, whose parameters are kept."""
    from itertools import count

    ticks = count()
    monkeypatch.setattr("diffc.training.session.perf_counter", lambda: float(next(ticks)))
    options = {"batch_size": 1, "shuffle": False, "optimizer": "sgd", "learning_rate": 0.01}
    result = fit(LINE, START, data, epochs=9, time_limit=7.5, checkpoint=tmp_path / "c", **options)
    monkeypatch.undo()
    steps = result.checkpoint.steps
    assert (result.stopped, len(result.history)) == ("time", 1)
    assert 1 < steps < 103
    part = {name: each[:steps] for name, each in data.items()}
    expected = fit(LINE, START, part, epochs=1, **options)
    assert bits(result) == bits(expected)
    assert result.history[0].loss == pytest.approx(expected.history[0].loss, rel=1e-14)
    rest = fit(LINE, None, data, resume=tmp_path / "c", epochs=2, time_limit=None)
    assert (rest.stopped, rest.checkpoint.steps) == ("epochs", steps + 103)
    once = fit(LINE, START, data, epochs=9, time_limit=1e-9, **options)
    assert (once.stopped, once.checkpoint.steps) == ("time", 1)


def test_small_updates(data):
    result = fit(LINE, START, data, optimizer="sgd", batch_size="all", epochs=10_000, min_update=1e-6)
    assert result.stopped == "updates"
    np.testing.assert_allclose(vector(result.parameters), closed_form(data), atol=1e-4)


@pytest.mark.parametrize("rate", [3.0, 1e200])
def test_divergence_keeps_the_last_sound_epoch(data, rate, tmp_path):
    path = tmp_path / "c.safetensors"
    result = fit(
        LINE, START, data, optimizer="sgd", learning_rate=rate, batch_size="all", epochs=5000, checkpoint=path
    )
    assert result.stopped == "diverged"
    assert all(np.isfinite(each).all() for each in result.parameters.values())
    assert read_checkpoint(path).epoch == len(result.history) == result.epoch
    if rate > 3:
        assert result.epoch <= 1


# Validation and metrics.


def test_validation_data_of_their_own(data):
    other = {name: each[:20] for name, each in data.items()}
    result = fit(LINE, START, data, validation=other, predict=PREDICT, epochs=2)
    last, parameters = result.history[-1], result.parameters
    errors = other["x"] @ parameters["w"] + parameters["b"] - other["y"]
    assert last.validation_loss == pytest.approx(np.mean(errors**2), rel=1e-13)
    assert last.metric_name == "rms_error"
    assert last.metric == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-13)


def test_evaluation_in_parts(data, monkeypatch):
    whole = fit(LINE, START, data, validation=data, predict=PREDICT, epochs=2).history[-1]
    monkeypatch.setattr("diffc.training.evaluation._ROWS", 10)
    parts = fit(LINE, START, data, validation=data, predict=PREDICT, epochs=2).history[-1]
    assert parts.validation_loss == pytest.approx(whole.validation_loss, rel=1e-13)
    assert parts.metric == pytest.approx(whole.metric, rel=1e-13)


@pytest.mark.parametrize(
    ("target", "prediction", "metric", "value"),
    [
        ([[0, 1], [1, 0], [0, 1]], [[0.2, 0.8], [0.4, 0.6], [0.1, 0.9]], "accuracy", 2 / 3),
        ([[1, 1], [1, 0]], [[0.7, 0.2], [0.9, 0.1]], "binary_accuracy", 3 / 4),
        ([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.6], "binary_accuracy", 1 / 2),
        ([-1, 1, 1], [-3, 2, -0.5], "bipolar_accuracy", 2 / 3),
        ([0.5, 2.0], [0.5, 1.0], "rms_error", 2**-0.5),
    ],
)
def test_metrics(target, prediction, metric, value):
    shape = "N, 2" if np.ndim(target) > 1 else "N"
    kinds = {"p": f"f64[{shape}]", "t": f"f64[{shape}]", "w": "f64"}
    loss, predict = dc.parse("sum((w*p - t)**2)", kinds), dc.parse("w*p", {"w": "f64", "p": kinds["p"]})
    arrays = {"t": np.asarray(target, float), "p": np.asarray(prediction, float)}
    result = fit(loss, {"w": 1.0}, arrays, predict=predict, epochs=1, learning_rate=1e-300)
    assert (result.history[0].metric_name, result.history[0].metric) == (metric, pytest.approx(value))
    assert fit(loss, {"w": 1.0}, arrays, predict=predict, epochs=1, metric="none").history[0].metric is None


# What is refused.


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y": None}, r"the data: 'y' missing; the loss takes x: f64\[N, 3\], y: f64\[N\]"),
        ({"z": [1.0]}, "the data: 'z' not wanted; the loss takes x"),
        ({"y": np.zeros(102)}, r"y: axis 0 must be 103 \(N = 103 from x\), got 102"),
        ({"x": np.zeros((103, 4))}, "x: axis 1 must be 3, got 4"),
        ({"x": np.zeros(103)}, r"x: expected 2 axes \(f64\[N, 3\]\), got the shape \(103,\)"),
        ({"x": np.zeros((103, 3), complex)}, "x: complex numbers are not supported"),
        ({"y": np.where(np.arange(103) == 7, np.nan, 0)}, "the data: y holds nan at 7; fill or remove"),
        ({"y": np.where(np.arange(103) == 7, np.inf, 0)}, "the data: y holds inf at 7"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "there are no samples: x has no rows"),
    ],
)
def test_data_that_do_not_fit(data, changes, says):
    wrong = {name: each for name, each in {**data, **changes}.items() if each is not None}
    with pytest.raises(InputError, match=says):
        fit(LINE, START, wrong)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ({}, "there are no parameters to train"),
        ({"w": np.zeros(3), "v": 0.0}, "line has no input 'v' to train; it has x, w, b, y"),
        ({"w": np.zeros(4), "b": 0.0}, "w: axis 0 must be 3, got 4"),
        ({"w": np.zeros((3, 1)), "b": 0.0}, r"w: expected f64\[3\], got the shape \(3, 1\)"),
        ({"w": ["a", "b", "c"], "b": 0.0}, "w: texts are not supported"),
        ({"w": np.zeros(3)}, "'b' missing"),
    ],
)
def test_parameters_that_do_not_fit(data, start, says):
    with pytest.raises(InputError, match=says):
        fit(LINE, start, data)


def test_splits_that_leave_nothing(data):
    one = {name: each[:1] for name, each in data.items()}
    with pytest.raises(InputError, match=r"validation_split = 0\.5 of 1 samples leaves none to train with"):
        fit(LINE, START, one, validation_split=0.5)
    with pytest.raises(InputError, match="give one of them"):
        fit(LINE, START, data, validation=one, validation_split=0.5)
    with pytest.raises(InputError, match="a row for each sample"):
        fit(dc.parse("w**2"), {"w": 1.0}, {}, validation_split=0.5)
    assert fit(LINE, START, {n: e[:2] for n, e in data.items()}, validation_split=0.01, epochs=1).epoch == 1


def test_checkpoints_that_do_not_fit(data, tmp_path):
    path = tmp_path / "c.safetensors"
    fit(LINE, START, data, epochs=2, checkpoint=path)
    with pytest.raises(InputError, match="epoch 2 of 2 already: epochs = 4 would train as much again"):
        fit(LINE, None, data, resume=path)
    with pytest.raises(InputError, match=r"other parameters: w\[3\], b\[\]; wanted are w\[4\]"):
        fit(LINE, {"w": np.zeros(4)}, data, resume=path, epochs=3)
    with pytest.raises(dc.DiffcError, match="that of another optimiser"):
        fit(LINE, None, data, resume=path, epochs=3, optimizer="sgd")
    with pytest.raises(InputError, match="need first values"):
        fit(LINE, None, data)
    with pytest.raises(InputError, match="the checkpoint is of another model: of 'line', not of 'other'"):
        fit(LINE, None, data, resume=path, epochs=3, name="other")
    with pytest.raises(dc.DiffcError, match="keep its optimizer and its momentum, or begin a new training"):
        fit(LINE, None, data, resume=path, epochs=3, optimizer="sgd", momentum=0.5)


def test_lbfgs_polishes_what_adam_found(data, tmp_path):
    """The settings of steps go with Adam."""
    path = tmp_path / "c.safetensors"
    fit(LINE, START, data, epochs=20, checkpoint=path, learning_rate=0.1, batch_size=10, schedule="cosine")
    rest = fit(LINE, None, data, resume=path, epochs=80, optimizer="lbfgs")
    np.testing.assert_allclose(vector(rest.parameters), closed_form(data), rtol=1e-7)
    assert rest.checkpoint.settings == Settings(epochs=80, optimizer="lbfgs")


# Checkpoints that cannot be written.


def test_a_full_disk_loses_no_training(data, tmp_path, monkeypatch):
    """The first checkpoint can be written, and none after it: the training goes on, its result is kept."""
    from diffc.training import session

    sound, calls = session.write_checkpoint, []

    def full(path, checkpoint):
        calls.append(checkpoint.epoch)
        if len(calls) > 1:
            raise dc.errors.ArtefactError(f"{path}: the file cannot be written: No space left on device")
        sound(path, checkpoint)

    monkeypatch.setattr(session, "write_checkpoint", full)
    monkeypatch.setattr(session, "_SECONDS", 0.0)
    path = tmp_path / "c.safetensors"
    with pytest.raises(UnsavedResult, match=f"{path}: the file cannot be written: No space left") as problem:
        fit(LINE, START, data, epochs=3, checkpoint=path)
    assert calls == [0, 1, 2, 3, 3]
    assert bits(problem.value.result) == bits(fit(LINE, START, data, epochs=3))
    assert read_checkpoint(path).epoch == 0


def test_metrics_that_do_not_fit(data):
    with pytest.raises(
        InputError, match=r"the metric accuracy needs|compares predictions of the shape \(103, 3\)"
    ):
        fit(LINE, START, data, predict=dc.parse("w*x", {"x": "f64[N, 3]", "w": "f64[3]"}), metric="accuracy")
    with pytest.raises(InputError, match="f takes q, which the loss does not"):
        fit(LINE, START, data, predict=dc.parse("q"))
    one = dc.parse("x@w", {"x": "f64[N, 3]", "w": "f64[3, 1]"})
    loss = dc.parse("sum((x@w - y)**2)", {"x": "f64[N, 3]", "w": "f64[3, 1]", "y": "f64[N, 1]"})
    rows = {"x": data["x"], "y": data["y"][:, None]}
    with pytest.raises(InputError, match="one alone; choose binary_accuracy"):
        fit(loss, {"w": np.zeros((3, 1))}, rows, predict=one, metric="accuracy")
    two = dc.parse("x, w", {"x": "f64[N, 3]", "w": "f64[3]"})
    with pytest.raises(InputError, match="compares one array of predictions with one target"):
        fit(LINE, START, data, predict=two, metric="accuracy")


def test_settings_are_those_of_the_call(data):
    base = Settings(epochs=3, optimizer="sgd")
    result = fit(LINE, START, data, base, batch_size=50)
    assert result.checkpoint.settings == replace(base, batch_size=50)
    assert base.batch_size is None


@pytest.mark.parametrize("size", [3, 100])
def test_captured_arrays_are_read_in_each_step(size):
    """Large and small ones, contiguous or strided and of integers."""
    large, small = np.linspace(0, 1, size), np.arange(4, dtype=np.int32)[::2]

    def squares(w, x):
        return np.mean((x @ w - 1.0) ** 2) + np.sum(large * w[0]) ** 2 + np.sum((w - small) ** 2)

    loss = dc.trace(squares, w=dc.f64(2), x=dc.f64("N", 2))
    x, w, losses = np.ones((8, 2)), np.array([0.5, 0.25]), []

    def change(epoch):
        losses.append(epoch.loss)
        small[1] += 1
        large[:] *= 0.5

    options = {"epochs": 3, "optimizer": "sgd", "learning_rate": 1e-4, "batch_size": 8}
    fit(loss, {"w": w}, {"x": x}, on_epoch=change, **options)
    large, small = np.linspace(0, 1, size), np.array([0.0, 2.0])
    for found in losses:
        assert found == pytest.approx(squares(w, x), rel=1e-12)
        slope = 2 * (x @ w - 1.0) @ x / 8 + 2 * (w - small)
        slope[0] += 2 * np.sum(large) ** 2 * w[0]
        w = w - 1e-4 * slope
        small[1] += 1
        large = large * 0.5


def test_lbfgs_reads_captured_arrays():
    center = np.array([1, 2])
    loss = dc.trace(lambda w: np.sum((w - center) ** 2), w=dc.f64(2))
    for shift in (0, 5):
        center += shift
        found = fit(loss, {"w": np.zeros(2)}, {}, optimizer="lbfgs")
        np.testing.assert_allclose(found.parameters["w"], center, atol=1e-6)


def line(w, x, y, *, b, weight=1.0):
    return np.mean(weight * (x @ w + b - y) ** 2)


def prediction(x, w, b):
    return x @ w + b


@pytest.mark.parametrize(
    "loss", [line, dc.jit(line), lambda x, y, w, b: line(w, x, y, b=b)], ids=["plain", "jit", "lambda"]
)
def test_a_plain_function(data, loss):
    found = fit(loss, START, data, optimizer="lbfgs", epochs=50)
    np.testing.assert_allclose(vector(found.parameters), closed_form(data), rtol=1e-5)


@pytest.mark.parametrize(
    "options", [{"batch_size": 16}, {"optimizer": "sgd"}, {"validation_split": 0.2}], ids=str
)
def test_a_plain_function_gives_the_bits_of_its_trace(data, options):
    types = {"w": dc.f64(3), "b": dc.f64(), "x": dc.f64("N", 3), "y": dc.f64("N")}
    traced = dc.trace(line, **{name: types[name] for name in ("w", "x", "y", "b")})
    settings = {"epochs": 3, "seed": 4, **options}
    assert bits(fit(line, START, data, **settings)) == bits(fit(traced, START, data, **settings))


def test_a_plain_function_with_a_metric_validation_and_a_checkpoint(data, tmp_path):
    path = tmp_path / "c.safetensors"
    held = {name: each[:7] for name, each in data.items()}
    options = {"validation": held, "predict": prediction, "target": "y", "metric": "rms_error"}
    half = fit(line, START, data, epochs=2, checkpoint=path, **options)
    assert half.history[-1].metric is not None
    whole = fit(line, None, data, resume=path, epochs=4, **options)
    assert bits(whole) == bits(fit(line, START, data, epochs=4, **options))


def test_data_without_a_row_a_sample():
    offsets, rows = np.arange(3.0), np.ones((40, 3))
    found = fit(
        lambda w, x, offset, k: np.mean((x @ (w - offset)) ** 2) + k * np.sum((w - offset) ** 2),
        {"w": np.zeros(3)},
        {"x": rows, "offset": offsets, "k": 1},
        optimizer="lbfgs",
        epochs=50,
    )
    np.testing.assert_allclose(found.parameters["w"], offsets, atol=1e-5)


def test_captured_arrays_are_read_at_each_step():
    targets = np.arange(100.0)

    def loss(w, x):
        return np.mean((x @ w - 1.0) ** 2) + np.mean((w[0] - targets) ** 2)

    traced = dc.trace(loss, w=dc.f64(2), x=dc.f64("N", 2))
    rows = {"x": np.eye(2)[[0, 1, 1, 0]] * 1e-3}
    for each in (loss, traced):
        targets[:] = np.arange(100.0)
        first = fit(each, {"w": np.zeros(2)}, rows, optimizer="lbfgs", epochs=30).parameters["w"][0]
        targets[:] = 7.0
        second = fit(each, {"w": np.zeros(2)}, rows, optimizer="lbfgs", epochs=30).parameters["w"][0]
        assert (first, second) == pytest.approx((49.5, 7.0), abs=1e-3)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (3, "fit takes a Function or a plain function, not 3"),
        ("mean(x)", r"dc\.parse makes one of a formula"),
        (lambda w, q: w * q, r"none is called q \(there are w, b, x, y\)"),
        (lambda *arrays: arrays[0], "each argument is a parameter or data of its name"),
        (lambda w, x, y: np.mean(x @ w - y), "has no input 'b' to train"),
    ],
)
def test_what_is_no_loss(data, loss, message):
    with pytest.raises(InputError, match=message):
        fit(loss, START, data, epochs=1)


def test_first_values_of_a_network(tmp_path):
    (tmp_path / "net.toml").write_text(
        '[inputs]\nx = "f64[N, 2]"\ny = "f64[N, 1]"\n[[layer]]\nkind = "dense"\nunits = 1\n'
        '[loss]\nkind = "squared_error"\ntarget = "y"\n'
    )
    model = dc.load_model(tmp_path / "net.toml")
    rows = {"x": np.eye(2), "y": np.ones((2, 1))}
    own = {name: each + 1 for name, each in reversed(model.init(5).items())}
    still = dc.training.fit_model(model, rows, parameters=own, epochs=1, learning_rate=1e-12)
    for name in own:
        np.testing.assert_allclose(still.parameters[name], own[name], atol=1e-9)
    given = dc.training.fit_model(model, rows, parameters=model.init(0), epochs=2)
    assert bits(given) == bits(dc.training.fit_model(model, rows, epochs=2))
    with pytest.raises(InputError, match="the parameters are W1, b1; given are W1"):
        dc.training.fit_model(model, rows, parameters={"W1": own["W1"]})
