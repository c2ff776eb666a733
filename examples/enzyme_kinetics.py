"""A maximum-likelihood fit of an enzyme's kinetics, with exact gradient and Hessian.

The velocity of an enzymatic reaction follows the Michaelis-Menten law v = Vm c / (K + c) in the
substrate's concentration c. The data are those of an enzyme treated with puromycin (Treloar 1974,
in Bates and Watts 1988, appendix A1.3). With normal errors of standard deviation s the negative
log-likelihood of (Vm, K, log s) is, up to a constant,

    sum over the data of  log s + (v - Vm c / (K + c))**2 / (2 s**2).

diffc derives its gradient and Hessian, SciPy's trust-region Newton method uses both, and the
Hessian at the optimum gives the standard errors. Estimates are compared with those that R prints
for the same data (An Introduction to R, section 11.7.1).

Two kinds of standard errors are shown. The inverse Hessian is the observed information; nonlinear
least squares, which R's `nls` does, uses the expected information J'J/s**2, with the Jacobian J of
the law. They differ by the residuals' share in the Hessian, and agree as the fit gets better.

    python enzyme_kinetics.py --out enzyme_kinetics.png
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

import diffc as dc

CONCENTRATION = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)  # ppm
VELOCITY = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200], float)  # counts/min**2

PUBLISHED = {  # value and standard error
    "Vm": (212.7, 6.947),
    "K": (0.06412, 0.008281),
    "s": (10.93, None),
}
TOLERANCE = 5e-4  # half a unit in the fourth digit, in which the published values are printed


class Fit(NamedTuple):
    """The estimates (Vm, K), their standard errors by either information, and the residual error."""

    estimates: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    residual: float
    iterations: int


def model() -> tuple[Any, Any]:
    """Return the law and the negative log-likelihood as functions of p = (Vm, K, log s), c (and v)."""
    data = {"p": "f64[3]", "c": "f64[N]"}
    law = dc.parse("p[0]*c/(p[1] + c)", inputs=data)
    likelihood = dc.parse(
        "sum(p[2] + 0.5*((v - p[0]*c/(p[1] + c))/exp(p[2]))**2)", inputs={**data, "v": "f64[N]"}
    )
    return law, likelihood


def starting_point() -> np.ndarray:
    """Return a rough guess: the largest velocity, the concentration at half of it, a tenth of it."""
    half = np.interp(VELOCITY.max() / 2, VELOCITY[::2], CONCENTRATION[::2])
    return np.array([VELOCITY.max(), half, np.log(VELOCITY.max() / 10)])


def fit(law: Any, likelihood: Any) -> Fit:
    """Return the maximum-likelihood fit; raise ValueError where SciPy does not converge."""
    value, gradient, hessian = map(
        dc.compile, (likelihood, dc.grad(likelihood, "p"), dc.hessian(likelihood, "p"))
    )

    def at_data(kernel: Callable[..., Any]) -> Callable[[np.ndarray], Any]:
        return lambda p: kernel(p, CONCENTRATION, VELOCITY)

    result = minimize(
        at_data(value),
        starting_point(),
        method="trust-exact",
        jac=at_data(gradient),
        hess=at_data(hessian),
        options={"gtol": 1e-9},
    )
    if not result.success and np.linalg.norm(result.jac) > 1e-6:
        raise ValueError(f"the fit did not converge: {result.message}")

    # Published errors count two degrees of freedom for (Vm, K); maximum likelihood counts none.
    count = len(VELOCITY)
    correction = np.sqrt(count / (count - 2))
    residual = correction * np.exp(result.x[2])
    covariance = np.linalg.inv(hessian(result.x, CONCENTRATION, VELOCITY))
    slopes = dc.compile(dc.jacobian(law, "p"))(result.x, CONCENTRATION)[:, :2]
    return Fit(
        estimates=result.x[:2],
        observed=correction * np.sqrt(np.diag(covariance))[:2],
        expected=residual * np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes))),
        residual=float(residual),
        iterations=int(result.nit),
    )


def report(found: Fit) -> bool:
    """Print the fit beside the published values; return whether they agree to all digits printed."""
    rows = [
        ("Vm", found.estimates[0], PUBLISHED["Vm"][0]),
        ("  standard error, expected", found.expected[0], PUBLISHED["Vm"][1]),
        ("  standard error, observed", found.observed[0], None),
        ("K", found.estimates[1], PUBLISHED["K"][0]),
        ("  standard error, expected", found.expected[1], PUBLISHED["K"][1]),
        ("  standard error, observed", found.observed[1], None),
        ("residual standard error", found.residual, PUBLISHED["s"][0]),
    ]
    print(f"{found.iterations} Newton steps\n")
    print(f"{'':28}{'found':>12}{'published':>12}")
    for name, value, published in rows:
        print(f"{name:28}{value:12.5g}{'' if published is None else format(published, '12.4g')}")
    return all(
        abs(value - published) <= TOLERANCE * abs(published)
        for _, value, published in rows
        if published is not None
    )


def draw(law: Any, found: Fit, path: Path) -> None:
    """Save a picture: the data, the fitted curve with its 95 % confidence band, the half velocity."""
    curve, slope = dc.compile(law), dc.compile(dc.jacobian(law, "p"))
    grid = np.linspace(0.0, 1.2, 241)
    p = np.array([*found.estimates, np.log(found.residual)])
    middle = curve(p, grid)
    data_slopes = slope(p, CONCENTRATION)[:, :2]
    covariance = found.residual**2 * np.linalg.inv(data_slopes.T @ data_slopes)
    slopes = slope(p, grid)[:, :2]
    student = 2.228  # the 97.5 % point of Student's t with 10 degrees of freedom
    band = student * np.sqrt(np.einsum("ni,ij,nj->n", slopes, covariance, slopes))

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(grid, middle - band, middle + band, color="tab:blue", alpha=0.2, label="95 % band")
    axes.plot(grid, middle, color="tab:blue", label="fit")
    axes.plot(CONCENTRATION, VELOCITY, "o", color="black", ms=5, label="data (Treloar 1974)")
    maximum, half = found.estimates
    axes.axhline(maximum, color="tab:gray", ls="--", lw=1)
    axes.plot([half, half, 0], [0, maximum / 2, maximum / 2], color="tab:gray", ls=":", lw=1)
    axes.annotate(f"Vm = {maximum:.1f}", (0.0, maximum), (4, 4), textcoords="offset points")
    axes.annotate(f"K = {half:.4f}", (half, 0), (4, 4), textcoords="offset points")
    axes.set(xlabel="concentration (ppm)", ylabel="velocity (counts/min²)", xlim=(0, 1.2), ylim=(0, 235))
    axes.set_title("Michaelis-Menten kinetics of an enzyme treated with puromycin")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the table, save the picture; return 0 if the published values come out, else 1."""
    parser = argparse.ArgumentParser(description="A maximum-likelihood fit of an enzyme's kinetics.")
    parser.add_argument("--out", type=Path, default=Path("enzyme_kinetics.png"), help="the picture to write")
    options = parser.parse_args(argv)

    law, likelihood = model()
    found = fit(law, likelihood)
    agrees = report(found)
    draw(law, found, options.out)
    print(f"\npicture: {options.out}")
    return 0 if agrees else 1


if __name__ == "__main__":
    raise SystemExit(main())
