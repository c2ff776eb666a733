"""Powers with a small integer exponent as products, after differentiation.

Before it a power is one node, whose derivative is n*x**(n-1). A product of squares takes at most six
multiplications for the exponents up to 16, where the library's pow costs as much as three exponentials.
It is off by a few units in the last place, and overflows or underflows only where the power does
(negative powers: where the reciprocal's power does).
"""

from __future__ import annotations

from diffc.optimize.rule import Rule

__all__ = ["RULES"]

MAX_EXPONENT = 16


def product_text(exponent: int) -> str:
    """Return x**exponent by repeated squaring: "(x*square(x))*square(square(x))" for 7."""
    factors: list[str] = []
    power = "x"
    while exponent:
        if exponent & 1:
            factors.append(power)
        power, exponent = f"square({power})", exponent >> 1
    text = factors[0]
    for factor in factors[1:]:
        text = f"({text})*{factor}" if "*" in text else f"{text}*{factor}"
    return text


RULES = (
    *(Rule(f"pow_{n}", f"x**{n} => {product_text(n)}", stage="after") for n in range(3, MAX_EXPONENT + 1)),
    *(
        Rule(f"pow_minus_{n}", f"x**(-{n}) => 1/({product_text(n)})", stage="after")
        for n in range(2, MAX_EXPONENT + 1)
    ),
    Rule("pow_three_halves", "x**1.5 => x*sqrt(x)", "nonnegative(x)", stage="after"),
    Rule("pow_minus_half", "x**(-0.5) => 1/sqrt(x)", "nonnegative(x)", stage="after"),
)
