"""How a category becomes numbers: one-hot against ordinal.

Six groups of chicks were raised on six feeds and weighed after six weeks (`chickwts` in R; McNeil 1977,
Interactive Data Analysis). A linear model of the weight needs the feed as numbers:

- ordinal: one number, by alphabet. The model can only rise or fall with it, as if the feeds had an order;
- one-hot: six numbers, of which the feed's own is 1. The model has a weight for each feed and finds its mean.

The share of the variance that is explained, R2, tells how much that matters: the one-hot model's is the one
that R's `summary(lm(weight ~ feed))` prints. A hidden layer can repair the ordinal code, with more parameters
and more work; no order of the feeds can, as all 720 of them show.

    python encodings.py --out encodings.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import diffc as dc

GRAMS = {
    "casein": (368, 390, 379, 260, 404, 318, 352, 359, 216, 222, 283, 332),
    "horsebean": (179, 160, 136, 227, 217, 168, 108, 124, 143, 140),
    "linseed": (309, 229, 181, 141, 260, 203, 148, 169, 213, 257, 244, 271),
    "meatmeal": (325, 257, 303, 315, 380, 153, 263, 242, 206, 344, 258),
    "soybean": (243, 230, 248, 327, 329, 250, 193, 271, 316, 267, 199, 171, 158, 248),
    "sunflower": (423, 340, 392, 339, 341, 226, 320, 295, 334, 322, 297, 318),
}
FEEDS = tuple(GRAMS)
PUBLISHED = 0.5417  # the multiple R-squared of lm(weight ~ feed)

FEED = np.repeat(np.arange(len(FEEDS)), [len(grams) for grams in GRAMS.values()])
WEIGHT = np.concatenate([np.array(grams, float) for grams in GRAMS.values()])


def ordinal(feed: np.ndarray) -> np.ndarray:
    """Return feeds by number, shape (N,), as one number each, shape (N, 1), from -1 to 1."""
    return (2 * feed / (len(FEEDS) - 1) - 1)[:, None]


def one_hot(feed: np.ndarray) -> np.ndarray:
    """Return feeds by number, shape (N,), as rows of zeros and a 1, shape (N, 6)."""
    return np.eye(len(FEEDS))[feed]


class Fit(NamedTuple):
    """What a model of the weight explains."""

    parameters: int
    share: float  # R2
    grams: np.ndarray  # predicted for each feed


def fit(code: Any, hidden: int = 0) -> Fit:
    """Return the least-squares fit of the weight, linear or with a hidden layer, to the encoded feed."""
    x, feeds = code(FEED), code(np.arange(len(FEEDS)))
    y = (WEIGHT - WEIGHT.mean()) / WEIGHT.std()
    layers = [dc.nn.Dense(hidden, activation="tanh")] if hidden else []
    network = dc.nn.Network(
        inputs={"x": f"f64[N, {x.shape[1]}]", "y": "f64[N, 1]"},
        layers=[*layers, dc.nn.Dense(1)],
        loss=dc.nn.SquaredError("y"),
    )
    model: Any = dc.Model.of(network)
    data = {"x": x, "y": y[:, None]}
    found = dc.training.fit(model.loss, model.init(), data, optimizer="lbfgs", epochs=1000)
    predicted = model.predict(feeds, **found.parameters)[:, 0]
    return Fit(
        parameters=sum(each.size for each in found.parameters.values()),
        share=1 - found.history[-1].loss,
        grams=WEIGHT.mean() + WEIGHT.std() * predicted,
    )


def shares_of_all_orders() -> np.ndarray:
    """Return R2 of the linear model of the ordinal code for each of the 720 orders of the feeds."""
    orders = np.array(list(permutations(range(len(FEEDS)))))
    codes = orders[:, FEED] - orders[:, FEED].mean(axis=1, keepdims=True)
    covariances = codes @ (WEIGHT - WEIGHT.mean())
    return covariances**2 / (np.sum(codes**2, axis=1) * np.sum((WEIGHT - WEIGHT.mean()) ** 2))


def report(fits: dict[str, Fit], shares: np.ndarray) -> None:
    """Print what the models explain, and the weights that they predict."""
    print(f"{'':22}{'parameters':>12}{'R2':>9}{'published':>12}")
    for name, found in fits.items():
        print(f"{name:22}{found.parameters:12}{found.share:9.4f}{PUBLISHED if name == 'one-hot' else '':>12}")
    print(f"\nordinal, in any other order: R2 from {shares.min():.4f} to {shares.max():.4f}\n")
    print(f"{'grams':12}{'mean':>10}" + "".join(f"{name:>22}" for name in fits))
    for k, feed in enumerate(FEEDS):
        print(
            f"{feed:12}{np.mean(GRAMS[feed]):10.1f}" + "".join(f"{x.grams[k]:22.1f}" for x in fits.values())
        )


def draw(fits: dict[str, Fit], shares: np.ndarray, path: Path) -> None:
    """Save a picture: the chicks' weights with what the models predict, and R2 of all orders."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    chicks, orders = figure.subplots(1, 2, width_ratios=(1.6, 1))
    chicks.plot(FEED, WEIGHT, "o", color="black", ms=4, alpha=0.5, label="chicks")
    for (name, found), marker in zip(fits.items(), "s^_", strict=True):
        chicks.plot(found.grams, marker, ls=":", ms=10, mew=2, fillstyle="none", label=name)
    chicks.set_xticks(range(len(FEEDS)), FEEDS)
    chicks.set(ylabel="weight after six weeks (g)", title="Chicks by feed, and three models", ylim=(90, 540))
    chicks.legend(ncols=2, loc="upper center")
    orders.hist(shares, bins=40, color="tab:gray", label="ordinal, all 720 orders")
    for name, color in (("ordinal", "tab:blue"), ("one-hot", "tab:green")):
        orders.axvline(fits[name].share, color=color, label=name)
    orders.set(xlabel="R2", ylabel="orders", title="Variance explained by a linear model")
    orders.legend()
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print, save the picture; return 0 if the published R2 comes out, else 1."""
    parser = argparse.ArgumentParser(description="How a category becomes numbers: one-hot against ordinal.")
    parser.add_argument("--out", type=Path, default=Path("encodings.png"), help="the picture to write")
    options = parser.parse_args(argv)

    fits = {
        "ordinal": fit(ordinal),
        "ordinal, hidden layer": fit(ordinal, hidden=8),
        "one-hot": fit(one_hot),
    }
    shares = shares_of_all_orders()
    report(fits, shares)
    draw(fits, shares, options.out)
    print(f"\npicture: {options.out}")
    return int(abs(fits["one-hot"].share - PUBLISHED) > 5e-5)


if __name__ == "__main__":
    raise SystemExit(main())
