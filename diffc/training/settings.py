"""What a training may be told: by `fit(...)`, by the table `[train]` of a model file, by `diffc train`.

All three give the same keys, checked here once. A `SettingsProblem` names its key, so that whoever read
the settings can say where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NoReturn, cast

from diffc.errors import DiffcError
from diffc.nn.optimizers import OPTIMIZERS, Optimizer
from diffc.syntax.suggestions import nearest
from diffc.training.metrics import METRICS
from diffc.training.schedules import SCHEDULES, Schedule

__all__ = ["LBFGS", "Settings", "SettingsProblem"]

LBFGS = "lbfgs"
"""The name of the optimiser that is no rule of steps: L-BFGS, from SciPy, on all data at once."""

_LEARNING_RATES = {"sgd": 0.1, "nesterov": 0.05, "rmsprop": 0.001, "adam": 0.001, LBFGS: 1.0}
_FACTORS = {"step": 0.1, "exponential": 0.95}
_LARGEST_SEED = 2**63


class SettingsProblem(DiffcError):
    """A setting that means nothing; `key` is its name."""

    def __init__(self, key: str, problem: str) -> None:
        """Say what is wrong with the setting `key`."""
        super().__init__(f"{key}: {problem}")
        self.key, self.problem = key, problem


@dataclass(frozen=True)
class Settings:
    """The settings of a training; None stands for "not given".

    Attributes:
        epochs: how often all samples are gone through; iterations for `lbfgs`.
        batch_size: samples a step, 32 by default: 1 is online learning, "all" one step an epoch.
        optimizer: sgd, nesterov, rmsprop, adam or lbfgs.
        learning_rate: of the first step after the warm-up; each optimiser has its own default.
        momentum: for sgd (default 0) and nesterov (default 0.9).
        beta1: for adam, 0.9.
        beta2: for adam, 0.999.
        decay: for rmsprop, 0.9.
        epsilon: for adam and rmsprop, 1e-8.
        weight_decay: decoupled: each step takes rate*weight_decay of each parameter away.
        schedule: constant (the default), step, exponential, linear or cosine.
        schedule_factor: see `Schedule.factor`; 0.1 for step, 0.95 for exponential, 0 for linear and cosine.
        schedule_epochs: when linear and cosine end; a training that goes on keeps what it began with,
            which is `epochs` by default.
        step_epochs: for the schedule step, 10.
        warmup_epochs: for how many epochs the learning rate first grows from 0; 0.
        seed: of the parameters' first values, the split and the order of samples.
        shuffle: whether the samples' order is drawn anew for each epoch; true.
        validation_split: the fraction of the samples that is kept for validation.
        patience: stop after so many epochs without a better loss and return the best parameters; 0: never.
        target_loss: stop as soon as the loss is this small.
        min_update: stop as soon as no parameter changes by more than this in an epoch.
        time_limit: stop after so many seconds, after any step; after any iteration of `lbfgs`.
        one_hot: targets that are given as class numbers.
        metric: what is measured beside the loss: see `diffc.training.metrics`.

    The loss that counts for `patience` and `target_loss` is that of the validation samples where there are
    any, else that of the training samples. What an optimiser or a schedule would ignore is refused.
    """

    epochs: int = 100
    batch_size: int | str | None = None
    optimizer: str = "adam"
    learning_rate: float | None = None
    momentum: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    decay: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None
    schedule: str | None = None
    schedule_factor: float | None = None
    schedule_epochs: float | None = None
    step_epochs: float | None = None
    warmup_epochs: float | None = None
    seed: int = 0
    shuffle: bool | None = None
    validation_split: float = 0.0
    patience: int = 0
    target_loss: float | None = None
    min_update: float | None = None
    time_limit: float | None = None
    one_hot: tuple[str, ...] = ()
    metric: str = "auto"

    @staticmethod
    def of(table: Mapping[str, Any]) -> Settings:
        """Return the settings that a table gives; raise `SettingsProblem` for the first wrong one."""
        known = [each.name for each in fields(Settings)]
        for key in table:
            if key not in known:
                raise SettingsProblem(
                    key, f"unknown setting{nearest(key, known)} (there are {', '.join(known)})"
                )
        values = dict(table)
        if isinstance(values.get("one_hot"), list | str):
            given = cast("list[Any] | str", values["one_hot"])
            values["one_hot"] = (given,) if isinstance(given, str) else tuple(given)
        return Settings(**values)

    def __post_init__(self) -> None:
        """Refuse what means nothing; raise `SettingsProblem`."""
        for key, (low, high, wanted) in _WHOLE.items():
            self._check_whole(key, low, high, wanted)
        for key, (holds, wanted) in _REAL.items():
            self._check_real(key, holds, wanted)
        for key, names in _CHOICES.items():
            value = getattr(self, key)
            if value not in names and not (value is None and key in _OPTIONAL):
                _refuse(key, f"it is one of {', '.join(names)}", value)
        if self.batch_size not in ("all", None):
            self._check_whole("batch_size", 1, None, 'a whole number of at least 1, or "all"')
        shuffle: Any = self.shuffle
        if shuffle is not None and not isinstance(shuffle, bool):
            _refuse("shuffle", "it is true or false", shuffle)
        names: Any = self.one_hot
        if not isinstance(names, tuple) or not all(
            isinstance(each, str) for each in cast("tuple[Any, ...]", names)
        ):
            _refuse("one_hot", "it is a list of inputs' names", names)
        self._check_optimizer()
        self._check_schedule()

    def _check_whole(self, key: str, low: int, high: int | None, wanted: str) -> None:
        value = getattr(self, key)
        if not isinstance(value, int) or isinstance(value, bool) or value < low or (high and value >= high):
            _refuse(key, f"it is {wanted}", value)

    def _check_real(self, key: str, holds: Any, wanted: str) -> None:
        value = getattr(self, key)
        if value is None and key in _OPTIONAL:
            return
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            _refuse(key, f"it is {wanted}", value)
        if not holds(value):
            _refuse(key, f"it is {wanted}", value)

    def _check_optimizer(self) -> None:
        for key in _OF_STEPS if self.optimizer == LBFGS else ():
            if getattr(self, key) is not None:
                others = ", ".join(OPTIMIZERS)
                raise SettingsProblem(
                    key, f"{LBFGS} has none: it {_OF_STEPS[key]}; leave it out, or choose one of {others}"
                )
        options = _options(self.optimizer)
        for key in _OPTIONS:
            if getattr(self, key) is not None and key not in options:
                has = f"has {', '.join(options)}" if options else "has no options; leave it out"
                raise SettingsProblem(key, f"it is no option of {self.optimizer}, which {has}")

    def _check_schedule(self) -> None:
        schedule = self.schedule or _CONSTANT
        for key, owners in _OF_SCHEDULES.items():
            if getattr(self, key) is not None and schedule not in owners:
                advice = f"choose the schedule {' or '.join(owners)}, or leave it out"
                raise SettingsProblem(key, f"the {schedule} schedule has none; {advice}")
        end = self.schedule_epochs
        if end is not None and end < self.epochs and not self.schedule_factor:
            raise SettingsProblem(
                "schedule_epochs",
                f"the {schedule} schedule ends at the rate 0 after epoch {end:g} of {self.epochs}, so "
                f"nothing is learned then; {self.epochs} stretches it, a schedule_factor above 0 goes on",
            )

    def changed(self, options: Mapping[str, Any]) -> Settings:
        """Return these settings with some others, as a training goes on with them.

        With another optimizer or schedule, what belonged to the old one goes, but for what is given. The
        validation samples stay: they would be among those to train with.

        Raises:
            SettingsProblem: for the first wrong one.
        """
        values = asdict(self)
        for key in ("seed", "validation_split") if self.validation_split else ():
            if options.get(key, values[key]) != values[key]:
                raise SettingsProblem(
                    key,
                    f"the validation samples were drawn with {values[key]} and are to stay; leave it out",
                )
        if options.get("optimizer", self.optimizer) != self.optimizer:
            values |= dict.fromkeys([*_OPTIONS, *_OF_STEPS])
        if options.get("schedule", self.schedule) != self.schedule:
            values |= dict.fromkeys(_OF_SCHEDULES)
        return Settings.of({**values, **options})

    def with_end(self) -> Settings:
        """Return the same with the end of the schedule said, if it has one."""
        ends = self.schedule in _OF_SCHEDULES["schedule_epochs"] and self.schedule_epochs is None
        return replace(self, schedule_epochs=float(self.epochs)) if ends else self

    @property
    def samples_a_step(self) -> int | str:
        """The batch size, "all" for one step an epoch."""
        return 32 if self.batch_size is None else self.batch_size

    @property
    def shuffled(self) -> bool:
        """Whether each epoch has an order of its own."""
        return self.shuffle is not False

    @property
    def rate(self) -> float:
        """The learning rate."""
        return _LEARNING_RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

    def rule(self) -> Optimizer:
        """Return the optimiser, which is not `lbfgs`."""
        given = {key: float(getattr(self, key)) for key in _OPTIONS if getattr(self, key) is not None}
        return OPTIMIZERS[self.optimizer](**given)

    def rates(self) -> Schedule:
        """Return the schedule of the learning rate."""
        factor = self.schedule_factor
        kind = self.schedule or _CONSTANT
        factor = _FACTORS.get(kind, 0.0) if factor is None else float(factor)
        end = self.schedule_epochs or self.epochs
        return Schedule(kind, end, self.warmup_epochs or 0.0, self.step_epochs or 10.0, factor)


def _options(optimizer: str) -> list[str]:
    return [] if optimizer == LBFGS else [each.name for each in fields(OPTIMIZERS[optimizer])]


def _refuse(key: str, wanted: str, value: object) -> NoReturn:
    raise SettingsProblem(key, f"{wanted}, not {value!r:.60}")


_OPTIONS = ("momentum", "beta1", "beta2", "decay", "epsilon", "weight_decay")
_CONSTANT = "constant"
_OF_SCHEDULES = {
    "schedule_factor": tuple(each for each in SCHEDULES if each != _CONSTANT),
    "schedule_epochs": ("linear", "cosine"),
    "step_epochs": ("step",),
}
"""Settings that some schedules have."""
_SEARCHES, _WHOLE_DATA = "searches for the length of each step itself", "takes all samples in each step"
_OF_STEPS = {
    "learning_rate": _SEARCHES,
    "batch_size": _WHOLE_DATA,
    "schedule": _SEARCHES,
    **dict.fromkeys(_OF_SCHEDULES, _SEARCHES),
    "warmup_epochs": _SEARCHES,
    "shuffle": _WHOLE_DATA,
}
"""Settings that L-BFGS has not, and what it does instead."""
_OPTIONAL = {"target_loss", "min_update", "time_limit", *_OPTIONS, *_OF_STEPS}

_WHOLE: dict[str, tuple[int, int | None, str]] = {
    "epochs": (1, None, "a whole number of at least 1"),
    "patience": (0, None, "a whole number of epochs, 0 for none"),
    "seed": (0, _LARGEST_SEED, "a whole number from 0 to 2**63 - 1"),
}

_POSITIVE = (lambda x: x > 0, "a number above 0")
_FRACTION = (lambda x: 0 <= x < 1, "a number from 0 up to but not 1")
_NOT_NEGATIVE = (lambda x: x >= 0, "a number of at least 0")
_REAL: dict[str, tuple[Any, str]] = {
    "learning_rate": _POSITIVE,
    "momentum": _FRACTION,
    "beta1": _FRACTION,
    "beta2": _FRACTION,
    "decay": _FRACTION,
    "epsilon": _POSITIVE,
    "weight_decay": _NOT_NEGATIVE,
    "schedule_factor": (lambda x: 0 <= x <= 1, "a number from 0 to 1"),
    "schedule_epochs": _POSITIVE,
    "step_epochs": _POSITIVE,
    "warmup_epochs": _NOT_NEGATIVE,
    "validation_split": _FRACTION,
    "target_loss": (lambda x: True, "a number"),
    "min_update": _NOT_NEGATIVE,
    "time_limit": _POSITIVE,
}

_CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": (*OPTIMIZERS, LBFGS),
    "schedule": tuple(SCHEDULES),
    "metric": METRICS,
}
