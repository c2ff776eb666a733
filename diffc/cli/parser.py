"""The arguments of all commands."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from diffc.cli import build, derive, inspect, run, train, verify

__all__ = ["command_parser", "with_formulas"]

_OPTION = re.compile(r"-[ho]|--|--[a-z][a-z-]*(?:=.*)?", re.DOTALL)


def with_formulas(argv: Sequence[str]) -> list[str]:
    """Return the arguments with a space before each that starts with '-' and is no option, such as '-x**2'.

    A number, the value of an option, takes the space as well.
    """
    return [f" {each}" if each.startswith("-") and not _OPTION.fullmatch(each) else each for each in argv]


class CommandParser(argparse.ArgumentParser):
    """The parser of a command."""

    late_epilog: Callable[[], str] | None = None
    """Makes the epilog when help is asked for, where it takes imports that a command may not need."""

    def format_help(self) -> str:
        """Return the help, with the late epilog."""
        if self.late_epilog is not None:
            self.epilog = self.late_epilog()
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Print the help; one that cannot be written is an error, which argparse passes over."""
        print(self.format_help(), end="", file=file or sys.stdout)

    def error(self, message: str) -> NoReturn:
        """Print a usage error with its remedy; end with status 2."""
        self.print_usage(sys.stderr)
        hint = "; it stands before the options" if "FORMULA" in message else ""
        self.exit(2, f"{self.prog}: error: {message}{hint}\n")


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = CommandParser(
        prog="diffc",
        description="A differentiation compiler: formulas and models to compiled, proved derivatives.",
        epilog='example: diffc derive "((a+b)*c)**2" --wrt a b --at a=1 b=2 c=2',
    )
    version = sys.modules["diffc"].__version__
    parser.add_argument("--version", action="version", version=f"diffc {version}")
    commands: Any = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in (derive, build, inspect, verify, run, train):
        command.add(commands)
    return parser
