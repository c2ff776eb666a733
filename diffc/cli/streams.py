"""The standard streams, which may be closed or full when a command starts."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Generator

__all__ = ["NO_ROOM", "open_streams", "say", "silence"]

NO_ROOM = frozenset((errno.EBADF, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What the system says where nothing can be written."""


class _Closed(io.TextIOBase):
    """A stdout that is closed: once something was written, it cannot be flushed."""

    encoding = "utf-8"  # pyright: ignore[reportAssignmentType]
    used = False

    def write(self, text: str, /) -> int:
        """Take note that something is lost."""
        self.used = self.used or bool(text)
        return len(text)

    def flush(self) -> None:
        """Raise `OSError` where something is lost."""
        if self.used:
            raise OSError(errno.EBADF, "stdout is closed")


@contextlib.contextmanager
def open_streams() -> Generator[None]:
    """Put something in the place of each standard stream that is closed, which a file might take later."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        # Python has None for a stream that was closed at its start.
        sys.stdout, sys.stderr = before[0] or _Closed(), before[1] or nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def say(message: str) -> None:
    """Print a message on stderr, where that can be."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        silence(2)


def silence(descriptor: int) -> None:
    """Let what is still to be written to a stream go nowhere: the interpreter's last flush succeeds."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
