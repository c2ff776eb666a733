"""Schedules against their closed forms."""

from __future__ import annotations

import math

import pytest

from diffc.training.schedules import SCHEDULES, Schedule


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 2.5])
def test_beginning_and_warm_up(kind, warmup):
    schedule = Schedule(kind, epochs=10, warmup=warmup, step_epochs=3, factor=0.5)
    assert schedule.at(warmup) == 1.0
    if warmup:
        assert schedule.at(0.0, 0.25) == pytest.approx(0.1)
        assert schedule.at(2.25, 0.25) == 1.0
        assert schedule.at(2.25, 1.0) == 1.0


def test_step():
    schedule = Schedule("step", epochs=10, step_epochs=3, factor=0.5)
    assert [schedule.at(k) for k in (0, 2.99, 3, 5.9, 6, 9)] == [1, 1, 0.5, 0.5, 0.25, 0.125]


def test_exponential():
    schedule = Schedule("exponential", epochs=10, factor=0.9)
    assert schedule.at(4.5) == pytest.approx(math.exp(4.5 * math.log(0.9)), rel=1e-14)


def test_linear():
    schedule = Schedule("linear", epochs=8, warmup=2, factor=0.1)
    assert [schedule.at(2 + 6 * part) for part in (0, 0.5, 1, 2)] == pytest.approx([1, 0.55, 0.1, 0.1])


def test_cosine():
    schedule = Schedule("cosine", epochs=9, factor=0.2)
    assert [schedule.at(9 * part) for part in (0, 1 / 3, 0.5, 1)] == pytest.approx([1, 0.8, 0.6, 0.2])


def test_a_warm_up_longer_than_the_training():
    assert Schedule("cosine", epochs=2, warmup=5).at(2.0) == 0.4
    assert Schedule("linear", epochs=2, warmup=2).at(2.0) == 0.0
