"""Model files: what they say, and every way in which they can be wrong."""

from pathlib import Path

import pytest

from diffc.errors import ModelError
from diffc.frontends.model_file import load_model_file, read_model_text
from diffc.ir import check
from diffc.ops import evaluate

SURFACE = """\
[model]
name = "surface"
[inputs]
a = "f64"
b = "f64"
c = "f64"
[outputs]
f = "((a + b) * c)**2"
[derive]
gradient = ["a", "b", "c"]
hessian  = ["a", "b", "c"]
partials = [["a", "b"], ["a", "c", 2]]
"""


def test_model_file(tmp_path: Path) -> None:
    path = tmp_path / "surface.toml"
    path.write_text(SURFACE)
    model = load_model_file(str(path))
    assert model.name == "surface"
    assert model.math == "precise"
    assert model.path == path
    assert check(model.graph).input_names == ("a", "b", "c")
    assert model.graph.output_names == ("f",)
    assert evaluate(model.graph, 1.0, 2.0, 2.0)[0] == 36.0
    assert model.derive.gradient == ("a", "b", "c")
    assert model.derive.hessian == ("a", "b", "c")
    assert model.derive.jacobian == ()
    assert model.derive.partials == (("a", "b"), ("a", "c", 2))


def test_formulas_use_those_above_them() -> None:
    model = read_model_text(
        """
        [model]
        math = "fast"
        [inputs]
        x = "f64[N]"
        [definitions]
        r = "norm(x)"
        s = "r + 1"
        [outputs]
        y = '''
        s**2'''
        z = "y/N"
        """,
        "shape.toml",
    )
    assert model.name == "shape"
    assert model.math == "fast"
    assert model.graph.output_names == ("y", "z")
    assert [float(each) for each in evaluate(model.graph, [3.0, 4.0])] == [36.0, 18.0]


def test_inline_tables_and_comments() -> None:
    text = 'inputs = {a = "f64", "b" = "f64"} # [outputs]\n[outputs]\n"f" = "a*b" # = x\n'
    assert read_model_text(text).graph.input_names == ("a", "b")


def test_no_inputs() -> None:
    assert read_model_text('[outputs]\nf = "2*pi"').graph.inputs == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('name = "surface"', "name = 3", 2, "model.name must be a text in quotes, not 3"),
        ('name = "surface"', 'nmae = "surface"', 2, "did you mean 'name'?"),
        ('name = "surface"', 'name = "s"\nmath = "quick"', 3, "math is 'precise' or 'fast'"),
        ("[inputs]", "[input]", 3, "unknown table 'input'; did you mean 'inputs'?"),
        ("[inputs]", "[[inputs]]", 3, "inputs is a table"),
        ('b = "f64"', 'b = "f16"', 5, "the dtype 'f16'"),
        ('b = "f64"', "b = 1", 5, "inputs.b must be a text"),
        ('b = "f64"', 'a = "f64"', 5, "given twice"),
        ('b = "f64"', '"b c" = "f64"', 5, "is not a name"),
        ('b = "f64"', 'b = "f64', 5, "this is not TOML"),
        ('b = "f64"', "b = {x = 1}", 5, "inputs.b must be a text"),
        ('b = "f64"', 'β = "f64"', 5, 'a key with letters beyond ASCII stands in quotes: "β"'),
        (
            "[inputs]",
            "[împuts]",
            3,
            "this is not TOML: Invalid initial character for a key part; did you mean 'inputs'?",
        ),
        ("[inputs]", '["împuts"]', 3, "unknown table 'împuts'; did you mean 'inputs'?"),
        ('name = "surface"', 'NAME = "surface"', 2, "unknown key 'NAME' in [model]; did you mean 'name'?"),
        ("c)**2", "c)**2,5", 8, "write 2.5"),
        ("c)**2", "c)**2*1e999", 8, "too large for f64"),
        ("[derive]", "[outputs]", 9, "given twice"),
        ("[outputs]", "[derive2]", 7, "did you mean 'derive'?"),
        ('f = "', 'a = "', 8, "the name 'a' is given twice"),
        ("c)**2", "d)**2", 8, "outputs.f: unknown name 'd'"),
        ("c)**2", "c**2", 8, "'(' is not closed"),
        ("gradient", "gradeint", 10, "did you mean 'gradient'?"),
        ('gradient = ["a", "b", "c"]', 'gradient = "a"', 10, 'must be a list: gradient = ["a", "b"]'),
        ('gradient = ["a", "b", "c"]', 'gradient = ["a",\n"q"]', 10, "no input 'q'"),
        ('gradient = ["a", "b", "c"]', "gradient = [1]", 10, "names inputs in quotes"),
        ('["a", "b"], ', '"a", ', 12, "derive.partials must be a list"),
        ('["a", "b"], ', "[], ", 12, "starts with an input's name"),
        ('["a", "b"], ', '["a", 0], ', 12, "must follow a name"),
        ('["a", "b"], ', '["a", 2, 2], ', 12, "must follow a name"),
        ('b = "f64"', 'b = "i64"', 10, "only f64 and f32 have derivatives"),
        ("[derive]", "[[layer]]\nkind = 'dense'\n[derive]", 7, "a network has no [outputs]"),
        ("[derive]", "[loss]\nkind = 'mse'\n[derive]", 7, "a network has no [outputs]"),
    ],
)
def test_problem(old: str, new: str, line: int, problem: str) -> None:
    assert old in SURFACE
    with pytest.raises(ModelError) as caught:
        read_model_text(SURFACE.replace(old, new, 1), "surface.toml")
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"surface.toml:{line}: ")


def test_no_outputs() -> None:
    with pytest.raises(ModelError, match="there are no outputs"):
        read_model_text('[inputs]\na = "f64"')


def test_caret_under_the_formula() -> None:
    with pytest.raises(ModelError) as caught:
        read_model_text('[inputs]\nx = "f64[3]"\ny = "f64[4]"\n[outputs]\nf = "1 + x*y"')
    first, formula, caret = str(caught.value).splitlines()
    assert first.startswith("model.toml:5: outputs.f: mul(f64[3], f64[4])")
    assert formula[caret.index("^")] == "*"


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[model]\nname = "caf\xe9"\n')
    (tmp_path / "large.toml").write_bytes(b" " * 10_000_001)
    with pytest.raises(ModelError, match="there is no such file"):
        load_model_file(tmp_path / "missing.toml")
    with pytest.raises(ModelError, match="this is a directory"):
        load_model_file(tmp_path)
    with pytest.raises(ModelError, match=r"latin.toml:2: the file is not UTF-8"):
        load_model_file(tmp_path / "latin.toml")
    with pytest.raises(ModelError, match="larger than"):
        load_model_file(tmp_path / "large.toml")
    with pytest.raises(ModelError):
        load_model_file("a\x00b")


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 1_000_000,
        "x = " + "{a=" * 100_000,
        "a." * 100_000 + "b = 1",
        "[" + "a." * 100_000 + "b]",
        "x = {" + "a." * 100_000 + "b = 1}",
        "x = {" + '"a" . ' * 100_000 + "b = 1}",
        "x" * 1_000_000 + " = 1",
        "[inputs]\nx = '" + "x" * 1_000_000 + "'",
        "x = " + "9" * 10_000,
        "x = '''" + "''" * 100_000,
        "x = " + '"' * 100_001,
        "[" * 100_000,
    ],
)
def test_hostile_files(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_model_text(text)
    assert len(str(caught.value)) < 1000
