"""`diffc train`: a network's parameters fitted to data, with progress, checkpoints and a loss curve."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diffc.cli.arrays import read_inputs
from diffc.cli.epochs import display_for, epoch_record, epoch_text, print_json_line
from diffc.cli.output import print_text
from diffc.cli.tables import read_columns_option
from diffc.errors import ArtefactError, DiffcError, InputError
from diffc.model import Model, load_model
from diffc.training import (
    Checkpoint,
    Result,
    Settings,
    SettingsProblem,
    UnsavedResult,
    fit_model,
    read_checkpoint,
    write_checkpoint,
    write_parameters,
)
from diffc.training.model import check_trainable, settings_of
from diffc.training.plot import SUFFIXES, draw_history
from diffc.training.settings import LBFGS

__all__ = ["add", "run"]

_CHECKPOINT, _PARAMETERS, _PICTURE = "checkpoint.safetensors", "parameters.safetensors", "loss.png"

_WORDS = {
    "epochs": "all epochs are over",
    "target": "the loss is small enough",
    "patience": "the loss no longer gets better",
    "updates": "the parameters no longer change",
    "time": "the time is over",
    "converged": "no further descent was found",
    "diverged": "the loss or a parameter became infinite or NaN",
    "interrupted": "interrupted",
}


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train",
        help="train a network",
        description="Fit a network's parameters to data. Its loss, gradient and update are one"
        " compiled kernel. Settings come from the table [train] of the model file; options override them.",
        epilog="example: diffc train digits_mlp.toml --data train.npz --validation-split 0.1 --epochs 30\n"
        "         diffc train digits_mlp.toml --data train.npz --resume digits_mlp_training --epochs 60\n\n"
        "The folder gets parameters.safetensors, checkpoint.safetensors and loss.png. Ctrl-C ends the\n"
        "training after its last whole epoch and writes them too.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL.toml", help="a model file with layers and a loss")
    parser.add_argument(
        "--data", required=True, metavar="FILE", help="the samples: a .npz, .npy, .csv or .json file"
    )
    parser.add_argument(
        "--columns", nargs="+", metavar="NAME=COLS", help="of a .csv or .npy file: x=0:64 y=label z=2,5"
    )
    parser.add_argument("--validation", metavar="FILE", help="samples to judge the training by")
    parser.add_argument("--out", metavar="DIR", help="the folder to write; default: NAME_training")
    parser.add_argument("--resume", metavar="CKPT", help="a checkpoint, or the folder of one, to go on from")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier training in the folder")
    parser.add_argument("--plot", metavar="FILE", help="the loss curve; default: loss.png in the folder")
    parser.add_argument("--no-plot", action="store_true", help="draw no loss curve")
    parser.add_argument("--no-cache", action="store_true", help="compile anew and keep nothing in the cache")
    parser.add_argument("--json", action="store_true", help="print JSON: a line an epoch, and a summary")
    parser.add_argument("--quiet", action="store_true", help="print the summary only")
    _add_settings(parser.add_argument_group("settings"))
    parser.set_defaults(run=run)


def _add_settings(group: Any) -> None:
    whole = {"type": int, "metavar": "N"}
    number = {"type": float, "metavar": "X"}
    group.add_argument("--epochs", **whole, help="how often to go through the samples; default 100")
    group.add_argument(
        "--batch-size", type=_batch_size, metavar="N", help="samples a step, or all; default 32"
    )
    group.add_argument("--optimizer", metavar="NAME", help="sgd, nesterov, rmsprop, adam (default) or lbfgs")
    group.add_argument("--learning-rate", **number, help="default: 0.001 for adam and rmsprop, 0.1 for sgd")
    for name in ("momentum", "beta1", "beta2", "decay", "epsilon", "weight-decay"):
        group.add_argument(f"--{name}", **number, help="of the optimiser")
    group.add_argument("--schedule", metavar="NAME", help="constant, step, exponential, linear or cosine")
    group.add_argument("--schedule-factor", **number, help="by what the learning rate falls")
    group.add_argument("--schedule-epochs", **number, help="when the schedules linear and cosine end")
    group.add_argument("--step-epochs", **number, help="after how many epochs each, for the schedule step")
    group.add_argument("--warmup-epochs", **number, help="for how long the learning rate first grows")
    group.add_argument("--seed", **whole, help="of first values, split and order; default 0")
    group.add_argument(
        "--no-shuffle", action="store_false", dest="shuffle", default=None, help="keep the order"
    )
    group.add_argument("--validation-split", **number, help="the fraction of the samples kept for validation")
    group.add_argument("--patience", **whole, help="stop after so many epochs without a better loss")
    group.add_argument("--target-loss", **number, help="stop at this loss")
    group.add_argument("--min-update", **number, help="stop when no parameter changes by more in an epoch")
    group.add_argument("--time-limit", **number, help="stop after so many seconds")
    group.add_argument("--one-hot", nargs="+", metavar="NAME", help="targets that are given as class numbers")
    group.add_argument("--metric", metavar="NAME", help="accuracy, binary_accuracy, rms_error, none, ...")


def _batch_size(text: str) -> int | str:
    return text if text == "all" else int(text)


def run(arguments: argparse.Namespace) -> int:
    """Train; write the folder, print the summary."""
    if arguments.plot is not None and arguments.no_plot:
        raise DiffcError("--plot and --no-plot exclude each other")
    model = load_model(arguments.model)
    check_trainable(model)
    resume = None if arguments.resume is None else _checkpoint_of(arguments.resume)
    checkpoint = None if resume is None else read_checkpoint(resume)
    settings = _settings(arguments, model, checkpoint)
    data = _samples(arguments, model, arguments.data)
    validation = None if arguments.validation is None else _samples(arguments, model, arguments.validation)
    places = _places(arguments, model.name, resume)
    done = 0 if checkpoint is None else checkpoint.epoch
    display = display_for(as_json=arguments.json, quiet=arguments.quiet, epochs=settings.epochs, done=done)
    try:
        result = fit_model(
            model,
            data,
            settings,
            validation=validation,
            resume=checkpoint,
            checkpoint=places.checkpoint,
            on_epoch=display.show,
            cache=not arguments.no_cache,
        )
    except UnsavedResult as problem:
        raise _rescued(problem, places) from None
    finally:
        display.close()
    return _finish(arguments, model.name, result, places)


def _settings(arguments: argparse.Namespace, model: Model, checkpoint: Checkpoint | None) -> Settings:
    """Return the file's or the checkpoint's settings with the options; a problem names where it stands."""
    table = {key: getattr(arguments, key) for key in Settings.__dataclass_fields__}
    options = {key: value for key, value in table.items() if value is not None}
    try:
        return settings_of(model, options) if checkpoint is None else checkpoint.settings.changed(options)
    except SettingsProblem as problem:
        if problem.key not in options:
            raise
        name = "no-shuffle" if problem.key == "shuffle" else problem.key.replace("_", "-")
        raise DiffcError(f"--{name}: {problem.problem}") from None


def _samples(arguments: argparse.Namespace, model: Model, path: str) -> dict[str, Any]:
    types = {name: kind for name, kind in model.loss.inputs.items() if name not in model.parameters}
    return read_inputs([path], types, columns=read_columns_option(arguments.columns), finite=True)


# The folder.


@dataclass(frozen=True)
class _Places:
    """The files that a training writes; there may be no picture."""

    parameters: Path
    checkpoint: Path
    picture: Path | None


def _checkpoint_of(given: str) -> Path:
    path = Path(given)
    return path / _CHECKPOINT if path.is_dir() else path


def _places(arguments: argparse.Namespace, name: str, resume: Path | None) -> _Places:
    """Return where the results go; refuse a folder with a training that would be lost."""
    # A model's name is a label: what leads out of this folder is left out of it.
    label = re.sub(r"[^\w.-]+", "_", name).strip("._") or "model"
    default = Path(f"{label}_training") if resume is None else resume.parent
    folder = default if arguments.out is None else Path(arguments.out)
    checkpoint = folder / _CHECKPOINT
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; the results go to a folder: choose another --out")
    same = resume is not None and checkpoint.exists() and os.path.samefile(checkpoint, resume)
    if checkpoint.exists() and not same and not arguments.overwrite:
        raise InputError(
            f"{folder} holds a training already: "
            f"go on with --resume {folder}, choose another --out, or --overwrite it"
        )
    return _Places(folder / _PARAMETERS, checkpoint, _picture(arguments, folder))


def _picture(arguments: argparse.Namespace, folder: Path) -> Path | None:
    """Return where the loss curve goes: nowhere if nobody asked for one and matplotlib is missing."""
    if arguments.no_plot:
        return None
    if find_spec("matplotlib") is None:
        if arguments.plot is not None:
            raise DiffcError("--plot needs matplotlib: pip install 'diffc[train]'")
        return None
    if arguments.plot is None:
        return folder / _PICTURE
    picture = Path(arguments.plot)
    if picture.suffix.lower() not in SUFFIXES:
        raise InputError(f"{picture}: the loss curve is drawn as {', '.join(SUFFIXES)}")
    if not picture.parent.is_dir():
        raise InputError(f"{picture}: there is no folder {picture.parent}")
    return picture


# The end.


def _rescued(problem: UnsavedResult, places: _Places) -> ArtefactError:
    """Return the error after writing the training where there may be room yet."""
    place = _written_elsewhere(problem.result.checkpoint)
    if place is not None:
        return ArtefactError(
            f"{problem}; the training is kept in {place}: --resume {place} --out DIR goes on"
        )
    try:
        write_parameters(places.parameters, problem.result.parameters)
    except ArtefactError:
        return ArtefactError(f"{problem}: what is kept is the checkpoint before it")
    return ArtefactError(f"{problem}; the trained parameters alone are kept in {places.parameters}")


def _written_elsewhere(checkpoint: Checkpoint) -> Path | None:
    """Return where the checkpoint is now, in a new folder for temporary files; None where nowhere."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="diffc_"))
    except OSError:
        return None
    try:
        write_checkpoint(folder / _CHECKPOINT, checkpoint)
    except ArtefactError:
        folder.rmdir()
        return None
    return folder / _CHECKPOINT


