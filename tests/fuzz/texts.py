"""Texts that people and programs hand over, mutated: what reads one takes it or raises a `DiffcError`.

Formulas, the IR's text, model files, the manifests of kernels and of models, and command lines are changed by
deletion, insertion, swaps, repetition, nesting, huge numbers and odd characters. A text fails if something
else is raised or if it takes longer than `MOST_SECONDS`. The same seed gives the same texts.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import monotonic

import diffc as dc
from diffc.runtime.store.index import read_index
from diffc.runtime.store.program import from_files
from diffc.syntax import FUNCTIONS, print_graph, read_graph

__all__ = ["FAMILIES", "TextFailure", "TextSummary", "fuzz_texts", "mutated"]

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 20.0
"""How long reading one text may take on a busy machine."""
_MOST_CHARACTERS = 20_000
_PIECES = (
    *"()[]{}<>=+-*/%@.,:;#'\"\\|&^~!?$_ \t\n\r\0",
    "**", "//", "...", "->", "[[", "]]", "x[0]", "[N]", "f64[N]", "f32", "i64", "bool", "None", "True",
    "nan", "inf", "-0.0", "1e308", "1e-320", "1e999", "9" * 40, "0x10", "1_000", "0.5.", "2**63", "-1",
    "[]", "()", "{}", "sum(", "axis=", "keepdims=True", "reshape(x, ", "softmax(x, axes=2)",
    'einsum("ij", x)', ".T", "%0", "%x", "@0", "graph ", "return ", "const ", "const [1, 2]",
    ": f64[2]", "{axes = (0)}", "requires N >= 0", "null", "true", "[layer]", "[[layer]]", "[derive]",
    "kind = ", '"""', "--wrt", "--at", "--set", "--order", "x=", "a=1", "\xe9", "\u03c0", "\U0001d499",
    "\u0661", "\u202e", "\ud800", "\ufeff", "\ufb01", "if", "lambda", "import", "__class__", "zeros((",
    "arange(", "linspace(", "where(", "max(", "polygamma(", "det(",
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARGUMENT = re.compile(r"(?<=[(,\[])[^(),\[\]\n]+(?=[),\]])")
_HUGE = ("0", "-1", "1", "64", "65536", str(2**31), str(2**63), "9" * 25, "1e400", "0.5")

FORMULAS = (
    "((a + b) * c)**2", "exp(-k*x**2)", "-sum(y*log(exp(x)/sum(exp(x))))", "a*x[0] + norm(x[1:])/N",
    "where(x > 0 and not x > 2, x*log(x), -x)", "reshape(x, (N, 1)) @ reshape(x, (1, N))", "x.T[::-1, 0]",
    "einsum(\"ij,j->i\", m, v)", "max(x, axis=0, keepdims=True)", "[x, y, 2]", "x*y, x - y",
    "solve(m, v) + det(m)", "polygamma(2, x)/gamma(x) + erf(x) % 2",
    "stack([x, y], axis=1)[..., None]", "linspace(0, x, 5)*eye(5)",
    "sort(x)[argmax(x)] + x[i64(y)]", "concatenate([x, zeros(3)])", "cumsum(x, axis=-1)//0.5", "f32(x)**-0.5",
)  # fmt: skip
_INPUTS = {"x": "f64[N]", "v": "f64[3]", "m": "f64[3, 3]", "y": "f64", "k": "f32"}
COMMANDS = (
    ["derive", "((a+b)*c)**2", "--wrt", "a", "b", "--at", "a=1", "b=2", "c=2"],
    ["derive", "-x**2", "--at", "x=1"],
    ["inspect", "MODEL", "--stage", "ir"],
    ["run", "MODEL", "--set", "a=1", "b=[1, 2]"],
    ["verify", "MODEL", "--order", "1"],
)


@dataclass(frozen=True)
class TextFailure:
    """A text that fails: its family, its seed, the text, and what was raised or how long it took."""

    family: str
    seed: int
    text: str
    problem: str

    def __str__(self) -> str:
        return f"{self.family}, seed {self.seed}: {self.problem}\n{self.text[:600]!r}"


