"""The public value: a formula, and what can be asked of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions import printer, suffix
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import Program, lower
from actsearch.expressions.node import INPUTS, Node, is_parameter
from actsearch.expressions.parser import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_TEXT_CHARS,
    FormulaError,
    parse_tree,
)
from actsearch.expressions.table import PRIMITIVES

if TYPE_CHECKING:
    import sympy
    import torch

    from actsearch.expressions.analysis import Analysis

#: A node of a formula's text is at most this long, its share of the suffix included; shorter
#: formulas need not be written to know that they can be.
_NODE_CHARS = 64


@dataclass(frozen=True)
class Expression:
    """A formula; equal trees with equal starts are equal expressions.

    Attributes:
        root: The tree.
        starts: Where its learnable parameters start, as pairs of name and value. Kept are those
            that occur and don't start at 1, in order; ``start_of`` looks one up.
        per_channel: Parameters have one value a channel instead of one a layer.

    Raises:
        FormulaError: A start is beyond what constants may be.
    """

    root: Node
    starts: suffix.Starts = ()
    per_channel: bool = False

    def __post_init__(self) -> None:
        if self.starts or self.per_channel:
            object.__setattr__(self, "starts", suffix.normal(self.starts, self.parameters))
            object.__setattr__(self, "per_channel", bool(self.per_channel and self.parameters))

    def __str__(self) -> str:
        return printer.text(self.root) + suffix.text(self.starts, self.per_channel)

    def __repr__(self) -> str:
        return f"parse({str(self)!r})"

    @property
    def size(self) -> int:
        """Number of nodes."""
        return self.root.size

    @property
    def depth(self) -> int:
        """Edges on the longest path from the root to a leaf."""
        return self.root.depth

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """The inputs it reads, of ``x``, ``u``, ``o``; ``x`` is always the first."""
        used = {node.op for node in self.root.walk()}
        return tuple(name for name in INPUTS if name in used or name == "x")

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of its learnable parameters, in the order of their numbers."""
        used = {node.op for node in self.root.walk() if is_parameter(node.op)}
        return tuple(sorted(used, key=lambda name: int(name[1:])))

    def start_of(self, parameter: str) -> float:
        """Return the value that a learnable parameter starts at.

        Raises:
            KeyError: It is not one of ``parameters``.
        """
        if parameter not in self.parameters:
            raise KeyError(parameter)
        return dict(self.starts).get(parameter, suffix.PARAMETER_START)

    def bare(self) -> Expression:
        """Return the function alone: what its parameters start at, and are shared by, is left out.

        What depends on the function and not on its training (kernels, costs) is kept by this.
        """
        changed = self.starts or self.per_channel
        return replace(self, starts=(), per_channel=False) if changed else self

    @property
    def complexity(self) -> float:
        """Nodes, plus a tenth of the primitives' costs: ``x*sigmoid(x)`` is less than mish."""
        costs = sum(PRIMITIVES[node.op].cost for node in self.root.walk() if node.args)
        return round(self.size + costs / 10, 1)

    def sympy(self) -> sympy.Expr:
        """Return the SymPy form, over function classes of our own."""
        from actsearch.expressions.symbolic import to_sympy

        return to_sympy(self.root)

    def latex(self) -> str:
        """Return the formula as LaTeX mathematics, and behind it where parameters start."""
        return printer.latex(self.root) + suffix.latex(self.starts, self.per_channel)

    def derivative(self, wrt: str = "x") -> Expression:
        """Return the derivative with respect to an input or a parameter, in stable terms.

        At a kink it is what the primitive's row states: 0 for ``|x|`` and ``relu`` at 0, the mean
        of both sides for ``max`` and ``min`` of equal arguments. Parameters start as they did.

        Raises:
            FormulaError: ``wrt`` is not the name of an input or a parameter.
        """
        from actsearch.expressions.symbolic import derivative

        if parse_tree(wrt).op != wrt:  # an unknown name is refused with the parser's own message
            raise FormulaError(f"'{wrt}' is not the name of an input or a parameter")
        return replace(self, root=derivative(self.root, wrt))

    @functools.cached_property
    def program(self) -> Program:
        """It as straight-line base operations over inputs and parameters."""
        return lower([self.root], (*self.inputs, *self.parameters))

    def evaluate(
        self,
        x: ArrayLike,
        others: Mapping[str, ArrayLike] | None = None,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> NDArray[np.float64]:
        """Compute it with NumPy.

        Args:
            x: Any shape.
            others: Values of further inputs and parameters by name; a parameter is where it
                starts by default.
            dtype: What every step is rounded to.

        Returns:
            An array of the shape of ``x``, float64. Overflow gives infinities, no warnings.

        Raises:
            KeyError: An input besides ``x`` has no value.
        """
        x = np.asarray(x, dtype)
        given = {"x": x, **(others or {})}
        names = (*self.inputs, *self.parameters)
        given |= {name: self.start_of(name) for name in self.parameters if name not in given}
        values = [np.asarray(given[name], dtype) for name in names]
        with np.errstate(all="ignore"):
            (result,) = run(self.program, NUMPY_OPS, values)
        found = np.asarray(result, dtype=np.float64)
        return found.copy() if found.shape == x.shape else np.broadcast_to(found, x.shape).copy()

    def fingerprint(self) -> str:
        """Return the key that equal functions share, 32 hexadecimal digits."""
        from actsearch.expressions.fingerprint import fingerprint

        return fingerprint(self)

    def check(self, max_size: int | None = None, *, slopes: bool = True) -> str | None:
        """Return why it is not worth training, or None where it is."""
        from actsearch.expressions.checks import check

        return check(self, max_size=max_size, slopes=slopes)

    def analyze(self) -> Analysis:
        """Return its properties: range, limits, zeros, kinks, saturation and more.

        Terms are those of the literature: the gain that keeps a signal is that of He, Zhang, Ren
        and Sun 2015 (Delving Deep into Rectifiers), the mean-field quantities are those of Poole et
        al. 2016 and Schoenholz et al. 2017, soft and hard saturation those of Gulcehre et al. 2016.
        """
        from actsearch.expressions.analysis.measure import analyze

        return analyze(self)

    def compile(self, backend: str = "auto") -> Any:
        """Return it as a fast torch function with its own backward."""
        from actsearch import kernels

        return kernels.compile(self, backend)

    def module(self, backend: str = "auto", n_channels: int | None = None) -> torch.nn.Module:
        """Return it as a torch module; learnable parameters are ``nn.Parameter`` of it.

        It takes as many tensors as the formula has ``inputs``.

        Args:
            backend: As in ``kernels.compile``.
            n_channels: How many channels there are, each with parameters of its own; None for one
                value a layer.

        Raises:
            BadInput: It is per channel and ``n_channels`` is None, or there are no channels.
        """
        from actsearch import kernels

        return kernels.module(self, backend, n_channels)


def parse(text: str) -> Expression:
    """Read a formula such as ``x*tanh(softplus(x))`` or ``max(x, p0*x); p0=0.25, per channel``.

    Raises:
        FormulaError: It is not a formula; the message points at the column.
    """
    mark = text.find(suffix.MARK) if isinstance(text, str) else -1
    if mark < 0 or len(text) > MAX_TEXT_CHARS:
        return _writable(Expression(parse_tree(text)))
    bare = Expression(parse_tree(text[:mark]))
    starts, per_channel = suffix.read(text, mark + 1, bare.parameters)
    return _writable(Expression(bare.root, tuple(starts.items()), per_channel))


def _writable(expression: Expression) -> Expression:
    """Return a formula whose own text can be read again: ``pi`` is written with 17 digits.

    Raises:
        FormulaError: Its text is longer than what is read.
    """
    excess = too_large(expression)
    if excess is not None:
        raise FormulaError(f"written out it has {excess}")
    return expression


def too_large(expression: Expression) -> str | None:
    """Say what a formula has more of than can be read from its text, or None where it can."""
    size = expression.size
    if size > MAX_NODES or expression.depth > MAX_DEPTH:  # too deep to be written, perhaps
        return f"{size} nodes, {expression.depth} deep; at most {MAX_NODES} and {MAX_DEPTH}"
    if size * _NODE_CHARS <= MAX_TEXT_CHARS:
        return None
    n_chars = len(str(expression))
    if n_chars <= MAX_TEXT_CHARS:
        return None
    return f"{n_chars} characters; at most {MAX_TEXT_CHARS} are accepted"
