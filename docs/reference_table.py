"""Parts of the generated pages: Markdown tables and code."""

from __future__ import annotations


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(each.replace("|", "\\|") for each in line) + " |\n" for line in lines)


def code(text: str) -> str:
    """Return the text as code, or nothing for nothing."""
    return f"`{text}`" if text else ""
