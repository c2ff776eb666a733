"""README.md and docs/ are executed: what they claim to print is what is printed.

A file's blocks run in order, in one namespace and one empty folder:

    python     runs; what it prints must be the `text` block directly behind it, or nothing
    text       behind `python`: the output, where `...` stands for anything
    console    lines `$ diffc ...` and `$ python examples/...`, each with its output below it
    toml       a block that starts with `# name.toml` is written to that file

Blocks of any other kind (`sh`, `llvm`) are for the reader. `pytest --update-golden` writes the outputs
into the files and renews the reference tables.
"""

import contextlib
import doctest
import importlib
import io
import linecache
import re
import runpy
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


@dataclass
class Block:
    """A fenced block: its language, its content, and where the content stands in the file."""

    kind: str
    content: str
    start: int
    end: int
    line: int


def read_blocks(text: str) -> list[Block]:
    return [
        Block(found[1], found[2], found.start(2), found.end(2), text.count("\n", 0, found.start(2)))
        for found in _FENCE.finditer(text)
    ]


def output_of(text: str, blocks: list[Block], k: int) -> Block | None:
    """The `text` block with nothing but empty lines between it and block k."""
    if k + 1 < len(blocks) and blocks[k + 1].kind == "text":
        between = text[blocks[k].end + len("```") : blocks[k + 1].start - len("```text\n")]
        return None if between.strip() else blocks[k + 1]
    return None


def same(got: str, wanted: str) -> bool:
    """Compare line by line, with `...` standing for anything."""
    return doctest.OutputChecker().check_output(wanted, got, doctest.ELLIPSIS)


def run_python(block: Block, path: Path, namespace: dict[str, Any]) -> str:
    shown = io.StringIO()
    # The padding gives errors the line of the file; the name lets functions find their source.
    code = "\n" * block.line + block.content
    name = f"{path}:{block.line}"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    with contextlib.redirect_stdout(shown):
        exec(compile(code, name, "exec"), namespace)
    return shown.getvalue()


def run_command(line: str) -> str:
    """Run one line of a console block in this process and return what it shows."""
    words = shlex.split(line)
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        if words[0] == "diffc":
            from diffc.cli import main

            with contextlib.suppress(SystemExit):
                main(words[1:])
        elif words[0] == "python":
            main = runpy.run_path(str(ROOT / words[1]))["main"]
            assert main(words[2:]) == 0, f"{line} failed\n{shown.getvalue()}"
        else:
            raise AssertionError(f"only `diffc` and `python` run here: {line}")
    return shown.getvalue()


def run_console(block: Block) -> tuple[str, bool]:
    """Return the block as it comes out now, and whether it came out as it stands."""
    result, right = [], True
    for part in re.split(r"^(?=\$ )", block.content, flags=re.MULTILINE):
        if part.strip():
            command, _, wanted = part.removeprefix("$ ").partition("\n")
            wanted = wanted.rstrip("\n") + "\n" * bool(wanted.strip())
            got = run_command(command)
            agrees = same(got, wanted)
            right = right and agrees
            result.append(f"$ {command}\n{wanted if agrees else got}")
    return "\n".join(result), right


@every_file
def test_blocks(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = read_blocks(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path / "cache"))
    namespace: dict[str, Any] = {"__name__": "documentation"}
    monkeypatch.setitem(sys.modules, "documentation", sys.modules[__name__])
    edits: list[tuple[Block, str]] = []
    for k, block in enumerate(blocks):
        where = f"{path.name}:{block.line}"
        if block.kind == "python":
            got, expected = run_python(block, path, namespace), output_of(text, blocks, k)
            if expected is None:
                assert not got, f"{where} prints, and no text block follows:\n{got}"
            elif not same(got, expected.content):
                edits.append((expected, got))
                assert update_golden, f"{where} prints\n{got}\nand not\n{expected.content}"
        elif block.kind == "console":
            got, right = run_console(block)
            if not right:
                edits.append((block, got))
                assert update_golden, f"{where} shows\n{got}\nand not\n{block.content}"
        elif block.kind == "toml" and (name := re.match(r"# (\S+\.toml)\n", block.content)):
            (tmp_path / name[1]).write_text(block.content, encoding="utf-8")
    for block, new in reversed(edits):
        text = text[: block.start] + new + text[block.end :]
    if edits:
        path.write_text(text, encoding="utf-8")


@every_file
def test_links_lead_somewhere(path: Path) -> None:
    missing = [
        link for link in _LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()
    ]
    assert not missing


def test_reference_tables_are_current(update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """ops.md, rules.md, numpy-reference.md and the table of functions are what docs/reference.py makes."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    reference = importlib.import_module("reference")
    if update_golden:
        reference.main()
    stale = [
        name for name, text in reference.pages().items() if (ROOT / "docs" / name).read_text("utf-8") != text
    ]
    assert not stale, f"run `python docs/reference.py` to renew {', '.join(stale)}"


def test_the_commands_are_those_of_the_readme() -> None:
    """What continuous integration runs is taken from here: two commands, in blocks of their own."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [block.content.strip() for block in read_blocks(text) if block.kind == "sh"]
    assert len(commands) == 2
    assert commands[1].endswith("python -m pytest -n auto")
    assert all("\n" not in command for command in commands)
