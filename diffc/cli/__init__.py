"""The command line: `diffc derive`, `build`, `inspect`, `verify`, `run`, `train`; one small file a command.

A command's module has `add(commands)`, which registers its arguments, and `run(arguments)`, which returns the
exit status:

| status | meaning                                                                    |
| ------ | -------------------------------------------------------------------------- |
| 0      | it worked                                                                  |
| 1      | `verify`: a derivative is refuted; `train`: the loss became infinite       |
| 2      | the user can put it right: one message on stderr, nothing on stdout        |
| 3      | `verify`: nothing is refuted, but not everything could be decided          |
| 70     | a fault in diffc: one line on stderr                                       |
| 130    | interrupted                                                                |

With `--json` stdout holds one JSON value and nothing else, with `train` one a line; floats that JSON lacks
are the texts "inf", "-inf" and "nan". `DIFFC_DEBUG=1` shows the traceback of any error.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from diffc.errors import DiffcError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. No exception leaves it, and no traceback is shown."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            arguments = _parser().parse_args(argv)
            status = int(arguments.run(arguments))
            sys.stdout.flush()
            return status
        except SystemExit as stop:  # argparse ends so: after --help and for wrong usage
            return stop.code if isinstance(stop.code, int) else 0
        except DiffcError as error:
            return _failed(f"diffc: error: {error}", 2)
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:  # the reader has seen enough
            _close_stdout()
            return 0
        except MemoryError:
            return _failed("diffc: error: there is not enough memory for this", 2)
        except Exception as error:
            shown = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            advice = "please report it, with what DIFFC_DEBUG=1 shows"
            return _failed(f"diffc: internal error ({shown}); {advice}", 70)


class _Parser(argparse.ArgumentParser):
    late_epilog: Callable[[], str] | None = None
    """Makes the epilog when help is asked for, where it takes imports that a command may not need."""

    def format_help(self) -> str:
        """Return the help, with the late epilog."""
        if self.late_epilog is not None:
            self.epilog = self.late_epilog()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Print a usage error with its remedy; end with status 2."""
        self.print_usage(sys.stderr)
        hint = "; one that starts with '-' stands last, behind --" if "FORMULA" in message else ""
        self.exit(2, f"{self.prog}: error: {message}{hint}\n")


def _parser() -> argparse.ArgumentParser:
    # Late, so that an interrupt while they are loaded is met as any other.
    from diffc.cli import build, derive, inspect, run, train, verify

    parser = _Parser(
        prog="diffc",
        description="A differentiation compiler: formulas and models to compiled, proved derivatives.",
        epilog='example: diffc derive "((a+b)*c)**2" --wrt a b --at a=1 b=2 c=2',
    )
    version = getattr(sys.modules["diffc"], "__version__", "")
    parser.add_argument("--version", action="version", version=f"diffc {version}")
    commands: Any = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in (derive, build, inspect, verify, run, train):
        command.add(commands)
    return parser


def _failed(message: str, status: int) -> int:
    if os.environ.get("DIFFC_DEBUG") not in (None, "", "0"):
        traceback.print_exc()
    print(message, file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()
    return status


def _close_stdout() -> None:
    """Let the interpreter's last flush go nowhere, so that it does not complain."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):  # stdout is no file, so that nothing will be flushed
        pass


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"diffc: warning: {message}", file=sys.stderr)
