"""Two interleaved spirals, told apart by a small network.

The data are the 194 points of Lang and Witbrock (1988, "Learning to Tell Two Spirals Apart"), scaled to a
radius of 2: each class goes three times around the origin, and the network in spirals.toml has to bend its
boundary as often. It is trained by Adam, as the file says, and on the same batches by gradient descent.

    python spirals.py --out spirals.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import diffc as dc

MODEL = Path(__file__).with_suffix(".toml")
STEPS = np.arange(97)


def spirals() -> tuple[np.ndarray, np.ndarray]:
    """Return the points, shape (194, 2), and their classes, 0 and 1, shape (194, 1)."""
    angle, radius = np.pi * STEPS / 16, 2 * (104 - STEPS) / 104
    first = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return np.concatenate([first, -first]), np.repeat([[1.0], [0.0]], len(STEPS), axis=0)


def train(model: Any, **settings: Any) -> Any:
    """Return the result of a training as the model's file says, but for the settings given."""
    x, y = spirals()
    return dc.training.fit(model.loss, model.init(), {"x": x, "y": y}, **{**model.file.train, **settings})


def wrong(model: Any, result: Any) -> int:
    """Return how many points are on the wrong side."""
    x, y = spirals()
    return int(np.sum((model.predict(x, **result.parameters) > 0.5) != (y > 0.5)))


def draw(model: Any, results: dict[str, Any], path: Path) -> None:
    """Save a picture: the loss of each training by epoch, and the regions that it found."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    curves, *planes = figure.subplots(1, 1 + len(results))
    grid = np.linspace(-2.2, 2.2, 301)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    x, y = spirals()
    for axes, (name, result) in zip(planes, results.items(), strict=True):
        curves.semilogy([epoch.loss for epoch in result.history], label=name)
        chances = model.predict(plane, **result.parameters).reshape(len(grid), len(grid))
        axes.contourf(grid, grid, chances, np.linspace(0, 1, 11), cmap="RdBu_r")
        axes.scatter(*x.T, c=y, cmap="RdBu_r", edgecolors="black", s=16, linewidths=0.7)
        axes.set(title=f"{name}: {wrong(model, result)} wrong", aspect="equal")
    curves.set(xlabel="epoch", ylabel="cross-entropy", title="Training")
    curves.legend()
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print, save the picture; return 0 if Adam tells all points apart, else 1."""
    parser = argparse.ArgumentParser(description="Two interleaved spirals, told apart by a small network.")
    parser.add_argument("--out", type=Path, default=Path("spirals.png"), help="the picture to write")
    parser.add_argument("--epochs", type=int, default=3000, help="how often the points are gone through")
    options = parser.parse_args(argv)

    model = dc.load_model(MODEL)
    results = {
        "Adam": train(model, epochs=options.epochs),
        "gradient descent": train(model, epochs=options.epochs, optimizer="sgd", learning_rate=0.1),
    }
    print(f"{'':16}{'epochs':>8}{'loss':>12}{'wrong':>8}{'seconds':>9}")
    for name, result in results.items():
        last = result.history[-1]
        row = f"{name:16}{last.number:8}{last.loss:12.2e}{wrong(model, result):8}{last.seconds:9.2f}"
        print(f"{row}  {result.stopped}")
    draw(model, results, options.out)
    print(f"\npicture: {options.out}")
    return int(wrong(model, results["Adam"]) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