@dataclass
class TextSummary:
    """What a run found: how many texts of each family were taken, refused and failed."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])
    failures: list[TextFailure] = field(default_factory=list[TextFailure])


def fuzz_texts(
    seed: int = 0, *, count: int | None = None, seconds: float | None = None, families: Collection[str] = ()
) -> TextSummary:
    """Return what so many texts of each family, or those of so many seconds, lead to."""
    summary, end = TextSummary(), monotonic() + (seconds or 1e9)
    names = list(families or FAMILIES)
    number = 0
    while (count is None or number < count) and monotonic() < end:
        for name in names:
            _try(name, f"{seed}/{number}", number, summary)
        number += 1
    return summary


def _try(name: str, seed: str, number: int, summary: TextSummary) -> None:
    family = FAMILIES[name]
    rng = random.Random(f"{name}/{seed}")
    text = mutated(rng, rng.choice(family.corpus()), family.corpus())
    start, problem = monotonic(), ""
    try:
        outcome = family.read(text, rng)
    except dc.DiffcError as error:
        outcome = "refused" if str(error).strip() else "silent"
        problem = "" if str(error).strip() else "a DiffcError without a message"
    except Exception as error:
        outcome, problem = "failed", f"{type(error).__name__}: {error}"
    if monotonic() - start > MOST_SECONDS:
        outcome, problem = "slow", f"it took {monotonic() - start:.1f} s"
    summary.outcomes.setdefault(name, Counter())[outcome] += 1
    if problem:
        summary.failures.append(TextFailure(name, number, text, problem))


def mutated(rng: random.Random, text: str, others: Sequence[str]) -> str:
    """Return a text after a few mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        text = rng.choice(_MUTATIONS)(rng, text, others)[:_MOST_CHARACTERS]
    return text


def _span(rng: random.Random, text: str, most: int = 12) -> tuple[int, int]:
    start = rng.randrange(len(text) + 1)
    return start, min(len(text), start + rng.randrange(1, most))


def _delete(rng: random.Random, text: str, others: Sequence[str]) -> str:
    start, stop = _span(rng, text)
    return text[:start] + text[stop:]


def _cut(rng: random.Random, text: str, others: Sequence[str]) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _insert(rng: random.Random, text: str, others: Sequence[str]) -> str:
    start, _ = _span(rng, text)
    return text[:start] + rng.choice(_PIECES) + text[start:]


def _replace(rng: random.Random, text: str, others: Sequence[str]) -> str:
    start, stop = _span(rng, text, 4)
    return text[:start] + rng.choice(_PIECES) + text[stop:]


def _swap(rng: random.Random, text: str, others: Sequence[str]) -> str:
    a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    width = min(rng.randrange(1, 8), b - a)
    return text[:a] + text[b : b + width] + text[a + width : b] + text[a : a + width] + text[b + width :]


def _repeat(rng: random.Random, text: str, others: Sequence[str]) -> str:
    start, stop = _span(rng, text)
    return text[:stop] + text[start:stop] * rng.choice((1, 2, 50, 2000)) + text[stop:]


def _nest(rng: random.Random, text: str, others: Sequence[str]) -> str:
    opening, closing = rng.choice((("(", ")"), ("[", "]"), ("x[", "]"), ("sin(", ")"), ("-", ""), ("{", "}")))
    start, stop = _span(rng, text)
    depth = rng.choice((1, 3, 17, 200, 3000))
    return text[:start] + opening * depth + text[start:stop] + closing * depth + text[stop:]


def _renumber(rng: random.Random, text: str, others: Sequence[str]) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(_HUGE) + text[match.end() :]


def _splice(rng: random.Random, text: str, others: Sequence[str]) -> str:
    other = rng.choice(others)
    return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]


