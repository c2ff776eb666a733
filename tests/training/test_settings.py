"""Settings: what is accepted, what each refusal says, and which optimiser and schedule they make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffc.nn.optimizers import SGD, Adam, Nesterov, RMSprop
from diffc.training import Settings, SettingsProblem
from diffc.training.schedules import Schedule


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"epoch": 3}, "epoch: unknown setting; did you mean 'epochs'? (there are epochs, batch_size,"),
        ({"epochs": 0}, "epochs: it is a whole number of at least 1, not 0"),
        ({"epochs": 2.0}, "epochs: it is a whole number of at least 1, not 2.0"),
        ({"epochs": True}, "epochs: it is a whole number"),
        ({"batch_size": 0}, 'batch_size: it is a whole number of at least 1, or "all", not 0'),
        ({"batch_size": "some"}, "batch_size: it is a whole number"),
        ({"optimizer": "adm"}, "optimizer: it is one of sgd, nesterov, rmsprop, adam, lbfgs, not 'adm'"),
        ({"optimizer": ["adam"]}, "optimizer: it is one of"),
        ({"learning_rate": 0}, "learning_rate: it is a number above 0, not 0"),
        ({"learning_rate": float("nan")}, "learning_rate: it is a number above 0, not nan"),
        ({"learning_rate": "0.1"}, "learning_rate: it is a number above 0, not '0.1'"),
        (
            {"momentum": 0.9},
            "momentum: it is no option of adam, which has weight_decay, beta1, beta2, epsilon",
        ),
        ({"optimizer": "lbfgs", "weight_decay": 0.1}, "weight_decay: it is no option of lbfgs"),
        (
            {"optimizer": "lbfgs", "learning_rate": 1},
            "learning_rate: lbfgs has none: it searches for the length of each step itself; "
            "leave it out, or choose one of sgd, nesterov, rmsprop, adam",
        ),
        (
            {"optimizer": "lbfgs", "batch_size": 32},
            "batch_size: lbfgs has none: it takes all samples in each",
        ),
        ({"optimizer": "lbfgs", "batch_size": "all"}, "batch_size: lbfgs has none"),
        ({"optimizer": "lbfgs", "shuffle": True}, "shuffle: lbfgs has none"),
        ({"optimizer": "lbfgs", "schedule": "constant"}, "schedule: lbfgs has none"),
        ({"optimizer": "lbfgs", "schedule": "cosine", "schedule_factor": 0.1}, "schedule: lbfgs has none"),
        ({"optimizer": "lbfgs", "step_epochs": 1}, "step_epochs: lbfgs has none"),
        ({"optimizer": "lbfgs", "schedule_epochs": 1}, "schedule_epochs: lbfgs has none"),
        ({"optimizer": "lbfgs", "warmup_epochs": 1}, "warmup_epochs: lbfgs has none"),
        ({"optimizer": "lbfgs", "momentum": 0.9}, "momentum: it is no option of lbfgs, which has no options"),
        (
            {"schedule": "cosine", "step_epochs": 3},
            "step_epochs: the cosine schedule has none; choose the sch",
        ),
        (
            {"schedule": "step", "schedule_epochs": 3},
            "schedule_epochs: the step schedule has none; choose the",
        ),
        (
            {"step_epochs": 3},
            "step_epochs: the constant schedule has none; choose the schedule step, or leave",
        ),
        (
            {"schedule": "linear", "schedule_epochs": 10, "epochs": 12},
            "schedule_epochs: the linear schedule ends at the rate 0 after epoch 10 of 12",
        ),
        ({"schedule": "linear", "schedule_epochs": 0}, "schedule_epochs: it is a number above 0, not 0"),
        ({"optimizer": "sgd", "momentum": 1}, "momentum: it is a number from 0 up to but not 1, not 1"),
        ({"schedule": "cosin"}, "schedule: it is one of constant, step, exponential, linear, cosine"),
        ({"schedule_factor": 0.5}, "schedule_factor: the constant schedule has none"),
        ({"schedule": "step", "schedule_factor": 2}, "schedule_factor: it is a number from 0 to 1"),
        ({"seed": -1}, "seed: it is a whole number from 0"),
        ({"seed": 2**63}, "seed: it is a whole number from 0"),
        ({"shuffle": 1}, "shuffle: it is true or false, not 1"),
        ({"validation_split": 1.0}, "validation_split: it is a number from 0 up to but not 1"),
        ({"patience": -1}, "patience: it is a whole number of epochs"),
        ({"time_limit": 0}, "time_limit: it is a number above 0"),
        ({"one_hot": [1]}, "one_hot: it is a list of inputs' names"),
        ({"one_hot": 3}, "one_hot: it is a list of inputs' names"),
        ({"metric": "acc"}, "metric: it is one of accuracy,"),
    ],
)
def test_refusals(table, says):
    with pytest.raises(SettingsProblem) as problem:
        Settings.of(table)
    assert says in str(problem.value)
    assert problem.value.key in table


@pytest.mark.parametrize(
    ("table", "rule", "rate"),
    [
        ({}, Adam(), 0.001),
        ({"optimizer": "adam", "weight_decay": 0.01, "beta1": 0}, Adam(0.01, 0.0), 0.001),
        ({"optimizer": "sgd", "momentum": 0.5}, SGD(momentum=0.5), 0.1),
        ({"optimizer": "nesterov", "learning_rate": 3}, Nesterov(), 3),
        ({"optimizer": "rmsprop", "decay": 0.99}, RMSprop(decay=0.99), 0.001),
    ],
)
def test_rules(table, rule, rate):
    settings = Settings.of(table)
    assert settings.rule() == rule
    assert settings.rate == rate


def test_changes():
    """What belonged to another optimizer or schedule goes with it, but for what is given."""
    old = Settings(optimizer="sgd", momentum=0.9, learning_rate=0.3, batch_size=8, seed=4, patience=2)
    assert old.changed({}) == old
    assert old.changed({"epochs": 7}) == replace(old, epochs=7)
    assert old.changed({"optimizer": "lbfgs"}) == Settings(optimizer="lbfgs", seed=4, patience=2)
    assert old.changed({"optimizer": "adam", "learning_rate": 0.1}) == Settings(
        learning_rate=0.1, seed=4, patience=2
    )
    stepwise = Settings(schedule="step", step_epochs=3, schedule_factor=0.5, warmup_epochs=1)
    assert stepwise.changed({"schedule": "cosine"}) == Settings(schedule="cosine", warmup_epochs=1)
    with pytest.raises(SettingsProblem, match="epocs: unknown setting"):
        old.changed({"epocs": 3})
    split = replace(old, validation_split=0.2)
    assert split.changed({"seed": 4, "validation_split": 0.2}) == split
    for change in ({"seed": 5}, {"validation_split": 0.3}):
        with pytest.raises(SettingsProblem, match=r"the validation samples were drawn with .* to stay"):
            split.changed(change)


def test_the_end_of_a_schedule_stays():
    assert Settings(schedule="cosine", epochs=9).with_end().schedule_epochs == 9
    assert Settings(schedule="cosine", epochs=9, schedule_epochs=20).with_end().schedule_epochs == 20
    assert Settings(schedule="step", epochs=9).with_end() == Settings(schedule="step", epochs=9)
    longer = Settings(schedule="cosine", epochs=9, schedule_factor=0.1).with_end().changed({"epochs": 30})
    assert longer.rates() == Schedule("cosine", 9, factor=0.1)
    with pytest.raises(SettingsProblem, match="ends at the rate 0 after epoch 9 of 30"):
        Settings(schedule="cosine", epochs=9).with_end().changed({"epochs": 30})


def test_schedules():
    assert Settings().rates() == Schedule("constant", 100)
    assert Settings(epochs=5, schedule="step").rates() == Schedule("step", 5, factor=0.1)
    given = Settings(schedule="cosine", schedule_factor=0.5, warmup_epochs=2)
    assert given.rates() == Schedule("cosine", 100, 2, factor=0.5)
    assert Settings.of({"one_hot": "y"}).one_hot == ("y",)
