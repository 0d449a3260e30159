"""Text to tree, by our own whitelist: nothing that is typed is ever evaluated.

Python's parser gives the syntax tree of size-capped text; only numbers, the names of variables,
calls of primitives and ``+ - * / **`` pass, everything else is an error that points at its column.
"""

from __future__ import annotations

import ast
import math
import warnings

from actsearch.errors import BadInput, nearest, shorten
from actsearch.expressions.node import INPUTS, MAX_PARAMETERS, Node, const, is_parameter
from actsearch.expressions.table import ALIASES, PRIMITIVES

#: Longer text is not a formula that a person or this program wrote.
MAX_TEXT_CHARS = 4000
#: Most nodes of a tree; derivatives of large trees are larger than what a search evolves.
MAX_NODES = 1500
#: Deepest nesting, well below what Python's own parser and recursion limit allow.
MAX_DEPTH = 100
#: Constants beyond this leave float32.
MAX_CONSTANT = 1e30

_INFIX: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
}
_OTHER_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitXor: "'^' is not an operator here; write '**' for powers",
    ast.FloorDiv: "'//' is not an operator here; write '/'",
    ast.Mod: "'%' is not an operator here",
    ast.MatMult: "'@' is not an operator here; write '*'",
}
_SYNTAX: dict[type[ast.expr], str] = {
    ast.Attribute: "a dot",
    ast.BoolOp: "'and' or 'or'",
    ast.Compare: "a comparison",
    ast.Dict: "a dictionary",
    ast.IfExp: "'if ... else'",
    ast.JoinedStr: "text",
    ast.Lambda: "'lambda'",
    ast.List: "a list",
    ast.NamedExpr: "':='",
    ast.Set: "a set",
    ast.Subscript: "an index in brackets",
    ast.Tuple: "a list of values",
}
_POWERS = {2.0: "square", 3.0: "cube"}
_NAMED_CONSTANTS = {"pi": math.pi, "e": math.e}


class FormulaError(BadInput):
    """A formula that cannot be read; ``column`` counts from 1."""

    def __init__(self, message: str, text: str = "", column: int | None = None) -> None:
        self.column = column
        super().__init__(message, text, column)  # the arguments, so that it pickles

    def __str__(self) -> str:
        message, text, column = self.args
        return f"formula: {message}{_pointer(text, column)}"

    def on_one_line(self) -> str:
        """Return the message without the text, for one that stands among others."""
        message, _, column = self.args
        return f"{message} (column {column})" if column is not None else str(message)


def _pointer(text: str, column: int | None) -> str:
    """Show the text with a caret below the column, or a stretch of it where it is long."""
    if column is None or not text:
        return ""
    start = max(0, column - 41)
    stretch = text[start : start + 80]
    visible = "".join(ch if ch.isprintable() else "?" for ch in stretch)
    return f" (column {column})\n  {visible}\n  {' ' * (column - 1 - start)}^"


def parse_tree(text: str, variables: tuple[str, ...] | None = None) -> Node:
    """Parse a formula into its tree.

    Args:
        text: The formula, such as ``x*tanh(softplus(x))``.
        variables: Names allowed as variables; by default ``x``, ``u``, ``o`` and ``p0``, ``p1`` ...

    Raises:
        FormulaError: The text is no formula; the message points at the column.
    """
    if not isinstance(text, str):
        raise FormulaError(f"expected text, got {type(text).__name__}")
    if len(text) > MAX_TEXT_CHARS:
        raise FormulaError(f"{len(text)} characters; at most {MAX_TEXT_CHARS} are accepted")
    if not text.strip():
        raise FormulaError("it is empty; write something like x*sigmoid(x)")
    flat = on_one_line(text)
    stripped = flat.lstrip()
    offset = len(flat) - len(stripped)
    if _nesting(stripped) > MAX_DEPTH:
        raise FormulaError(f"parentheses nested more than {MAX_DEPTH} deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as Python's advice on `2(x)`
            body = ast.parse(stripped.rstrip(), mode="eval").body
        return _Reader(flat, offset, variables).read(body)
    except SyntaxError as error:
        end = len(stripped.rstrip())
        if not error.offset or error.offset > end:  # nothing is wrong but that nothing follows
            what = "it ends where something should follow"
            raise FormulaError(f"not a formula: {what}", flat, offset + end + 1) from None
        raise FormulaError(f"not a formula: {_plain(error)}", flat, offset + error.offset) from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, FormulaError):
            raise
        raise FormulaError(f"too deeply nested or malformed: '{shorten(text)}'") from None


def on_one_line(text: str) -> str:
    """Return a formula's text with spaces for line ends and tabs; all columns stay.

    Raises:
        FormulaError: A character can't be part of a formula.
    """
    flat = text.translate({ord(ch): " " for ch in "\n\r\t\f"})
    for index, ch in enumerate(flat):
        # A comment would hide what follows it, since line ends have become spaces.
        if not ch.isascii() or not ch.isprintable() or ch == "#":
            raise FormulaError(
                f"unexpected character {ch!r}; formulas are plain ASCII, without comments",
                flat,
                index + 1,
            )
    return flat