def _reword(rng: random.Random, text: str, others: Sequence[str]) -> str:
    """Put a word of another text, or a function's name, in the place of a word."""
    found = list(_WORD.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    word = (
        rng.choice(sorted(FUNCTIONS))
        if rng.random() < 0.3
        else rng.choice(_WORD.findall(rng.choice(others)) or ["x"])
    )
    return text[: match.start()] + word + text[match.end() :]


def _argument(rng: random.Random, text: str, others: Sequence[str]) -> str:
    """Take what stands between two commas or brackets away, or put it there twice."""
    found = list(_ARGUMENT.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    new = rng.choice(
        ("", match.group() * 2, match.group() + ", 1", rng.choice(("x", "[x, y]", "None", "-1", "axis=0")))
    )
    return text[: match.start()] + new + text[match.end() :]


_MUTATIONS = (
    *(_delete, _cut, _insert, _replace, _swap, _repeat, _nest, _renumber, _renumber, _splice),
    *[_reword] * 5, *[_argument] * 4,
)  # fmt: skip


# -- what reads a text ------------------------------------------------------------------------------------


def _formula(text: str, rng: random.Random) -> str:
    declared = (
        {name: type_ for name, type_ in _INPUTS.items() if name in text} if rng.random() < 0.7 else None
    )
    f = dc.parse(text, inputs=declared)
    _used(f, rng)
    return "taken"


def _used(f: dc.Function, rng: random.Random) -> None:
    """Print and read a Function again, and differentiate it where it is small."""
    read = read_graph(print_graph(f.graph))
    assert read.outputs == f.graph.outputs, "what was printed is not what is read"
    if len(str(f)) < 5000:
        dc.grad(f, 0)


def _ir(text: str, rng: random.Random) -> str:
    _used(dc.Function(read_graph(text)), rng)
    return "taken"


def _model(text: str, rng: random.Random) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.toml")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        model = dc.load_model(path)
        str(model)
    return "taken"


def _manifest(text: str, rng: random.Random) -> str:
    from_files({**_kernel_files(), "manifest.json": text.encode("utf-8", "surrogatepass")})
    return "taken"


def _index(text: str, rng: random.Random) -> str:
    read_index(text.encode("utf-8", "surrogatepass"))
    return "taken"


def _command(text: str, rng: random.Random) -> str:
    from diffc.cli import main

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        model = Path("MODEL")
        model.write_text(_MODEL, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            status = main(text.split("\x1f"))
    if status == 70 or "Traceback" in said.getvalue():
        raise AssertionError(said.getvalue()[:300])
    return "refused" if status else "taken"


# -- the texts that are mutated -----------------------------------------------------------------------------

_MODEL = """[model]
name = "surface"
[inputs]
a = "f64"
b = "f64[N]"
[outputs]
f = "sum((a + b)**2)"
g = "a*b"
[derive]
of = "f"
gradient = ["a", "b"]
partials = [["a", "a"]]
"""


@cache
def _graphs() -> list[str]:
    found = [print_graph(dc.parse(each, inputs=_INPUTS).graph) for each in _CORPUS_IR]
    folder = ROOT / "tests" / "fixtures" / "optimize"
    for path in sorted(folder.glob("*.txt")):
        parts = re.split(r"^----\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found += [part[part.index("graph ") :] for part in parts[:12]]
    return found


_CORPUS_IR = ("sum(x*v[0]) + det(m)", "x[1:]*y", "sort(x) + max(x)", "solve(m, v)", "einsum('ij,j->i', m, v)")


@cache
def _models() -> list[str]:
    return [
        _MODEL,
        *[path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.toml"))],
    ]


@cache
def _kernel_files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        dc.compile(dc.parse("sum(x*2)", inputs={"x": "f64[N]"}), cache=False).save(f"{folder}/k")
        return {path.name: path.read_bytes() for path in Path(folder, "k").iterdir()}


@cache
def _manifests() -> list[str]:
    return [_kernel_files()["manifest.json"].decode()]


@cache
def _indexes() -> list[str]:
    entry = {"name": "f", "folder": "f", "digest": "0" * 64}
    fields = {
        "format": "diffc model 1",
        "name": "m",
        "main": "f",
        "math": "precise",
        "versions": {"diffc": "1"},
    }
    return [json.dumps({**fields, "kernels": [entry], "digest": "0" * 64}, indent=1)]


@dataclass(frozen=True)
class Family:
    """A kind of text: some that are right, and what reads one and says whether it was taken."""

    corpus: Callable[[], Sequence[str]]
    read: Callable[[str, random.Random], str]


FAMILIES: dict[str, Family] = {
    "formula": Family(lambda: FORMULAS, _formula),
    "ir": Family(_graphs, _ir),
    "model": Family(_models, _model),
    "manifest": Family(_manifests, _manifest),
    "index": Family(_indexes, _index),
    "command": Family(lambda: ["\x1f".join(each) for each in COMMANDS], _command),
}
