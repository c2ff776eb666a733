"""The parser: text to a flat program, and every text that is none."""

import pytest

from diffc.errors import SyntaxProblem
from diffc.syntax import parse_expression
from diffc.syntax.program import Apply, Collect, Index, Instruction, Literal, Load, Slice


def shown(text: str) -> str:
    return " ".join(_show(step) for step in parse_expression(text).code)


def _show(step: Instruction) -> str:
    match step:
        case Literal():
            return repr(step.value)
        case Load():
            return step.name
        case Apply():
            return f"{step.function}/{step.count}" + "".join(f",{key}" for key in step.keywords)
        case Collect():
            return f"{step.kind}/{step.count}"
        case Slice():
            return "slice" + "".join("sxe"[k] for k in range(3) if step.present[k])
        case Index():
            return f"index/{step.count}"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("a + b*c", "a b c mul/2 add/2"),
        ("a - b - c", "a b sub/2 c sub/2"),
        ("a / b * c @ d", "a b div/2 c mul/2 d matmul/2"),
        ("a % b * c // d", "a b mod/2 c mul/2 d floor_divide/2"),
        ("a + b % -c**2", "a b c 2 pow/2 neg/1 mod/2 add/2"),
        ("-x**2", "x 2 pow/2 neg/1"),
        ("2**-x", "2 x neg/1 pow/2"),
        ("2**-x**2", "2 x 2 pow/2 neg/1 pow/2"),
        ("a**b**c", "a b c pow/2 pow/2"),
        ("-2*x", "2 neg/1 x mul/2"),
        ("+a - +b", "a b sub/2"),
        ("--a", "a neg/1 neg/1"),
        ("not a < b and c or d", "a b lt/2 not/1 c and/2 d or/2"),
        ("a + 1 <= b", "a 1 add/2 b le/2"),
        ("a == (b != c)", "a b c ne/2 eq/2"),
        ("(a < b) < c", "a b lt/2 c lt/2"),
        ("sum(x, axis=-1, keepdims=True)", "x 1 neg/1 True sum/1,axis,keepdims"),
        ("f()", "f/0"),
        ("f(a,)", "a f/1"),
        ("f(g(a), (b, c))", "a g/1 b c tuple/2 f/2"),
        ("[a, [b, 1]]", "a b 1 list/2 list/2"),
        ("a, b", "a b tuple/2"),
        ("a,", "a tuple/1"),
        ("(a)", "a"),
        ("()", "tuple/0"),
        ("x[0]", "x 0 index/1"),
        ("x[1:3, :]", "x 1 3 slicesx slice index/2"),
        ("x[::2]", "x 2 slicee index/1"),
        ("x[:-1]", "x 1 neg/1 slicex index/1"),
        ("x[1:, ..., None]", "x 1 slices Ellipsis None index/3"),
        ("x[i][j]", "x i index/1 j index/1"),
        ("x.T @ y", "x transpose/1 y matmul/2"),
        ("-x[0]**2", "x 0 index/1 2 pow/2 neg/1"),
        (".5 + 1. + 1e3 + 2.5E-1 + 1_000", "0.5 1.0 add/2 1000.0 add/2 0.25 add/2 1000 add/2"),
        ("λ*größe_1", "λ größe_1 mul/2"),
        (" a\n  + b\t", "a b add/2"),
    ],
)
def test_program(text: str, program: str) -> None:
    assert shown(text) == program


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("", "the formula is empty", 0),
        ("  ", "the formula is empty", 2),
        ("a +", "ends too early", 3),
        ("a + * b", "must come before '*'", 4),
        ("*a", "must come before '*'", 0),
        ("(a", "'(' is not closed", 0),
        ("f(a, [b", "'[' is not closed", 5),
        ("f(a", "'(' is not closed", 1),
        ("a)", "')' closes nothing", 1),
        ("[a)", "needs ']'", 2),
        ("a b", "is missing before 'b'", 2),
        ("2x", "write 2*", 1),
        ("2(x)", "only a function's name", 1),
        ("(a)(b)", "only a function's name", 3),
        ("1j", "complex", 1),
        ("a < b < c", "write a < b and b < c", 6),
        ("a = b", "written ==", 2),
        ("f(a=1, a=2)", "given twice", 7),
        ("f(a=1, 2)", "without a name", 8),
        ("f(a=)", "must come before ')'", 4),
        ("f(,)", "must come before ','", 2),
        ("x[]", "an index is missing", 2),
        ("x[1:2:3:4]", "at most start, stop and step", 7),
        ("x[-:]", "must come before ':'", 3),
        ("a:b", "only in an index", 1),
        ("f(a:b)", "only in an index", 3),
        ("...", "only in an index", 0),
        ("x.shape", "only .T", 1),
        ("-not a", "in brackets", 1),
        ("a and", "ends too early", 5),
        ("x^2", "**", 1),
        ("a //", "ends too early", 4),
        ("a % / b", "must come before '/'", 4),
        ("a %% b", "must come before '%'", 3),
        ("a && b", "write 'and'", 2),
        ("!a", "write 'not'", 0),
        ("x²", "is not a name", 0),
        ("lambda + 1", "a word of Python", 0),
        ("a if b else c", "a word of Python", 2),
        ("norm.cdf(x)", "'.cdf' is not known: only .T, the transpose (line 1", 4),
        ("np.sin(x)", "only .T, the transpose; write sin(x)", 2),
        ("__import__('os)", "a text ends on its line", 11),
        ("x; import os", "unexpected character ';'", 1),
        ("a\x00b", "U+0000", 1),
        ("a\n+ ?", "unexpected character '?'", 4),
        ("f(" + "x" * 1001 + ")", "at most 1,000 characters", 2),
        ("1" * 301, "at most 300 digits", 0),
        ("f" + "(" * 20 + "a = 2", "written ==", 23),
        ("x.", "a name must follow '.'", 1),
        ("0.5.", "a name must follow '.'", 3),
        ("x.T.", "a name must follow '.'", 3),
        ("[x.]", "a name must follow '.'", 2),
        ("x.sum()", "write sum(x)", 1),
        ("np.sin(x)", "write sin(x)", 2),
        ("x.shape", "write dim(x, axis)", 1),
        ("x!", "write 'not', != for 'is not equal', and gamma(x + 1) for a factorial", 1),
        ("if x > 0", "where(condition, x, y)", 0),
        ("1 if x else 0", "where(condition, x, y)", 2),
        ("sum(x for x)", "a formula has no loops", 6),
        ("y = x**2", "of y = f(x) only f(x)", 2),
        ("∞", "write inf", 0),
        ("1,5*x", "write 1.5, or for two formulas 1, 5", 1),
        ("x + 12,75", "write 12.75, or for two formulas 12, 75", 6),
        ("1e309*x", "too large for f64", 0),
        ("x*1e999999", "too large for f64", 2),
        ("1e-400*x", "too small for f64", 0),
        ("x*0." + "0" * 200 + "1e-200", "too small for f64", 2),
    ],
)
def test_problem(text: str, problem: str, position: int) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_expression(text)
    assert problem in str(caught.value)
    assert caught.value.position == position
    assert str(caught.value).splitlines()[-1].strip() == "^"


