"""Train the parameters of any scalar function of parameters and data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from numpy.typing import NDArray

from diffc.errors import ArtefactError, InputError
from diffc.functions.function import Function
from diffc.training.batches import Batches
from diffc.training.checkpoint import Checkpoint, read_checkpoint
from diffc.training.data import Samples, check_data, check_parameters, encode_classes
from diffc.training.evaluation import Evaluation
from diffc.training.history import Epoch
from diffc.training.lbfgs import PackedLoss, descend
from diffc.training.plain import as_function
from diffc.training.session import Session
from diffc.training.settings import LBFGS, Settings
from diffc.training.step import TrainingStep

__all__ = ["Result", "UnsavedResult", "fit"]


@dataclass(frozen=True)
class Result:
    """What came out of a training.

    Attributes:
        parameters: the trained parameters: with `patience` the best, else those after the last epoch.
        history: one record for each epoch.
        stopped: why it ended: `epochs`, `target`, `patience`, `updates`, `time`, `converged` (L-BFGS found
            no further descent), `diverged` (a loss or parameter became infinite or NaN: what is returned is
            the last epoch before that), or `interrupted`.
        checkpoint: all that it takes to go on.
    """

    parameters: dict[str, NDArray[Any]]
    history: tuple[Epoch, ...]
    stopped: str
    checkpoint: Checkpoint

    @property
    def epoch(self) -> int:
        """The epoch that the parameters are from; 0 where no epoch was finished."""
        last = self.checkpoint
        return last.best_epoch if last.best else last.epoch


class UnsavedResult(ArtefactError):
    """The last checkpoint of a training could not be written; `result` is what came out."""

    def __init__(self, problem: str, result: Result) -> None:
        """Say why, and keep the result."""
        super().__init__(problem)
        self.result = result


def fit(
    loss: Function | Callable[..., Any],
    parameters: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    settings: Settings | None = None,
    *,
    validation: Mapping[str, Any] | None = None,
    predict: Function | Callable[..., Any] | None = None,
    target: str | None = None,
    resume: Checkpoint | str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    name: str | None = None,
    cache: bool = True,
    **options: Any,
) -> Result:
    """Train the parameters of a function, and return them with the history.

    The same arguments give the same bits on the same machine, whatever ended it but `time_limit`, which may
    end an epoch early. A training that goes on from a checkpoint, with the checkpoint's settings but for
    `epochs` and the criteria for stopping, gives the bits of one that never stopped; the schedules `linear`
    and `cosine` end where they were to end at first. Excepted are two: after `time_limit` the rest of that
    epoch's samples stays out, and `lbfgs` begins anew at the checkpoint's parameters, without its memory of
    earlier gradients, which SciPy does not give out.

    An interrupt (Ctrl-C) ends the training after its last whole epoch; the result then says so.

    Args:
        loss: a function with one scalar output. Its inputs are the parameters and the data. A plain function
            is traced for them; its arguments bear their names.
        parameters: the first value of each parameter by name; None to take those of `resume`.
        data: an array for each other input; see `diffc.training.data` for which have a row a sample.
        settings: how to train; those of `resume`, or the defaults, when not given.
        validation: samples to judge the training by, instead of a part of `data`.
        predict: a function of parameters and data whose predictions the metric compares with the targets.
        target: the data that they are compared with; without it the one that `predict` does not take.
        resume: a checkpoint, or its file, to go on from.
        checkpoint: the file to write checkpoints to, from time to time and at the end.
        on_epoch: told of every epoch.
        name: what the checkpoint calls the model; the loss's name when not given.
        cache: whether kernels are looked for and left in the cache.
        options: single settings, which override `settings`.

    Raises:
        SettingsProblem: for a setting that means nothing.
        InputError: for data or parameters that do not fit.
        ArtefactError: for a checkpoint that cannot be read or written; `UnsavedResult` at the end.
    """
    start = read_checkpoint(resume) if isinstance(resume, str | os.PathLike) else resume
    chosen = _settings(settings, start, options).with_end()
    first = _first(parameters, start)
    loss = as_function(loss, first, data)
    name = name or loss.name
    values = check_parameters(loss, first)
    if start is None:
        start = Checkpoint(values, chosen, model=name)
    elif start.model and start.model != name:
        raise InputError(
            f"the checkpoint is of another model: of {start.model!r}, not of {name!r}; if it is the same "
            "under a new name, give it the old one"
        )
    elif start.epoch >= chosen.epochs:
        raise InputError(
            f"the checkpoint is at epoch {start.epoch} of {chosen.epochs} already: "
            f"epochs = {2 * start.epoch} would train as much again"
        )
    training, held_out = _samples(loss, values, data, validation, chosen)
    on_training = Evaluation(loss, training, cache)
    on_validation = None if held_out is None else Evaluation(loss, held_out, cache)
    if predict is not None:
        predict = as_function(predict, first, data)
        (on_validation or on_training).with_metric(predict, chosen.metric, target)
    start = replace(start, parameters=values, settings=chosen)
    session = Session(start, on_training, on_validation, checkpoint, on_epoch)
    session.write()  # what cannot be written should come to light now
    try:
        stopped = _descend(loss, training, start, session, cache)
    except KeyboardInterrupt:
        stopped = "interrupted"
    last = session.last
    result = Result(dict(last.best or last.parameters), last.history, stopped, last)
    try:
        session.write()
    except ArtefactError as problem:
        raise UnsavedResult(str(problem), result) from None
    return result


def _settings(given: Settings | None, start: Checkpoint | None, options: Mapping[str, Any]) -> Settings:
    if given is None and start is not None:
        return start.settings.changed(options)
    base = given or Settings()
    return Settings.of({**asdict(base), **options}) if options else base


def _first(parameters: Mapping[str, Any] | None, start: Checkpoint | None) -> Mapping[str, Any]:
    """Return the parameters to begin with, after comparing the checkpoint's with those that were given."""
    if start is None:
        if parameters is None:
            raise InputError("the parameters need first values: give them, or a checkpoint to resume")
        return parameters
    if parameters is not None:
        given = {name: getattr(each, "shape", ()) for name, each in parameters.items()}
        found = {name: each.shape for name, each in start.parameters.items()}
        if given != found:
            raise InputError(
                f"the checkpoint is of other parameters: {_shown(found)}; wanted are {_shown(given)}"
            )
    return start.parameters


