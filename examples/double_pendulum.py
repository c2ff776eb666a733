"""A double pendulum from its Lagrangian: nobody derives the equations of motion by hand.

The Lagrangian L(q, v) is written in SymPy, as kinetic minus potential energy of two point masses.
The Euler-Lagrange equations d/dt (dL/dv) = dL/dq, with v = dq/dt, read after the chain rule

    M a = dL/dq - C v,        M = d2L/dv dv,        C = d2L/dv dq,

so that the acceleration a needs one gradient and two blocks of second derivatives. diffc derives
them and compiles each to a kernel; SciPy integrates. The energy E = v . dL/dv - L, which the motion
conserves, tells how good the result is.

    python double_pendulum.py --out double_pendulum.png
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sympy
from matplotlib.figure import Figure
from scipy.integrate import solve_ivp

import diffc as dc

CONSTANTS = np.array([1.0, 1.0, 1.0, 1.0, 9.81])  # masses m1, m2 (kg), lengths l1, l2 (m), g (m/s2)
START = np.array([2.2, 2.6, 0.0, 0.0])  # angles from the vertical (rad), released at rest
TOLERANCE = 1e-8


def lagrangian() -> Any:
    """Return L(q, v, c) as a diffc Function of the angles, their rates and the constants."""
    q1, q2, v1, v2 = sympy.symbols("q1 q2 v1 v2")
    m1, m2, l1, l2, g = sympy.symbols("m1 m2 l1 l2 g")
    angles, rates = sympy.Matrix([q1, q2]), sympy.Matrix([v1, v2])
    first = sympy.Matrix([l1 * sympy.sin(q1), -l1 * sympy.cos(q1)])
    second = first + sympy.Matrix([l2 * sympy.sin(q2), -l2 * sympy.cos(q2)])
    kinetic = potential = sympy.Integer(0)
    for mass, position in ((m1, first), (m2, second)):
        velocity = position.jacobian(angles) * rates
        kinetic += mass * velocity.dot(velocity) / 2
        potential += mass * g * position[1]
    return dc.from_sympy(
        kinetic - potential,
        inputs={"q": [q1, q2], "v": [v1, v2], "c": [m1, m2, l1, l2, g]},
        name="L",
    )


class Pendulum(NamedTuple):
    """The compiled functions of (q, v, c) that the equations of motion are made of."""

    lagrangian: Callable[..., Any]
    momentum: Callable[..., Any]  # dL/dv, shape (2,)
    force: Callable[..., Any]  # dL/dq, shape (2,)
    mass: Callable[..., Any]  # d2L/dv dv, shape (2, 2)
    coupling: Callable[..., Any]  # d2L/dv dq, shape (2, 2)

    @classmethod
    def compiled(cls) -> Pendulum:
        """Derive and compile all five."""
        L = lagrangian()
        momentum = dc.grad(L, "v")
        functions = (L, momentum, dc.grad(L, "q"), dc.hessian(L, "v"), dc.jacobian(momentum, "q"))
        return cls(*map(dc.compile, functions))

    def slope(self, time: float, state: np.ndarray) -> np.ndarray:
        """Return the time derivative (v, a) of the state (q, v)."""
        q, v = state[:2], state[2:]
        right = self.force(q, v, CONSTANTS) - self.coupling(q, v, CONSTANTS) @ v
        return np.concatenate([v, np.linalg.solve(self.mass(q, v, CONSTANTS), right)])

    def energy(self, state: np.ndarray) -> float:
        """Return v . dL/dv - L."""
        q, v = state[:2], state[2:]
        return float(v @ self.momentum(q, v, CONSTANTS) - self.lagrangian(q, v, CONSTANTS))


def energy_scale() -> float:
    """Return the work of lifting both masses from the lowest to the highest point."""
    m1, m2, l1, l2, g = CONSTANTS
    return float(2 * g * ((m1 + m2) * l1 + m2 * l2))


def positions(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the two masses are, each of shape (2, times), for angles of shape (2, times)."""
    l1, l2 = CONSTANTS[2:4]
    first = l1 * np.array([np.sin(angles[0]), -np.cos(angles[0])])
    return first, first + l2 * np.array([np.sin(angles[1]), -np.cos(angles[1])])


def draw(times: np.ndarray, states: np.ndarray, drift: np.ndarray, path: Path) -> None:
    """Save a picture: the outer mass's path with the rods at both ends, the angles, the energy error."""
    first, second = positions(states[:2])
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.15))
    plane = figure.add_subplot(grid[:, 0])
    dots = plane.scatter(*second, c=times, s=2, cmap="viridis", rasterized=True)
    for k, label in ((0, "start"), (-1, "end")):
        rods = np.stack([np.zeros(2), first[:, k], second[:, k]], axis=1)
        plane.plot(*rods, "o-", color="black" if k == 0 else "tab:red", lw=1.5, ms=6, label=label)
    plane.set(xlabel="x (m)", ylabel="y (m)", title="Path of the outer mass", aspect="equal")
    plane.margins(y=0.13)  # room for the legend above the path
    plane.legend(loc="upper center", ncols=2)
    figure.colorbar(dots, ax=plane, label="time (s)", shrink=0.8)

    angles = figure.add_subplot(grid[0, 1])
    angles.plot(times, states[0], label="inner")
    angles.plot(times, states[1], label="outer")
    angles.set(ylabel="angle (rad)", title="Angles from the vertical")
    angles.legend(loc="best")

    error = figure.add_subplot(grid[1, 1], sharex=angles)
    error.semilogy(times, np.maximum(drift, np.finfo(float).eps), color="tab:gray")
    error.axhline(TOLERANCE, color="tab:red", ls="--", lw=1)
    error.set(xlabel="time (s)", ylabel="|E - E(0)| / scale", title="Energy error (red: what is allowed)")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Integrate, print the energy error, save the picture; return 0 if energy is conserved, else 1."""
    parser = argparse.ArgumentParser(description="A double pendulum from its Lagrangian.")
    parser.add_argument("--out", type=Path, default=Path("double_pendulum.png"), help="the picture to write")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to integrate")
    options = parser.parse_args(argv)

    pendulum = Pendulum.compiled()
    times = np.linspace(0.0, options.seconds, 10001)
    solution = solve_ivp(
        pendulum.slope, (0.0, options.seconds), START, "DOP853", t_eval=times, rtol=1e-12, atol=1e-12
    )
    if not solution.success:
        print(f"the integration failed: {solution.message}")
        return 1
    energies = np.array([pendulum.energy(state) for state in solution.y.T])
    drift = np.abs(energies - energies[0]) / energy_scale()

    print(f"integrated {options.seconds:g} s with {solution.nfev} evaluations of the equations of motion")
    print(f"energy at the start {energies[0]:.12f} J, at the end {energies[-1]:.12f} J")
    print(f"largest energy error {drift.max():.2e} of the energy scale ({energy_scale():.2f} J)")
    draw(solution.t, solution.y, drift, options.out)
    print(f"picture: {options.out}")
    return 0 if drift.max() <= TOLERANCE else 1


if __name__ == "__main__":
    raise SystemExit(main())