def _finish(arguments: argparse.Namespace, name: str, result: Result, places: _Places) -> int:
    write_parameters(places.parameters, result.parameters)
    picture = _draw(result, places.picture)
    if arguments.json:
        print_json_line(_summary(name, result, places, picture))
    else:
        print_text(_report(name, result, places, picture))
        if arguments.resume is not None and result.checkpoint.settings.optimizer == LBFGS:
            print_text(f"  {LBFGS} began anew at the checkpoint's parameters, without memory of gradients")
        if result.stopped in ("interrupted", "time"):
            print_text(f"  go on with: {_command_to_go_on(arguments, places)}")
    if result.stopped == "diverged":
        kept = f"from epoch {result.epoch}" if result.epoch else "the first values"
        where = f"in epoch {result.checkpoint.epoch + 1}"
        print(
            f"diffc: error: {_WORDS['diverged']} {where}; kept is {kept}. {_advice(result)}", file=sys.stderr
        )
        return 1
    return 130 if result.stopped == "interrupted" else 0


def _advice(result: Result) -> str:
    """Return what may help where a training diverged."""
    searches = result.checkpoint.settings.optimizer == LBFGS
    advice = "Scaled data" if searches else "A smaller --learning-rate"
    if result.checkpoint.epoch:
        return f"{advice} may help"
    return f"{advice} may help, if the last layer's activation gives what the loss takes"


