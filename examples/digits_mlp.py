"""Handwritten digits, from a model file to predictions, by the commands of `diffc`.

The data are scikit-learn's 1,797 images of 8 by 8 pixels (Alpaydin and Kaynak 1998, "Optical Recognition
of Handwritten Digits", UCI). A fifth of them, as many of each digit, is put aside: no command sees it before
the last one. The model file digits_mlp.toml, a layer of 32 tanh units under a softmax, is compiled, its
derivatives are proved, its gradient is shown, its parameters are trained, and the compiled model reads the
images put aside.

    python digits_mlp.py --out digits

The folder gets the data, the compiled model, the trained parameters, the predictions, and a picture.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from diffc.cli import main as diffc
from diffc.training import Epoch, read_checkpoint

MODEL = Path(__file__).with_suffix(".toml")
TRAINING = "--learning-rate 0.01 --schedule cosine --weight-decay 0.1 --validation-split 0.1 --patience 10"
LINES = 12
"""How many lines of the gradient's program are printed."""
WANTED = 0.96
"""The accuracy that is called a success."""


def write_data(folder: Path) -> None:
    """Write digits_train.npz and digits_test.npz: pixels x (N, 64) from 0 to 1, one-hot rows y (N, 10)."""
    pixels, digits = load_digits(return_X_y=True)
    x, unseen_x, y, unseen_y = train_test_split(
        pixels / 16, np.eye(10)[digits], test_size=0.2, random_state=0, stratify=digits
    )
    np.savez(folder / "digits_train.npz", x=x, y=y)
    np.savez(folder / "digits_test.npz", x=unseen_x, y=unseen_y)


def commands(folder: Path, epochs: int) -> list[list[str]]:
    """Return the command lines, without the leading `diffc`."""
    model, at = (shlex.quote(os.path.relpath(path)) for path in (MODEL, folder))
    lines = [
        f"build {model} -o {at}/built",
        f"verify {model} --order 2",
        f"inspect {model} --stage optimized --of gradient",
        f"train {model} --data {at}/digits_train.npz --out {at}/training --overwrite"
        f" --epochs {epochs} {TRAINING}",
        f"run {at}/built --kernel predict --input {at}/digits_test.npz {at}/training/parameters.safetensors"
        f" --output {at}/predictions.npz",
    ]
    return [shlex.split(line) for line in lines]


def carry_out(command: Sequence[str]) -> None:
    """Run a command, print it, what it shows and its seconds; raise RuntimeError where it fails."""
    print(f"$ diffc {shlex.join(command)}", flush=True)
    shown, start = io.StringIO(), perf_counter()
    with contextlib.redirect_stdout(shown):
        status = diffc(command)
    lines = shown.getvalue().splitlines()
    if command[0] == "inspect" and len(lines) > LINES:
        lines[LINES:] = [f"  ... {len(lines) - LINES} more lines"]
    print("\n".join(lines))
    print(f"[{perf_counter() - start:.1f} s]\n", flush=True)
    if status != 0:
        raise RuntimeError(f"diffc {command[0]} ended with status {status}")


def confusion(digits: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return how often each digit (a row) was read as each digit (a column)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (digits, read), 1)
    return table


def draw(
    images: np.ndarray, digits: np.ndarray, chances: np.ndarray, history: Sequence[Epoch], path: Path
) -> None:
    """Save a picture: the images that were read least surely, the losses by epoch, the confusions."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, squeeze=False)[0]
    read = chances.argmax(axis=1)
    hardest = np.argsort(chances[np.arange(len(digits)), digits])
    left.suptitle("The 20 digits with the least probability")
    for axes, k in zip(left.subplots(4, 5).flat, hardest, strict=False):
        axes.imshow(images[k].reshape(8, 8), cmap="gray_r")
        colour = "black" if read[k] == digits[k] else "tab:red"
        axes.set_title(f"{digits[k]} read as {read[k]}", color=colour, fontsize=7)
        axes.set_axis_off()

    curves: Axes = middle.subplots()
    numbers = [epoch.number for epoch in history]
    curves.semilogy(numbers, [epoch.loss for epoch in history], label="training")
    curves.semilogy(numbers, [epoch.monitored for epoch in history], label="validation")
    curves.set(xlabel="epoch", ylabel="cross-entropy", title="Training")
    curves.legend()

    table: Axes = right.subplots()
    counts = confusion(digits, read)
    table.imshow(np.log1p(counts), cmap="Blues")
    for row, column in np.argwhere(counts):
        colour = "white" if row == column else "tab:red"
        table.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    table.set(xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10))
    table.set_title(f"{np.mean(read == digits):.1%} of {len(digits)} unseen images right")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Run all commands, print the test accuracy, save the picture; return 0 if it is above 96 %, else 1."""
    parser = argparse.ArgumentParser(description="Handwritten digits, by the commands of diffc.")
    parser.add_argument("--out", type=Path, default=Path("digits"), help="the folder to write")
    parser.add_argument(
        "--epochs", type=int, default=60, help="how often the images are gone through at most"
    )
    options = parser.parse_args(argv)

    start = perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    write_data(options.out)
    for command in commands(options.out, options.epochs):
        carry_out(command)

    with np.load(options.out / "digits_test.npz") as test:
        images, digits = test["x"], test["y"].argmax(axis=1)
    with np.load(options.out / "predictions.npz") as predictions:
        chances = predictions["predict"]
    history = read_checkpoint(options.out / "training" / "checkpoint.safetensors").history
    draw(images, digits, chances, history, options.out / "digits.png")
    right = int(np.sum(chances.argmax(axis=1) == digits))
    print(f"test accuracy: {right / len(digits):.4f}, {right} of {len(digits)} images it has not seen")
    print(f"picture: {options.out / 'digits.png'}\n{perf_counter() - start:.1f} s in all")
    return 0 if right > WANTED * len(digits) else 1


if __name__ == "__main__":
    raise SystemExit(main())