def _shown(shapes: Mapping[str, tuple[int, ...]]) -> str:
    shown = [f"{name:.40}{list(shape)}" for name, shape in shapes.items()]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _samples(
    loss: Function,
    parameters: Mapping[str, NDArray[Any]],
    data: Mapping[str, Any],
    validation: Mapping[str, Any] | None,
    settings: Settings,
) -> tuple[Samples, Samples | None]:
    """Return the samples to train with, and those to validate with."""
    samples = check_data(loss, parameters, encode_classes(loss.inputs, data, settings.one_hot))
    if validation is not None:
        if settings.validation_split:
            raise InputError("there are validation data and a validation_split; give one of them")
        encoded = encode_classes(loss.inputs, validation, settings.one_hot)
        return samples, check_data(loss, parameters, encoded, "the validation data")
    if settings.validation_split:
        return samples.split(settings.validation_split, settings.seed)
    return samples, None


def _descend(loss: Function, samples: Samples, start: Checkpoint, session: Session, cache: bool) -> str:
    """Run the epochs that are left; return why they ended."""
    settings = start.settings
    left = settings.epochs - start.epoch
    if settings.optimizer == LBFGS:
        packed = PackedLoss(loss, dict(start.parameters), tuple(samples.arrays.values()), cache)
        return descend(packed, session, left)
    step = TrainingStep(loss, start.parameters, settings.rule(), cache)
    if start.epoch:
        step.restore(start.state, start.steps)
    batches = Batches(samples, settings.samples_a_step, settings.seed, settings.shuffled)
    schedule, first_rate, steps = settings.rates(), settings.rate, batches.steps
    for number in range(start.epoch + 1, settings.epochs + 1):
        total, seen, rate = 0.0, 0, first_rate
        for k, (count, batch) in enumerate(batches.epoch(number)):
            rate = first_rate * schedule.at(number - 1 + k / steps, 1 / steps)
            total += count * step.run(batch, rate)
            seen += count
            if total - total != 0.0:  # infinite or NaN
                return "diverged"
            if session.late:
                break
        reason = session.finish_epoch(total / seen, rate, step.parameters, step.state, step.count)
        if reason is not None:
            return reason
    return "epochs"