def _command_to_go_on(arguments: argparse.Namespace, places: _Places) -> str:
    words = ["diffc", "train", arguments.model, "--data", arguments.data]
    words += [] if arguments.columns is None else ["--columns", *arguments.columns]
    words += [] if arguments.validation is None else ["--validation", arguments.validation]
    return shlex.join([*words, "--resume", str(places.checkpoint.parent)])


def _draw(result: Result, path: Path | None) -> Path | None:
    """Draw the loss curve if there is one."""
    if path is None or not result.history:
        return None
    draw_history(path, result.history)
    return path


def _summary(name: str, result: Result, places: _Places, picture: Path | None) -> Mapping[str, Any]:
    history = result.history
    return {
        "command": "train",
        "model": name,
        "stopped": result.stopped,
        "epochs": result.checkpoint.epoch,
        "parameters_of_epoch": result.epoch,
        "result": epoch_record(history[result.epoch - 1]) if result.epoch else None,
        "parameters": str(places.parameters),
        "checkpoint": str(places.checkpoint),
        "picture": None if picture is None else str(picture),
    }


def _report(name: str, result: Result, places: _Places, picture: Path | None) -> str:
    count = result.checkpoint.epoch
    seconds = result.history[-1].seconds if result.history else 0.0
    lines = [f"{name}: {count} epoch{'s' * (count != 1)} in {seconds:.2f} s, {_WORDS[result.stopped]}"]
    if result.epoch:
        lines.append(f"  epoch {result.epoch}: {epoch_text(result.history[result.epoch - 1])}")
    lines += [f"  parameters: {places.parameters}", f"  checkpoint: {places.checkpoint}"]
    return "\n".join([*lines, *([] if picture is None else [f"  loss curve: {picture}"])])
