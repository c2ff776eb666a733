"""Rosenblatt's perceptron: what its rule learns, what it cannot, and the layer that it lacks.

A perceptron answers with the sign of w . x + b. Its rule (Rosenblatt 1958) uses no derivative: of a sample
that it gets wrong it adds the target times the sample to w, and the target to b. Where a line parts the
classes the rule finds one after finitely many mistakes, the more the narrower the gap (Novikoff 1962). Two
species of iris (Fisher 1936) are such a case: by sepals and petals it is soon done, by sepals alone it takes
long. For the exclusive or there is no line (Minsky and Papert 1969), and the weights go round in a cycle.
With a hidden layer there is an answer, but the rule no longer says how to get there; gradient descent does.

    python perceptron.py --out perceptron.png
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import diffc as dc

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
ODD = np.array([-1.0, 1.0, 1.0, -1.0])


def irises(first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """Return two measures (cm) of setosa and versicolor, shape (100, 2), and -1 or 1 for each."""
    path = Path(__file__).parent / "data" / "iris.csv"
    heading, *rows = np.loadtxt(path, delimiter=",", dtype=str, skiprows=2, max_rows=101)
    columns = [list(heading).index(name) for name in (first, second)]
    table = np.array(rows)
    return table[:, columns].astype(float), np.where(table[:, -1] == "setosa", -1.0, 1.0)


class Epoch(NamedTuple):
    """The weights after an epoch, and how many samples were wrong in it."""

    weights: np.ndarray
    bias: float
    mistakes: int


def learn(samples: np.ndarray, targets: np.ndarray, epochs: int = 2000) -> list[Epoch]:
    """Return what the perceptron's rule does, until an epoch without mistakes."""
    weights, bias = np.zeros(samples.shape[1]), 0.0
    history = []
    for _ in range(epochs):
        mistakes = 0
        for sample, target in zip(samples, targets, strict=True):
            if target * (weights @ sample + bias) <= 0:
                weights = weights + target * sample
                bias += target
                mistakes += 1
        history.append(Epoch(weights, bias, mistakes))
        if mistakes == 0:
            break
    return history


def cycle(history: list[Epoch]) -> int | None:
    """Return after how many epochs the weights come back to what they were, or None.

    What follows an epoch depends on its weights alone, so that weights that came back once do so for ever.
    """
    seen: dict[tuple[float, ...], int] = {}
    for number, epoch in enumerate(history):
        state = (*epoch.weights, epoch.bias)
        if epoch.mistakes and state in seen:
            return number - seen[state]
        seen[state] = number
    return None


class Solution(NamedTuple):
    """A network that has learnt the exclusive or."""

    chance: Callable[[np.ndarray], np.ndarray]  # of an odd answer, for samples of shape (N, 2)
    loss: float
    epochs: int


def solve_xor(seed: int = 0) -> Solution:
    """Return a network with one hidden layer of two units, trained by gradient descent."""
    network = dc.nn.Network(
        inputs={"x": "f64[N, 2]", "y": "f64[N, 1]"},
        layers=[dc.nn.Dense(2, activation="tanh"), dc.nn.Dense(1)],
        loss=dc.nn.SigmoidCrossEntropy("y"),
    )
    model: Any = dc.Model.of(network)
    found = dc.training.fit(
        model.loss,
        model.init(seed),
        {"x": XOR, "y": (ODD[:, None] + 1) / 2},
        optimizer="sgd",
        learning_rate=1.0,
        batch_size="all",
        epochs=5000,
        target_loss=0.01,
    )
    return Solution(
        chance=lambda samples: model.predict(samples, **found.parameters)[:, 0],
        loss=found.history[-1].loss,
        epochs=len(found.history),
    )


def report(species: dict[str, list[Epoch]], line: list[Epoch], network: Solution) -> bool:
    """Print what was learnt; return whether it is what the theorems say."""
    for name, history in species.items():
        mistakes = sum(epoch.mistakes for epoch in history)
        last = history[-1].mistakes
        print(f"irises by {name}: {mistakes} mistakes in {len(history)} epochs, in the last {last}")
    turns = cycle(line)
    print(f"xor: in the last of {len(line)} epochs {line[-1].mistakes} mistakes; a cycle of length {turns}")
    answers = network.chance(XOR)
    print(f"xor with a hidden layer: loss {network.loss:.4f} after {network.epochs} epochs")
    for sample, answer in zip(XOR, answers, strict=True):
        print(f"  {sample[0]:.0f} xor {sample[1]:.0f}: chance of 1 is {answer:.3f}")
    learnt = all(history[-1].mistakes == 0 for history in species.values())
    return learnt and turns is not None and bool(np.all((answers > 0.5) == (ODD > 0)))


def draw_line(axes: Any, epoch: Epoch, **style: Any) -> None:
    """Draw the line w . x + b = 0 where it has a slope."""
    (first, second), bias = epoch.weights, epoch.bias
    if second:
        ends = np.array([-10.0, 10.0])
        axes.plot(ends, -(first * ends + bias) / second, **style)


def draw(history: list[Epoch], network: Solution, path: Path) -> None:
    """Save a picture: the perceptron's lines among the irises, and the network's regions."""
    samples, targets = irises("sepal_length", "sepal_width")
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, target, color in (("setosa", -1, "tab:blue"), ("versicolor", 1, "tab:red")):
        left.plot(*samples[targets == target].T, "o", ms=4, color=color, label=name)
    chosen = [10, 50, 150, 400, len(history)]
    for number, style in zip(chosen, (":", "-.", "--", (0, (8, 2)), "-"), strict=True):
        draw_line(left, history[number - 1], color="black", lw=1, ls=style, label=f"epoch {number}")
    left.set(xlabel="sepal length (cm)", ylabel="sepal width (cm)", xlim=(4, 8.5), ylim=(1.8, 4.6))
    left.set_title("A perceptron learns two species of iris")
    left.legend(loc="lower right", fontsize="small")

    grid = np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    chances = network.chance(plane).reshape(len(grid), len(grid))
    regions = right.contourf(grid, grid, chances, np.linspace(0, 1, 11), cmap="RdBu_r")
    right.contour(grid, grid, chances, [0.5], colors="black")
    right.scatter(*XOR.T, c=ODD, cmap="RdBu_r", edgecolors="black", s=80)
    right.set(xlabel="first", ylabel="second", title="Exclusive or: two layers")
    figure.colorbar(regions, ax=right, label="chance of 1")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Learn, print, save the picture; return 0 if all came out as the theorems say, else 1."""
    parser = argparse.ArgumentParser(description="Rosenblatt's perceptron, and the layer that it lacks.")
    parser.add_argument("--out", type=Path, default=Path("perceptron.png"), help="the picture to write")
    options = parser.parse_args(argv)

    species = {
        "sepals and petals": learn(*irises("sepal_length", "petal_length")),
        "sepals alone": learn(*irises("sepal_length", "sepal_width")),
    }
    line, network = learn(XOR, ODD, epochs=100), solve_xor()
    agrees = report(species, line, network)
    draw(species["sepals alone"], network, options.out)
    print(f"\npicture: {options.out}")
    return 0 if agrees else 1


if __name__ == "__main__":
    raise SystemExit(main())
