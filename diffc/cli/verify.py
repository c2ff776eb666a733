"""`diffc verify`: the proof of a model's derivatives; exit status 1 where refuted, 3 where undecided."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from diffc.cli.output import print_json, print_text
from diffc.cli.target import add_options, model_of
from diffc.cli.values import names_of
from diffc.errors import DiffcError
from diffc.model import verify

if TYPE_CHECKING:
    from diffc.proof.budget import Progress

__all__ = ["add", "run", "shown_progress"]

_STATUS = {"holds": 0, "refuted": 1, "undecided": 3}
_EVERY = 0.1
"""Seconds between two lines of progress."""


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "verify",
        help="prove the derivatives of a model or a formula",
        description="Print the certificate of a model's derivatives; exit status 1 where they are refuted, "
        "3 where some could not be decided.",
        epilog="example: diffc verify surface.toml --order 2",
    )
    parser.add_argument("model", metavar="MODEL.toml|FORMULA", help="a model file, or a formula")
    add_options(parser)
    parser.add_argument("--order", type=int, default=2, metavar="N", help="up to this order; default: 2")
    parser.add_argument("--samples", type=int, default=3, metavar="N", help="points for each numeric check")
    parser.add_argument(
        "--budget", type=float, metavar="SECONDS", help="stop after this time, and say what was not reached"
    )
    parser.add_argument("--json", action="store_true", help="print the certificate as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the certificate; return 0 where it holds, 1 where it is refuted, 3 where it is undecided."""
    if not 1 <= arguments.samples <= 1000:
        raise DiffcError(f"--samples is an integer from 1 to 1000, not {arguments.samples}")
    model = model_of(arguments.model, arguments)
    wrt = names_of(arguments.wrt) or None
    with shown_progress() as progress:
        certificate = verify(
            model,
            order=arguments.order,
            wrt=wrt,
            samples=arguments.samples,
            budget_s=arguments.budget,
            progress=progress,
        )
    if arguments.json:
        print_json(json.loads(certificate.to_json()))
    else:
        print_text(str(certificate))
    return _STATUS[certificate.verdict]


@contextmanager
def shown_progress() -> Generator[Progress | None]:
    """Give what shows each check in one line on a terminal, and takes it away; None where stderr is none."""
    if not bool(getattr(sys.stderr, "isatty", bool)()):
        yield None
        return
    shown = 0.0

    def show(kind: str, done: int) -> None:
        nonlocal shown
        if monotonic() - shown > _EVERY:
            shown = monotonic()
            sys.stderr.write(f"\r{done} checks made, now: {kind:<40.40}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(f"\r{'':<72}\r")
        sys.stderr.flush()
