"""What a network is written in: kinds with settings.

A layer, an activation, a loss and an initialiser are each a frozen dataclass. Its name in a model file is
that of the class in lower case, its keys are the fields: `Dense(32, activation="tanh")` is

    kind = "dense"
    units = 32
    activation = "tanh"

so that Python and the file make the same objects, checked in one place.
"""

from __future__ import annotations

import math
import re
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from typing import Any, ClassVar, Self, TypeGuard, cast

from diffc.errors import DiffcError
from diffc.ir import Node
from diffc.syntax import build, parse_expression
from diffc.syntax.suggestions import nearest

__all__ = [
    "Definition", "Key", "NetworkProblem", "choice", "count", "flag", "formula_node", "label", "non_negative",
    "optional", "positive", "real", "setting",
]  # fmt: skip

MAX_COUNT = 1_000_000
"""The largest number of units."""

Key = tuple[str | int, ...]


class NetworkProblem(DiffcError):
    """A definition means nothing. `key` says where: `("layer", 1, "units")` is a key of the second layer."""

    def __init__(self, problem: str, key: Key = ()) -> None:
        """Say what is wrong, at a key."""
        where = ", ".join(f"{name} {index + 1}" if index is not None else name for name, index in _steps(key))
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.key = key

    def within(self, *key: str | int) -> NetworkProblem:
        """Return the same problem in a larger definition, where the smaller one stands at `key`."""
        return NetworkProblem(self.problem, (*key, *self.key))


def _steps(key: Key) -> list[tuple[str, int | None]]:
    steps: list[tuple[str, int | None]] = []
    for part in key:
        if isinstance(part, int):
            steps[-1] = (steps[-1][0], part)
        else:
            steps.append((part, None))
    return steps


# Settings: each is checked by a function that returns the value or refuses it.

Check = Callable[[Any], Any]


def setting(check: Check, default: Any = MISSING) -> Any:
    """Return a dataclass field whose value `check` returns or refuses with a `NetworkProblem`."""
    return field(default=default, metadata={"check": check})


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def real(value: Any) -> float:
    """Return a finite number."""
    if not _is_number(value):
        raise NetworkProblem(f"a finite number is needed, not {value!r:.60}")
    return float(value)


def positive(value: Any) -> float:
    """Return a finite number above 0."""
    if not _is_number(value) or value <= 0:
        raise NetworkProblem(f"a finite number above 0 is needed, not {value!r:.60}")
    return float(value)


def non_negative(value: Any) -> float:
    """Return a finite number of at least 0."""
    if not _is_number(value) or value < 0:
        raise NetworkProblem(f"a finite number of at least 0 is needed, not {value!r:.60}")
    return float(value)


def count(value: Any) -> int:
    """Return a whole number from 1 to a million."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COUNT:
        raise NetworkProblem(f"a whole number from 1 to {MAX_COUNT:,} is needed, not {value!r:.60}")
    return value


def flag(value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise NetworkProblem(f"true or false is needed, not {value!r:.60}")
    return value


def label(value: Any) -> str:
    """Return a name."""
    if not isinstance(value, str) or not value:
        raise NetworkProblem(f"a name in quotes is needed, not {value!r:.60}")
    return value


def choice(*names: str) -> Check:
    """Return a check for one of several names."""

    def check(value: Any) -> str:
        if value not in names:
            hint = nearest(value, names) if isinstance(value, str) else ""
            raise NetworkProblem(f"one of {', '.join(names)} is needed, not {value!r:.60}{hint}")
        return value

    return check


def optional(check: Check) -> Check:
    """Return a check that lets None through."""
    return lambda value: None if value is None else check(value)


class Definition(ABC):
    """A kind with settings; see the module's text. A family's head sets `family` and its own `kinds`."""

    family: ClassVar[str]
    """What the members of the family are called in messages."""
    kinds: ClassVar[dict[str, type[Definition]]]
    """The members of the family by kind."""
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, head: bool = False, **rest: Any) -> None:
        """Enter the class as a kind of every family that it descends from, unless it heads one."""
        super().__init_subclass__(**rest)
        if head:
            return
        cls.kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        for each in cls.__mro__:
            kinds = each.__dict__.get("kinds")
            if kinds is not None:
                kinds[cls.kind] = cls

    def __post_init__(self) -> None:
        """Check every setting."""
        for each in fields(cast(Any, self)):
            try:
                value = each.metadata["check"](getattr(self, each.name))
            except NetworkProblem as problem:
                raise problem.within(each.name) from None
            object.__setattr__(self, each.name, value)

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return a member of the family from itself, a kind's name, or a table of a kind and its settings.

        Raises:
            NetworkProblem: for an unknown kind or key, a missing key, a wrong value.
        """
        if isinstance(value, cls):
            return value
        table = {"kind": value} if isinstance(value, str) else value
        if not isinstance(table, Mapping):
            article = "an" if cls.family[0] in "aeiou" else "a"
            raise NetworkProblem(
                f"the name of {article} {cls.family} is needed, or a table, not {value!r:.60}"
            )
        settings = dict(cast(Mapping[str, Any], table))
        if "kind" not in settings:
            raise NetworkProblem(f"the kind is missing: kind = one of {', '.join(cls.kinds)}")
        kind = settings.pop("kind")
        at: Key = () if isinstance(value, str) else ("kind",)
        found = cls.kinds.get(kind) if isinstance(kind, str) else None
        if found is None:
            hint = nearest(kind, cls.kinds) if isinstance(kind, str) else ""
            known = ", ".join(cls.kinds)
            raise NetworkProblem(f"{kind!r:.60} is no kind of {cls.family}{hint} (there are {known})", at)
        _check_keys(found, settings)
        return cast(Self, found(**settings))


def _check_keys(found: type[Definition], settings: Mapping[str, Any]) -> None:
    known = {each.name: each.default is MISSING for each in fields(cast(Any, found))}
    for key in settings:
        if key not in known:
            listed = f"its keys are {', '.join(known)}" if known else "it has no keys"
            raise NetworkProblem(f"{found.kind} has no key {key!r}{nearest(key, known)} ({listed})", (key,))
    for key, needed in known.items():
        if needed and key not in settings:
            raise NetworkProblem(f"{found.kind} needs the key {key!r}")


def formula_node(text: str, definition: Definition, scope: Mapping[str, Node]) -> Node:
    """Return the node of a definition's formula; its numeric settings are names there."""
    numbers = {
        each.name: value
        for each in fields(cast(Any, definition))
        if isinstance(value := getattr(definition, each.name), float)
    }
    return build(parse_expression(text), {**numbers, **scope})
