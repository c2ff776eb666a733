"""Everything that can go wrong for a user is a `DiffcError` with one clear message.

The message says what was wrong, where, and what would be right. The children exist so that a
caller can tell the kinds apart; they add no behaviour beyond pointing into a text.
"""

__all__ = [
    "ArtefactError", "DiffcError", "InputError", "ModelError", "OutdatedError", "SyntaxProblem",
    "TypeProblem",
]  # fmt: skip


class DiffcError(Exception):
    """The base of every error that a user of diffc can cause."""


class TypeProblem(DiffcError):
    """An operation does not accept the types of its operands."""


class InputError(DiffcError):
    """A value given to a kernel or a transform does not fit its declaration."""


class OutdatedError(InputError):
    """What a function refers to has changed, so that the trace of it no longer holds."""


class ArtefactError(DiffcError):
    """A cache entry or a built model is damaged, foreign, or made for another machine."""


class ModelError(DiffcError):
    """A model file is not what it should be; the message names the file and the line."""


class SyntaxProblem(DiffcError):
    """A text cannot be read. The message carries the line with a caret under the place."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        """Point at `position` (a character offset) in `text`."""
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        line = text[start:] if end < 0 else text[start:end]
        column = position - start
        number = text.count("\n", 0, position) + 1
        left = max(0, column - 60)
        shown = line[left : column + 40]
        lead = "..." if left else ""
        tail = "..." if column + 40 < len(line) else ""
        caret = " " * (len(lead) + column - left) + "^"
        where = f"line {number}, column {column + 1}"
        super().__init__(f"{problem} ({where})\n  {lead}{shown}{tail}\n  {caret}")
        self.problem = problem
        self.position = position
