"""Train a model: its file says which are the parameters, the target and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import DiffcError, InputError
from diffc.model import Model
from diffc.nn import Loss
from diffc.training.fit import Result, fit
from diffc.training.settings import Settings, SettingsProblem

__all__ = ["check_trainable", "fit_model", "settings_of"]


def check_trainable(model: Model) -> Loss:
    """Return a model's loss; raise `DiffcError` for one that has nothing to train."""
    if model.network is None or model.network.loss is None or not model.parameters:
        raise DiffcError(
            f"{model.name}: there is nothing to train: a network with parameters and a loss is needed, "
            "[[layer]] and [loss] in a model file"
        )
    return Loss.of(model.network.loss)


def settings_of(model: Model, options: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a model's file, the defaults where it gives none; `options` override them.

    Raises:
        ModelError: for a setting of the file that means nothing, also beside the options, with its line.
        SettingsProblem: for an option that means nothing.
    """
    given = options or {}
    table = {} if model.file is None else model.file.train
    try:
        return Settings.of({**table, **given})
    except SettingsProblem as problem:
        if model.file is None or problem.key in given:
            raise
        model.file.fail(("train", problem.key), f"train.{problem}")


def fit_model(
    model: Model,
    data: Mapping[str, Any],
    settings: Settings | None = None,
    parameters: Mapping[str, Any] | None = None,
    **more: Any,
) -> Result:
    """Train a network's parameters; see `fit` for what it returns and raises.

    Args:
        model: a network's model.
        data: an array for each input of the model.
        settings: how to train; those of the model's file when not given.
        parameters: the first value of each parameter by name; `model.init(seed)` when not given.
        more: single settings, and the other arguments of `fit`.
    """
    loss = check_trainable(model)
    if settings is None and more.get("resume") is None:
        options = {key: more.pop(key) for key in Settings.__dataclass_fields__ if key in more}
        settings = settings_of(model, options)
    seed = more.get("seed", 0 if settings is None else settings.seed)
    for samples, what in ((data, "the data"), (more.get("validation"), "the validation data")):
        if samples is not None and loss.target in samples:
            _check_targets(model, loss, samples[loss.target], what)
    defaults: dict[str, Any] = {"predict": model.predict, "target": loss.target, "name": model.name}
    first = model.init(seed) if parameters is None else _all_of(model, parameters)
    return fit(model.loss, first, data, settings, **{**defaults, **more})


def _all_of(model: Model, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return first values of a model's parameters; raise `InputError` unless they are of these."""
    if set(parameters) != set(model.parameters):
        needed, given = ", ".join(model.parameters), ", ".join(map(str, parameters)) or "none"
        raise InputError(f"{model.name}: the parameters are {needed}; given are {given}")
    return {name: parameters[name] for name in model.parameters}


def _check_targets(model: Model, loss: Loss, given: Any, what: str) -> None:
    """Raise `InputError` for targets that mean nothing to the loss; those of a wrong shape are for `fit`."""
    try:
        y: NDArray[Any] = np.asarray(given)
    except (ValueError, TypeError, OverflowError):
        return
    declared, output = model.loss.inputs[loss.target], next(iter(model.predict.outputs.values()))
    rest = tuple(each for each in declared.shape[1:] if isinstance(each, int))
    if y.dtype.kind not in "biuf" or y.ndim != declared.rank or y.shape[1:] != rest:
        return
    if declared.is_float:  # whole numbers may be given for them, and are no class numbers then
        y = y.astype(np.float64)
    found = loss.odd_targets(y, int(str(output.shape[-1])) if output.shape else 1)
    if found is None or not found[0].any():
        return
    place = tuple(int(each) for each in np.argwhere(found[0])[0])
    where = ", ".join(map(str, place))
    raise InputError(f"{what}: {loss.target} holds {y[place]} at {where}; {loss.kind} takes {found[1]}")
