"""The time of an epoch of the digits model beside Torch and scikit-learn: `python -m tests.bench.training`.

The network of examples/digits_mlp.toml, 64-32-10 with tanh under a softmax, on scikit-learn's 1,797 images:
batches of 32 in an order of each epoch's own, Adam at the rate 0.001, the same first weights, f64 and f32.
All tools run in this process on one core, in turn for some rounds; a figure is the median of all epochs but
the first of each round. The training loss that each round reaches shows that the work is equal.

    python -m tests.bench.training [--epochs 15] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - threads are set before NumPy is loaded

MODEL = Path(__file__).parent.parent.parent / "examples" / "digits_mlp.toml"
BATCH, RATE = 32, 0.001
TOOLS = {"diffc": "diffc", "torch": "torch", "scikit-learn": "sklearn"}
"""The tools, and what must be installed for them."""

Data = tuple[np.ndarray, np.ndarray]
Run = tuple[list[float], float]
"""The moments at which epochs ended, and the loss in the last."""


def run(epochs: int = 15, rounds: int = 3) -> dict[str, dict[str, Any]]:
    """Print and return the figures: microseconds an epoch, losses, and how much of diffc's is its kernel."""
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            return {dtype: _compare(dtype, epochs, rounds) for dtype in ("f64", "f32")}
        finally:
            os.sched_setaffinity(0, before)
    return {dtype: _compare(dtype, epochs, rounds) for dtype in ("f64", "f32")}


def _compare(dtype: str, epochs: int, rounds: int) -> dict[str, Any]:
    data, model = _digits(dtype), _model(dtype)
    weights = model.init(0)
    runs: dict[str, Callable[[], Run]] = {
        "diffc": partial(_diffc, model, data, epochs),
        "torch": partial(_torch, weights, data, epochs),
        "scikit-learn": partial(_sklearn, weights, data, epochs),
    }
    found: dict[str, list[float]] = {}
    losses: dict[str, float] = {}
    shares: list[float] = []
    for _ in range(rounds):
        shares.append(_kernel_share(model, data, epochs))
        for tool, train in runs.items():
            if importlib.util.find_spec(TOOLS[tool]) is not None:
                moments, losses[tool] = train()
                found.setdefault(tool, []).extend(np.diff(moments).tolist())
    figures: dict[str, Any] = {
        tool: {"microseconds": median(each) * 1e6, "epochs": len(each), "loss": losses[tool]}
        for tool, each in found.items()
    }
    steps = -(-len(data[0]) // BATCH)
    figures["kernel"] = {"share": median(shares)}
    _print(dtype, figures, steps, epochs)
    return figures


def _print(dtype: str, figures: dict[str, Any], steps: int, epochs: int) -> None:
    ours = figures["diffc"]["microseconds"]
    print(f"digits 64-32-10, {dtype}, {steps} steps an epoch of {BATCH} samples")
    print(f"  {'':14s}{'us an epoch':>12s}{'us a step':>11s}{'x diffc':>9s}  loss in epoch {epochs}")
    for tool in TOOLS:
        if tool in figures:
            time, loss = figures[tool]["microseconds"], figures[tool]["loss"]
            print(f"  {tool:14s}{time:12.0f}{time / steps:11.2f}{time / ours:9.2f}  {loss:.4f}")
    print(f"  {figures['kernel']['share']:.0%} of diffc's epoch are calls of the step's kernel", flush=True)


def _digits(dtype: str) -> Data:
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    number = {"f64": np.float64, "f32": np.float32}[dtype]
    return (pixels / 16).astype(number), digits


def _model(dtype: str) -> Any:
    import diffc as dc
    from diffc.nn import Dense, Network, SoftmaxCrossEntropy

    inputs = {"x": f"{dtype}[N, 64]", "y": f"{dtype}[N, 10]"}
    layers = [Dense(32, activation="tanh"), Dense(10)]
    model = dc.Model.of(Network(inputs=inputs, layers=layers, loss=SoftmaxCrossEntropy("y")))
    assert str(model.loss) == str(dc.load_model(MODEL).loss).replace("f64", dtype)
    return model


def _diffc(model: Any, data: Data, epochs: int) -> Run:
    from diffc.training import fit_model

    moments: list[float] = []
    result = fit_model(
        model,
        {"x": data[0], "y": data[1]},
        one_hot=["y"],
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=RATE,
        metric="none",
        on_epoch=lambda _: moments.append(perf_counter()),
    )
    return moments, result.history[-1].loss


def _kernel_share(model: Any, data: Data, epochs: int) -> float:
    """Return how much of an epoch the calls of the step's kernel take, in a training of its own."""
    from diffc.training.step import TrainingStep

    calls: list[float] = []
    sound = TrainingStep.run

    def timed(step: TrainingStep, batch: Any, rate: float) -> float:
        before = perf_counter()
        loss = sound(step, batch, rate)
        calls.append(perf_counter() - before)
        return loss

    TrainingStep.run = timed
    try:
        moments, _ = _diffc(model, data, epochs)
    finally:
        TrainingStep.run = sound
    inside = np.sum(np.reshape(calls, (epochs, -1)), axis=1)[1:]
    return float(np.median(inside / np.diff(moments)))


def _torch(weights: dict[str, np.ndarray], data: Data, epochs: int) -> Run:
    import torch

    torch.set_num_threads(1)
    x, y = torch.from_numpy(data[0]), torch.from_numpy(data[1])
    first, second = torch.nn.Linear(64, 32, dtype=x.dtype), torch.nn.Linear(32, 10, dtype=x.dtype)
    net = torch.nn.Sequential(first, torch.nn.Tanh(), second)
    with torch.no_grad():
        for layer, number in ((first, 1), (second, 2)):
            layer.weight.copy_(torch.from_numpy(weights[f"W{number}"].T.copy()))
            layer.bias.copy_(torch.from_numpy(weights[f"b{number}"]))
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    random, moments, total = torch.Generator().manual_seed(0), [], 0.0
    for _ in range(epochs):
        total = torch.zeros((), dtype=x.dtype)
        for chosen in torch.split(torch.randperm(len(x), generator=random), BATCH):
            optimizer.zero_grad()
            loss = loss_of(net(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        moments.append(perf_counter())
    return moments, float(total) / len(x)


def _sklearn(weights: dict[str, np.ndarray], data: Data, epochs: int) -> Run:
    from sklearn.neural_network import MLPClassifier

    warnings.filterwarnings("ignore", message="Got `batch_size` less than 1")  # of the last, shorter batch
    net: Any = MLPClassifier((32,), activation="tanh", batch_size=BATCH, alpha=0.0, random_state=0)
    net.partial_fit(data[0][:10], data[1][:10], classes=range(10))  # makes the arrays that are filled here
    for number in (1, 2):
        net.coefs_[number - 1][...] = weights[f"W{number}"]
        net.intercepts_[number - 1][...] = weights[f"b{number}"]
    optimizer = net._optimizer
    optimizer.t = 0
    for moment in (*optimizer.ms, *optimizer.vs):
        moment[...] = 0
    moments: list[float] = []
    for _ in range(epochs):
        net.partial_fit(*data)
        moments.append(perf_counter())
    return moments, float(net.loss_)


def main() -> int:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=15, help="of each training; the first is not counted")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each tool, which take turns")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args()
    figures = run(chosen.epochs, chosen.rounds)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
