"""`diffc verify`: the proof of a model's derivatives; exit status 1 where it does not hold."""

from __future__ import annotations

import argparse
import json
from typing import Any

from diffc.cli.output import print_json, print_text
from diffc.cli.target import add_options, model_of
from diffc.cli.values import names_of
from diffc.errors import DiffcError
from diffc.model import verify

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "verify",
        help="prove the derivatives of a model or a formula",
        description="Print the certificate of a model's derivatives; exit status 1 where it does not hold.",
        epilog="example: diffc verify surface.toml --order 2",
    )
    parser.add_argument("model", metavar="MODEL.toml|FORMULA", help="a model file, or a formula")
    add_options(parser)
    parser.add_argument("--order", type=int, default=2, metavar="N", help="up to this order; default: 2")
    parser.add_argument("--samples", type=int, default=3, metavar="N", help="points for each numeric check")
    parser.add_argument("--json", action="store_true", help="print the certificate as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the certificate; return 0 where it holds."""
    if not 1 <= arguments.samples <= 1000:
        raise DiffcError(f"--samples is an integer from 1 to 1000, not {arguments.samples}")
    model = model_of(arguments.model, arguments)
    wrt = names_of(arguments.wrt) or None
    certificate = verify(model, order=arguments.order, wrt=wrt, samples=arguments.samples)
    if arguments.json:
        print_json(json.loads(certificate.to_json()))
    else:
        print_text(str(certificate))
    return 0 if certificate.ok else 1
