"""Trees as SymPy expressions and back, and the derivative.

Every primitive is a SymPy function class of its own, sums and products included, so that SymPy
rearranges nothing: a tree and its SymPy form are the same thing in two notations. Derivatives come
from SymPy's chain rule over the rows' ``fdiff`` rules; the sums and products which that rule
builds are SymPy's own and are written back as trees.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import sympy

from actsearch.expressions.node import Node, const
from actsearch.expressions.parser import MAX_CONSTANT, parse_tree
from actsearch.expressions.primitive import FORMALS, Primitive
from actsearch.expressions.table import PRIMITIVES

_ARITHMETIC = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


class PrimitiveFunction(sympy.Function):
    """Base of the SymPy classes of the primitives; ``row`` is the primitive."""

    row: Primitive
    is_commutative = True

    @classmethod
    def _should_evalf(cls, _arg: Any) -> int:
        # SymPy would evaluate tanh(0.5) through mpmath's function of the same name.
        return -1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the row's derivative rule with respect to argument ``argindex``, from 1."""
        rule = _rule(self.row.name, argindex - 1)
        return to_sympy(rule, dict(zip(FORMALS, self.args, strict=False)))

    def _eval_derivative(self, s: sympy.Symbol) -> sympy.Expr:
        # SymPy's own asks of each factor whether it is zero, and tries all that is known of real
        # numbers for it: half the time of a derivative. Here nothing is zero but the number.
        terms = []
        for argindex, arg in enumerate(self.args, start=1):
            inner = arg._eval_derivative(s)
            if not (inner.is_Number and inner.is_zero):
                terms.append(self.fdiff(argindex) * inner)
        return sympy.Add(*terms)


def make_class(row: Primitive) -> type[sympy.Function]:
    """Build the SymPy class of a row; use ``Primitive.sympy_class``, which keeps it."""
    namespace = {"row": row, "nargs": row.arity, "__module__": __name__}
    return type(row.name, (PrimitiveFunction,), namespace)


@functools.lru_cache(maxsize=512)
def _rule(name: str, index: int) -> Node:
    row = PRIMITIVES[name]
    return parse_tree(row.derivative[index], FORMALS[: row.arity])


@functools.lru_cache(maxsize=64)
def symbol(name: str) -> sympy.Symbol:
    """Return the real symbol of that name."""
    return sympy.Symbol(name, real=True)


def to_sympy(node: Node, values: dict[str, sympy.Expr] | None = None) -> sympy.Expr:
    """Build the SymPy form of a tree, by constructors alone.

    Args:
        node: The tree.
        values: What to put for variables, by name; by default real symbols.
    """
    if node.value is not None:
        whole = node.value == int(node.value) and abs(node.value) < 2**53
        return sympy.Integer(int(node.value)) if whole else sympy.Float(node.value)
    if not node.args:
        return values[node.op] if values and node.op in values else symbol(node.op)
    return PRIMITIVES[node.op].sympy_class(*(to_sympy(arg, values) for arg in node.args))


def from_sympy(expression: sympy.Expr) -> Node:
    """Build the tree of a SymPy form made by ``to_sympy`` or by differentiating one.

    Raises:
        ValueError: It holds something that is neither ours nor a sum, product, power or number.
    """
    if isinstance(expression, PrimitiveFunction):
        return Node(expression.row.name, tuple(from_sympy(arg) for arg in expression.args))
    if expression.is_Symbol:
        return Node(expression.name)
    if expression.is_number and expression.is_real:
        return const(float(expression))
    if expression.is_Add:
        return _sum(expression)
    if expression.is_Mul:
        return _product(expression)
    if expression.is_Pow:
        return _power(expression)
    raise ValueError(f"not in the grammar: {expression}")


def _sum(expression: sympy.Expr) -> Node:
    # Positive terms first, so that a difference is printed as one.
    terms = sorted(expression.args, key=lambda term: term.could_extract_minus_sign())
    total = from_sympy(terms[0])
    for term in terms[1:]:
        if term.could_extract_minus_sign():
            total = Node("sub", (total, from_sympy(-term)))
        else:
            total = Node("add", (total, from_sympy(term)))
    return total


def _product(expression: sympy.Expr) -> Node:
    coefficient, factors = expression.as_coeff_mul()
    product = functools.reduce(lambda a, b: Node("mul", (a, b)), map(from_sympy, factors))
    if coefficient == 1:
        return product
    if coefficient == -1:
        return Node("neg", (product,))
    return Node("mul", (const(float(coefficient)), product))


def _power(expression: sympy.Expr) -> Node:
    base, exponent = from_sympy(expression.base), from_sympy(expression.exp)
    if exponent.value in (2.0, 3.0):
        return Node("square" if exponent.value == 2 else "cube", (base,))
    return Node("pow", (base, exponent))


@functools.lru_cache(maxsize=64)
def derivative(node: Node, wrt: str = "x") -> Node:
    """Differentiate a tree with respect to a variable."""
    return _writable(_folded(from_sympy(to_sympy(node)._eval_derivative(symbol(wrt)))))


def _folded(node: Node) -> Node:
    """Compute what rules leave as sums of constants: the 2 - 1 in the derivative of pow(x, 2)."""
    args = tuple(_folded(arg) for arg in node.args)
    values = [arg.value for arg in args if arg.value is not None]
    if node.op in _ARITHMETIC and len(values) == 2:
        return const(_ARITHMETIC[node.op](values[0], values[1]))
    if node.op == "pow" and args[1].value == 1:
        return args[0]
    return Node(node.op, args, node.value)


def _writable(node: Node) -> Node:
    """Write constants that the grammar has no number for as products and quotients."""
    if node.value is None:
        return Node(node.op, tuple(_writable(arg) for arg in node.args))
    value = node.value
    if not math.isfinite(value):
        top = 0.0 if math.isnan(value) else math.copysign(1.0, value)
        return Node("div", (const(top), const(0.0)))
    if abs(value) > MAX_CONSTANT:
        return Node("mul", (const(MAX_CONSTANT), _writable(const(value / MAX_CONSTANT))))
    return node