def test_names_are_listed_in_order_of_appearance() -> None:
    program = parse_expression("b*a + sin(b, axis=k)")
    assert program.names == {"b": 0, "a": 2, "k": 18}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("+".join(["a"] * 100_000), 199_999),
        ("**".join(["a"] * 30_000), 59_999),
        ("sin(" * 10_000 + "x" + ")" * 10_000, 10_001),
        ("(" * 50_000 + "x" + ")" * 50_000, 1),
        ("-" * 50_000 + "x", 50_001),
        ("x" + "[0]" * 10_000, 20_001),
    ],
    ids=["sum", "powers", "calls", "brackets", "signs", "indices"],
)
def test_large_texts(text: str, count: int) -> None:
    assert len(parse_expression(text).code) == count


@pytest.mark.parametrize(
    "form",
    [
        lambda n: "+".join(["a"] * n),
        lambda n: "**".join(["a"] * n),
        lambda n: "sin(" * n + "x" + ")" * n,
        lambda n: "(" * n + "x" + ")" * n,
        lambda n: "-" * n + "x",
        lambda n: "x" + "[0]" * n,
    ],
    ids=["sum", "powers", "calls", "brackets", "signs", "indices"],
)
def test_texts_are_parsed_in_linear_time(form, assert_linear) -> None:
    assert_linear(lambda size: parse_expression(form(size)), 1_000)


@pytest.mark.parametrize("text", ["(" * 1_000_000, "[" * 1_000_000, "f(" * 500_000])
def test_brackets_without_end(text: str) -> None:
    with pytest.raises(SyntaxProblem, match="nested more than"):
        parse_expression(text)


def test_many_keywords() -> None:
    keywords = ",".join(f"k{n}=1" for n in range(50_000))
    assert len(parse_expression(f"f({keywords})").code) == 50_001


def test_too_long() -> None:
    with pytest.raises(SyntaxProblem, match="too long"):
        parse_expression(" " * 10_000_001)
