"""The command line: `diffc derive`, `build`, `inspect`, `verify`, `run`, `train`; one small file a command.

A command's module has `add(commands)`, which registers its arguments, and `run(arguments)`, which returns the
exit status:

| status | meaning                                                                    |
| ------ | -------------------------------------------------------------------------- |
| 0      | it worked                                                                  |
| 1      | `verify`: a derivative is refuted; `train`: the loss became infinite       |
| 2      | the user can put it right: one message on stderr, nothing on stdout; or    |
|        | what is printed cannot be written, to a full disk or a closed stdout       |
| 3      | `verify`: nothing is refuted, but not everything could be decided          |
| 70     | a fault in diffc: one line on stderr                                       |
| 130    | interrupted                                                                |

With `--json` stdout holds one JSON value and nothing else, with `train` one a line; floats that JSON lacks
are the texts "inf", "-inf" and "nan". `DIFFC_DEBUG=1` shows the traceback of any error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from diffc.errors import DiffcError

__all__ = ["main"]

# Little is imported before `main` runs: an interrupt is then met as any other, and --version answers at once.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. No exception leaves it, and no traceback is shown."""
    try:
        from diffc.cli.streams import open_streams

        with open_streams():
            return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return 130


def _main(argv: list[str]) -> int:
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except DiffcError as error:
        return _failed(f"diffc: error: {error}", 2)
    except BrokenPipeError:  # the reader has seen enough
        _close_stdout()
        return 0
    except MemoryError:
        return _failed("diffc: error: there is not enough memory for this", 2)
    except Exception as error:
        if _is_interrupted(error):
            return 130
        if _no_room(error):
            _close_stdout()
            return _failed(f"diffc: error: the output cannot be written: {error.args[1]}", 2)
        if isinstance(error, OSError) and error.filename is not None:
            return _failed(f"diffc: error: {str(error.filename)[:200]!r}: {error.strerror}", 2)
        shown = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        advice = "please report it, with what DIFFC_DEBUG=1 shows"
        return _failed(f"diffc: internal error ({shown}); {advice}", 70)


def _run(argv: list[str]) -> int:
    if argv == ["--version"]:
        print(f"diffc {sys.modules['diffc'].__version__}")
        return 0
    import warnings

    from diffc.cli.parser import command_parser, with_formulas

    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            arguments = command_parser().parse_args(with_formulas(argv))
            return int(arguments.run(arguments))
        except SystemExit as stop:  # argparse ends so: after --help and for wrong usage
            return stop.code if isinstance(stop.code, int) else 0


def _is_interrupted(error: BaseException | None) -> bool:
    """Tell whether an error is what became of an interrupt, as when a module was being loaded."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _no_room(error: Exception) -> bool:
    from diffc.cli.streams import NO_ROOM

    return isinstance(error, OSError) and error.errno in NO_ROOM


def _failed(message: str, status: int) -> int:
    from diffc.cli.streams import say

    if os.environ.get("DIFFC_DEBUG") not in (None, "", "0"):
        import traceback

        say(traceback.format_exc())
    say(message)
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()
    return status


def _close_stdout() -> None:
    from diffc.cli.streams import silence

    silence(1)


def _show_warning(message: Warning | str, *_: object) -> None:
    from diffc.cli.streams import say

    say(f"diffc: warning: {message}")
