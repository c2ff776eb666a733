"""The expression language's parser: text to a flat postfix `ParsedProgram`.

The grammar is that of Python's expressions, less what a formula has no use for. From loose to tight:

    or | and | not | < <= > >= == != (no chains) | + - | * / // % @ | unary - + | ** | call, index, .T

The parser is operator precedence with an explicit stack. The stack holds the operators that wait for
their right operand, and a frame for every bracket that is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from diffc.errors import SyntaxProblem
from diffc.syntax.lexer import Token, number_value, tokenize
from diffc.syntax.program import Apply, Collect, Index, Instruction, Literal, Load, ParsedProgram, Slice

__all__ = ["parse_expression"]

_MAX_DEPTH = 100_000
_MAX_CODE = 4_000_000

_COMPARISON, _NOT, _UNARY, _POWER = 4, 3, 7, 8
_BINARY = {
    "or": ("or", 1), "and": ("and", 2),
    "<": ("lt", 4), "<=": ("le", 4), ">": ("gt", 4), ">=": ("ge", 4), "==": ("eq", 4), "!=": ("ne", 4),
    "+": ("add", 5), "-": ("sub", 5), "*": ("mul", 6), "/": ("div", 6), "//": ("floor_divide", 6),
    "%": ("mod", 6), "@": ("matmul", 6), "**": ("pow", 8),
}  # fmt: skip
_EQUALS = "'=' names an argument of a function; equality is written ==, and of y = f(x) only f(x)"
_WORDS = {"True": True, "False": False, "None": None}


@dataclass(slots=True)
class _Operator:
    """An operator that waits for its right operand. A unary plus has no function."""

    function: str
    count: int
    precedence: int
    position: int


@dataclass(slots=True)
class _Frame:
    """An open bracket: `kind` is group, call, list, index, or text for the whole formula.

    `count` positional items are complete; the item being read has a name where `named`, and the
    parts of a slice before it where there are `colons`.
    """

    kind: str
    position: int
    opening: int
    function: str = ""
    count: int = 0
    comma: bool = False
    named: bool = False
    colon: int = 0
    keywords: dict[str, None] = field(default_factory=dict[str, None])
    colons: list[bool] = field(default_factory=list[bool])


def parse_expression(text: str) -> ParsedProgram:
    """Return the program of a formula; raise `SyntaxProblem` with a caret under the place.

    Several formulas with commas between them are one program that ends in a `Collect` of kind tuple.
    """
    return _Parser(text).run()


class _Parser:
    """One run over a text. `_operand` tells whether an operand must come next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._token = next(self._tokens)
        self._code: list[Instruction] = []
        self._stack: list[_Operator | _Frame] = []
        self._frames = [_Frame("text", 0, 0)]
        self._stack.append(self._frames[0])
        self._operand = True

    def run(self) -> ParsedProgram:
        """Read every token; the frame of the text is left."""
        while self._token.kind != "end":
            token = self._token
            self._token = next(self._tokens)
            if self._operand:
                self._read_operand(token)
            else:
                self._read_operator(token)
            if len(self._code) > _MAX_CODE:
                raise self._problem(f"the formula is too long: more than {_MAX_CODE:,} steps", token)
        self._finish()
        return ParsedProgram(self._text, tuple(self._code))

    def _problem(self, problem: str, at: Token | _Frame | _Operator) -> SyntaxProblem:
        return SyntaxProblem(problem, self._text, at.position)

    # Where an operand must come.

    def _read_operand(self, token: Token) -> None:
        kind, text, position = token
        if kind == "number":
            self._push_operand(Literal(number_value(text), position))
        elif kind == "string":
            self._push_operand(Literal(text[1:-1], position))
        elif text == "not":
            self._push_not(token)
        elif kind == "name":
            self._read_name(token)
        elif text in ("-", "+"):
            self._stack.append(_Operator("neg" if text == "-" else "", 1, _UNARY, position))
        elif text in ("(", "["):
            self._open(_Frame("group" if text == "(" else "list", position, position))
        elif text in (")", "]"):
            self._close(token)
        elif text == ":" and self._frames[-1].kind == "index":
            self._colon(token, present=False)
        elif text == "," and self._frames[-1].colons:
            self._comma(token)
        elif text == "...":
            if self._frames[-1].kind != "index":
                raise self._problem("'...' stands only in an index: x[..., 0]", token)
            self._push_operand(Literal(..., position))
        else:
            raise self._problem(f"a number, a name or '(' must come before '{text}'", token)

    def _read_name(self, token: Token) -> None:
        name, position = token.text, token.position
        if name in _WORDS:
            self._push_operand(Literal(_WORDS[name], position))
        elif name in _BINARY:
            raise self._problem(f"a number, a name or '(' must come before '{name}'", token)
        elif self._token.text == "(":
            self._open(_Frame("call", position, self._advance().position, name))
        elif self._token.text == "=":
            self._keyword(token)
        else:
            self._push_operand(Load(name, position))

    def _advance(self) -> Token:
        token = self._token
        self._token = next(self._tokens, token)
        return token

    def _keyword(self, token: Token) -> None:
        frame = self._stack[-1]
        if not isinstance(frame, _Frame) or frame.kind != "call" or frame.named:
            raise self._problem(_EQUALS, self._token)
        if token.text in frame.keywords:
            raise self._problem(f"the argument {token.text!r} is given twice", token)
        self._advance()
        frame.keywords[token.text] = None
        frame.named = True

    def _push_operand(self, instruction: Instruction) -> None:
        self._code.append(instruction)
        self._operand = False

    def _push_not(self, token: Token) -> None:
        top = self._stack[-1]
        if isinstance(top, _Operator) and top.precedence > _NOT:
            raise self._problem("write 'not' and what it negates in brackets here", token)
        self._stack.append(_Operator("not", 1, _NOT, token.position))

    def _open(self, frame: _Frame) -> None:
        if len(self._frames) > _MAX_DEPTH:
            raise self._problem(f"brackets are nested more than {_MAX_DEPTH:,} deep", frame)
        self._frames.append(frame)
        self._stack.append(frame)
        self._operand = True

    # Where an operator must come.

    def _read_operator(self, token: Token) -> None:
        text = token.text
        if text in _BINARY:
            self._push_binary(token)
        elif text in (")", "]"):
            self._close(token)
        elif text == ",":
            self._comma(token)
        elif text == "[":
            self._open(_Frame("index", token.position, token.position))
        elif text == ":" and self._frames[-1].kind == "index":
            self._colon(token, present=True)
        elif text == ".":
            self._attribute(token)
        elif text == "=":
            raise self._problem(_EQUALS, token)
        elif text == ":":
            raise self._problem("':' stands only in an index: x[1:3]", token)
        else:
            hint = " (only a function's name can be called)" if text == "(" else ""
            raise self._problem(f"an operator, for example *, is missing before '{text}'{hint}", token)

    def _push_binary(self, token: Token) -> None:
        function, precedence = _BINARY[token.text]
        # A power waits for its right operand, a**b**c is a**(b**c); comparisons do not chain.
        self._reduce(precedence + (precedence in (_POWER, _COMPARISON)))
        top = self._stack[-1]
        if precedence == _COMPARISON and isinstance(top, _Operator) and top.precedence == _COMPARISON:
            raise self._problem("comparisons do not chain: write a < b and b < c", token)
        self._stack.append(_Operator(function, 2, precedence, token.position))
        self._operand = True

    def _reduce(self, precedence: int) -> None:
        """Emit the waiting operators that bind at least as tightly, up to the innermost bracket."""
        stack = self._stack
        while isinstance(top := stack[-1], _Operator) and top.precedence >= precedence:
            stack.pop()
            if top.function:
                self._code.append(Apply(top.function, top.count, (), top.position))

    def _attribute(self, token: Token) -> None:
        name = self._advance()
        if name.kind != "name":
            raise self._problem("a name must follow '.': x.T is the transpose", token)
        if name.text != "T":
            known = "only .T, the transpose"
            from diffc.syntax.functions import ALIASES, FUNCTIONS  # of no use to a text without errors

            instead = "dim(x, axis)" if name.text in ("shape", "size") else f"{name.text}(x)"
            is_function = name.text in FUNCTIONS or name.text in ALIASES or instead != f"{name.text}(x)"
            advice = f"; write {instead}" if is_function else ""
            raise self._problem(f"'.{name.text}' is not known: {known}{advice}", token)
        self._code.append(Apply("transpose", 1, (), token.position))

    # The items of a bracket.

    def _colon(self, token: Token, present: bool) -> None:
        frame = self._frames[-1]
        if present:
            self._reduce(0)
        if self._stack[-1] is not frame:
            raise self._problem("a number, a name or '(' must come before ':'", token)
        if len(frame.colons) == 2:
            raise self._problem("a slice has at most start, stop and step", token)
        frame.colon = frame.colon if frame.colons else token.position
        frame.colons.append(present)
        self._operand = True

    def _comma(self, token: Token) -> None:
        self._check_decimal_comma(token)
        self._reduce(0)
        self._end_item(self._frames[-1], token)
        self._frames[-1].comma = True
        self._operand = True

    def _check_decimal_comma(self, token: Token) -> None:
        at, after, last = token.position, self._token, self._code[-1] if self._code else None
        if self._frames[-1].kind != "text" or not isinstance(last, Literal) or after.position != at + 1:
            return
        if after.kind == "number" and self._text[at - 1].isdigit():
            before = self._text[last.position : at]
            problem = f"a number has a decimal point: write {before}.{after.text}"
            raise self._problem(f"{problem}, or for two formulas {before}, {after.text}", token)

    def _end_item(self, frame: _Frame, token: Token) -> None:
        if frame.colons:
            present = [*frame.colons, not self._operand, False][:3]
            self._code.append(Slice((present[0], present[1], present[2]), frame.colon))
            frame.colons = []
        if not frame.named:
            if frame.keywords:
                raise self._problem("an argument without a name stands after a named one", token)
            frame.count += 1
        frame.named = False

    def _close(self, token: Token) -> None:
        frame = self._frames[-1]
        self._check_closing(frame, token)
        if not self._operand:
            self._reduce(0)
            self._end_item(frame, token)
        elif self._stack[-1] is not frame or frame.named:
            raise self._problem(f"a number, a name or '(' must come before '{token.text}'", token)
        elif frame.colons:
            self._end_item(frame, token)
        self._stack.pop()
        self._frames.pop()
        self._emit_bracket(frame, token)
        self._operand = False

    def _check_closing(self, frame: _Frame, token: Token) -> None:
        if frame.kind == "text":
            raise self._problem(f"'{token.text}' closes nothing", token)
        expected = ")" if frame.kind in ("group", "call") else "]"
        if token.text != expected:
            raise self._problem(f"'{token.text}' cannot close a bracket that needs '{expected}'", token)

    def _emit_bracket(self, frame: _Frame, token: Token) -> None:
        if frame.kind == "call":
            call = Apply(frame.function, frame.count, tuple(frame.keywords), frame.position)
            self._code.append(call)
        elif frame.kind == "list":
            self._code.append(Collect("list", frame.count, frame.position))
        elif frame.kind == "index":
            if not frame.count:
                raise self._problem("an index is missing between '[' and ']'", token)
            self._code.append(Index(frame.count, frame.position))
        elif frame.comma or not frame.count:
            self._code.append(Collect("tuple", frame.count, frame.position))

    def _finish(self) -> None:
        frame, end = self._frames[-1], self._token
        if frame.kind != "text":
            bracket = "(" if frame.kind in ("group", "call") else "["
            raise SyntaxProblem(f"'{bracket}' is not closed", self._text, frame.opening)
        if not self._operand:
            self._reduce(0)
            self._end_item(frame, end)
        elif not frame.comma or self._stack[-1] is not frame:
            problem = "the formula is empty" if len(self._stack) == 1 else "the formula ends too early"
            raise self._problem(problem, end)
        if frame.comma:
            self._code.append(Collect("tuple", frame.count, 0))
