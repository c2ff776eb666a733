"""Every function of the language, alone, squared, times an input and times others: never refuted, no crash.

A derivative that agrees with a numeric one must not be refuted, and one that is wrong must be.
"""

from __future__ import annotations

import random

import mpmath
import numpy as np
import pytest
from every_function import call, forms, inputs_of

import diffc as dc
from diffc.autodiff import grad
from diffc.compiler import proof_stages
from diffc.ops import evaluate
from diffc.ops.number_systems import resolve_with
from diffc.proof import verify_graph
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.numeric import draw
from diffc.syntax.functions import FUNCTIONS

UNDECIDED: dict[str, str] = {"(relu(x))*(loggamma(x))": "depend on each other"}
"""Formulas that are left undecided, each with the reason that its certificate gives."""

ONCE_REFUTED = (
    "x*gamma(x)", "gamma(x)**2", "loggamma(x)**2", "x*huber(x, y)", "gamma(x)*sin(x)", "abs(x)*gamma(x)",
    "x*loggamma(x)", "mod(x, y)", "x*mod(x, y)**2", "fmod(x, y)*sin(y)", "floor(x)*x**2",
    "loggamma(x)*gamma(y)",
    "huber(y, x)*huber(x, y)", "rel_entr(x, y)*x", "exp(loggamma(x)) - gamma(x)",
)  # fmt: skip


def certified(text: str, order: int = 2):
    """Return the certificate of a formula as the compiler optimises it, without compiling it."""
    stages = proof_stages("precise")
    graph = dc.parse(text, inputs=inputs_of(text)).graph
    return graph, verify_graph(graph, order=order, optimizer=stages["optimizer"], rules=stages["rules"])


def check(text: str) -> None:
    graph, certificate = certified(text)
    reason = UNDECIDED.get(text)
    if reason is None:
        assert certificate.verdict == "holds", str(certificate)
    else:
        assert certificate.verdict == "undecided", str(certificate)
        assert all(reason in each.basis for each in certificate.open), str(certificate)
    if "stop_gradient" not in text:  # whose derivative is 0 by definition, whatever its slope
        assert compared_with_mpmath(graph) != "no points", text


def compared_with_mpmath(graph) -> str:
    """Compare the gradient with numeric derivatives by mpmath at points where both are smooth and finite."""
    gradient = grad(graph, [node.attrs["name"] for node in graph.inputs])
    compared = 0
    for attempt in range(9):
        arguments = draw(graph, {}, np.random.default_rng([7, attempt]), attempt)
        derivatives = evaluate(gradient, *arguments)
        for place, (argument, given) in enumerate(zip(arguments, derivatives, strict=True)):
            for index in np.ndindex(*argument.shape):
                got = float(given[index])
                one_sided = [slope(graph, arguments, (place, index), side) for side in (-1, 1)]
                if not all(map(mpmath.isfinite, one_sided)) or not smooth(*one_sided):
                    continue
                assert got == pytest.approx(float(one_sided[0]), rel=1e-7, abs=1e-9), (attempt, place, index)
                compared += 1
    return f"{compared} derivatives" if compared else "no points"


def smooth(left, right) -> bool:
    return abs(left - right) <= 1e-12 * (1 + abs(left))


def slope(graph, arguments, where, side):
    """Return a one-sided difference quotient of the value, with 80 digits."""
    step = MULTIPRECISION.number(side * 2.0**-90)
    values = [value(graph, arguments, where, shift) for shift in (0 * step, step)]
    return (values[1] - values[0]) / step


def value(graph, arguments, where, shift):
    place, index = where
    arrays = [MULTIPRECISION.array(each) for each in arguments]
    arrays[place][index] = arrays[place][index] + shift
    known = dict(zip(graph.inputs, arrays, strict=True))
    MULTIPRECISION.run(graph.nodes, known, resolve_with({}))
    return known[graph.outputs[0]].item()


@pytest.mark.parametrize("text", ONCE_REFUTED)
def test_a_right_derivative_is_not_refuted(text):
    check(text)


@pytest.mark.scale
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name):
    for text in forms(name):
        check(text)


def pairs(count: int) -> list[str]:
    """Return products of two functions, drawn once for all."""
    names = list(FUNCTIONS)
    every = [f"({call(a)})*({call(b)})" for k, a in enumerate(names) for b in names[k:]]
    return random.Random(20).sample(every, count)


@pytest.mark.scale
@pytest.mark.parametrize("text", pairs(60))
def test_functions_times_each_other(text):
    check(text)
