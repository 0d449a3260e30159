"""Trees of sums, products and clips, written as short as they can be."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.expressions.node import Node, const

X = Node("x")
ZERO = const(0.0)


def rounded(value: float, digits: int = 7) -> float:
    """Return a number of so many decimal digits, for a text that a person can read."""
    return float(f"{value:.{digits - 1}e}") + 0.0


def add(a: Node, b: Node) -> Node:
    """Return the sum; that with a negative number as a difference."""
    if a.value is not None and b.value is not None:
        return const(a.value + b.value)
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    if a.value is not None:
        a, b = b, a
    if b.value is not None and b.value < 0:
        return Node("sub", (a, const(-b.value)))
    return Node("add", (a, b))


def mul(a: Node, b: Node) -> Node:
    """Return the product, numbers first."""
    if a.value is not None and b.value is not None:
        return const(a.value * b.value)
    if b.value is not None:
        a, b = b, a
    if a == ZERO:
        return ZERO
    if a.value == 1:
        return b
    return Node("neg", (b,)) if a.value == -1 else Node("mul", (a, b))


def div(a: Node, b: Node) -> Node:
    """Return the quotient."""
    return a if b.value == 1 else Node("div", (a, b))


def total(terms: Sequence[Node]) -> Node:
    """Return the sum of all terms, the constant one last."""
    result = ZERO
    for term in sorted(terms, key=lambda term: term.value is not None):
        result = add(result, term)
    return result


def line(slope: float, offset: float, x: Node = X) -> Node:
    """Return ``slope*x + offset``."""
    return add(mul(const(slope), x), const(offset))


def clip(x: Node, low: float, high: float) -> Node:
    """Return ``x`` between two bounds."""
    return Node("clip", (x, const(low), const(high)))


def between(x: Node, low: float, high: float) -> Node:
    """Return the same with half of the slope at each bound, so that neighbours add up to one."""
    return below(above(x, low), high)


def above(x: Node, bound: float = 0.0) -> Node:
    """Return the larger of ``x`` and a bound."""
    return Node("max", (x, const(bound)))


def below(x: Node, bound: float = 0.0) -> Node:
    """Return the smaller of ``x`` and a bound."""
    return Node("min", (x, const(bound)))


def polynomial(coefficients: Sequence[float], x: Node) -> Node:
    """Return the polynomial with coefficients of 1, x, x^2 ..., nested (Horner)."""
    *lower, result_ = map(float, coefficients)
    result = const(result_)
    for coefficient in reversed(lower):
        result = add(mul(x, result), const(coefficient))
    return result
