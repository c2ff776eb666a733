"""Nothing is keyed by the identity of what may die before the table: its `id` would be another's then.

Graphs, nodes, buffers, blocks and statements are keys themselves, and so a table keeps them alive. Where
`id` is needed, because equality is something else or too dear, the table holds the object beside its entry.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "diffc"

KEEPS_ALIVE = {
    "frontends/sympy_translate.py": "expressions stand beside their nodes",
    "frontends/sympy_trees.py": "the table's values are the expressions",
    "frontends/numpy/captures.py": "arrays and lists stand beside their leaves",
    "frontends/numpy/outside/local.py": "the arrays stand beside the traced ones that they have become",
    "frontends/numpy/outside/paths.py": "a path holds the object",
    "frontends/numpy/outside/session.py": "the session keeps what it has made stand-ins for, and these",
    "frontends/numpy/outside/watching.py": "paths hold what holds the objects, for as long as the walk lasts",
    "functions/python/wrapper.py": "the table's values hold the instances",
    "frontends/numpy/randomness.py": "the table's values are the objects",
    "proof/zero/walk.py": "terms stand beside their results",
    "proof/zero/witness.py": "the table's values are the terms",
    "runtime/calls/fastcall.py": "addresses of objects of the interpreter, which the caller holds",
}


def test_identities_are_taken_of_what_the_table_holds() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "id":
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found == set(KEEPS_ALIVE)
