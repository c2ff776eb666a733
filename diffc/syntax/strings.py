"""Names and strings in the IR's text: plain where they can be, otherwise in JSON's notation."""

from __future__ import annotations

import json
import re

from diffc.errors import DiffcError

__all__ = ["PLAIN", "STRING", "is_encodable", "print_name", "print_string", "read_string"]

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A name that is not quoted."""

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
"""A string in JSON's notation."""


def print_name(name: str) -> str:
    """Return a name, quoted unless it is a plain identifier."""
    return name if PLAIN.fullmatch(name) else print_string(name)


def print_string(text: str) -> str:
    """Return a text in JSON's notation on one line; what is no letter of Unicode is escaped."""
    plain = all(char.isprintable() for char in text)
    return json.dumps(text, ensure_ascii=not plain)


def read_string(text: str) -> str:
    """Return the text of a JSON string; raise `DiffcError`."""
    try:
        found = str(json.loads(text))
    except ValueError:
        raise DiffcError(f"the string {text[:40]} is damaged") from None
    if not is_encodable(found):
        raise DiffcError(f"the string {text[:40]} holds half a character")
    return found


def is_encodable(text: str) -> bool:
    """Tell whether a text has a UTF-8 form, which a node's digest needs: no lone surrogates."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
