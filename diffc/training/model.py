"""Train a model: its file says which are the parameters, the target and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffc.errors import DiffcError
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


def settings_of(model: Model) -> Settings:
    """Return the settings of a model's file, the defaults where it gives none.

    Raises:
        ModelError: for a setting that means nothing, with its line.
    """
    if model.file is None:
        return Settings()
    try:
        return Settings.of(model.file.train)
    except SettingsProblem as problem:
        model.file.fail(("train", problem.key), f"train.{problem}")


def fit_model(model: Model, data: Mapping[str, Any], settings: Settings | None = None, **more: Any) -> Result:
    """Train a network's parameters; see `fit` for what it returns and raises.

    Args:
        model: a network's model.
        data: an array for each input of the model.
        settings: how to train; those of the model's file when not given.
        more: single settings, and the other arguments of `fit`. Without `resume` the parameters begin at
            `model.init(seed)`.
    """
    loss = check_trainable(model)
    if settings is None and more.get("resume") is None:
        settings = settings_of(model)
    seed = more.get("seed", 0 if settings is None else settings.seed)
    defaults: dict[str, Any] = {"predict": model.predict, "target": loss.target}
    return fit(model.loss, model.init(seed), data, settings, **{**defaults, **more})