def _plain(error: SyntaxError) -> str:
    message = str(error.msg or "invalid syntax")
    if message.startswith("invalid") and message.endswith("literal"):
        return "a number runs into a name; write 2*x for a product"
    return message.replace(". Perhaps you forgot a comma?", "").split(". Did you mean")[0]


def _nesting(text: str) -> int:
    deepest = level = 0
    for ch in text:
        level += (ch == "(") - (ch == ")")
        deepest = max(deepest, level)
    return deepest


class _Reader:
    """Turns a syntax tree into nodes, counting them and refusing what is not in the grammar."""

    def __init__(self, text: str, offset: int, variables: tuple[str, ...] | None) -> None:
        self._text = text
        self._offset = offset
        self._variables = variables
        self._n_nodes = 0

    def _error(self, message: str, at: ast.AST) -> FormulaError:
        column = getattr(at, "col_offset", 0)
        return FormulaError(message, self._text, self._offset + column + 1)

    def read(self, tree: ast.expr, depth: int = 0) -> Node:
        self._n_nodes += 1
        if self._n_nodes > MAX_NODES:
            raise self._error(f"more than {MAX_NODES} nodes", tree)
        if depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep", tree)
        match tree:
            case ast.Constant(value=value):
                return self._constant(value, tree)
            case ast.Name(id=name):
                return self._variable(name, tree)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
                return const(-(self._constant(value, tree).value or 0.0))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Node("neg", (self.read(operand, depth + 1),))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp():
                return self._infix(tree, depth)
            case ast.Call():
                return self._call(tree, depth)
        what = _SYNTAX.get(type(tree), "this")
        raise self._error(f"{what} is not part of a formula", tree)

    def _constant(self, value: object, at: ast.AST) -> Node:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(f"{shorten(repr(value), 30)} is not a number", at)
        if not abs(value) <= MAX_CONSTANT:
            raise self._error(f"constants lie between -{MAX_CONSTANT:g} and {MAX_CONSTANT:g}", at)
        return const(float(value))

    def _variable(self, name: str, at: ast.AST) -> Node:
        allowed = self._variables
        if name in allowed if allowed is not None else name in INPUTS or is_parameter(name):
            return Node(name)
        if name in _NAMED_CONSTANTS:
            return const(_NAMED_CONSTANTS[name])
        if name in PRIMITIVES or name in ALIASES:
            raise self._error(f"'{name}' is a function; write {name}(...)", at)
        if name[:1] == "p" and name[1:].isdigit():
            most = MAX_PARAMETERS if allowed is None else sum(map(is_parameter, allowed))
            offered = f"parameters are p0 to p{most - 1}" if most else "there are no parameters"
            raise self._error(f"{offered}, got '{name}'", at)
        known = allowed or (*INPUTS, "p0")
        raise self._error(
            f"unknown name '{shorten(name, 30)}'; variables are {', '.join(known)}"
            + (", p1, ..." if allowed is None else ""),
            at,
        )

    def _infix(self, tree: ast.BinOp, depth: int) -> Node:
        kind = type(tree.op)
        if kind not in _INFIX and kind is not ast.Pow:
            reason = _OTHER_OPERATORS.get(kind, f"operator {kind.__name__} is not accepted")
            raise self._error(f"{reason}; operators are + - * / **", tree.right)
        left, right = self.read(tree.left, depth + 1), self.read(tree.right, depth + 1)
        if kind is not ast.Pow:
            return Node(_INFIX[kind], (left, right))
        special = _POWERS.get(right.value) if right.value is not None else None
        if special is None:
            return Node("pow", (left, right))
        self._n_nodes -= 1  # the exponent is no node: a tree is read whichever way it is written
        return Node(special, (left,))

    def _call(self, tree: ast.Call, depth: int) -> Node:
        if not isinstance(tree.func, ast.Name):
            raise self._error("only functions of the primitive table can be called", tree)
        typed = tree.func.id
        name = ALIASES.get(typed, typed)
        if name in INPUTS or is_parameter(name):
            raise self._error(f"'{name}' is no function; write {name}*(...) for a product", tree)
        if name not in PRIMITIVES:
            guess = nearest(typed, [*PRIMITIVES, *ALIASES])
            hint = f"; did you mean '{guess}'?" if guess else ""
            raise self._error(f"unknown function '{shorten(typed, 30)}'{hint}", tree)
        row = PRIMITIVES[name]
        if tree.keywords or any(isinstance(arg, ast.Starred) for arg in tree.args):
            raise self._error(f"{name} takes plain arguments only", tree)
        if len(tree.args) != row.arity:
            raise self._error(
                f"{name} takes {row.arity} argument{'s' * (row.arity > 1)}, got {len(tree.args)}",
                tree,
            )
        args = tuple(self.read(arg, depth + 1) for arg in tree.args)
        for position in range(row.arity - row.n_scalars, row.arity):
            scalar = args[position]
            if self._variables is None and scalar.value is None and not is_parameter(scalar.op):
                raise self._error(
                    f"argument {position + 1} of {name} must be a number or a parameter p0, p1 ...",
                    tree.args[position],
                )
        return Node(name, args)
