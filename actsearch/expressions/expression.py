"""The public value: a formula, and what can be asked of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions import printer
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import Program, lower
from actsearch.expressions.node import INPUTS, Node, is_parameter
from actsearch.expressions.parser import FormulaError, parse_tree
from actsearch.expressions.table import PRIMITIVES

if TYPE_CHECKING:
    import sympy
    import torch

    from actsearch.expressions.analysis import Analysis

#: The value of a learnable parameter where nothing else is said.
PARAMETER_START = 1.0


@dataclass(frozen=True)
class Expression:
    """A formula; equal trees are equal expressions."""

    root: Node

    def __str__(self) -> str:
        return printer.text(self.root)

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
        """Return the formula as LaTeX mathematics."""
        return printer.latex(self.root)

    def derivative(self, wrt: str = "x") -> Expression:
        """Return the derivative with respect to an input or a parameter, in stable terms.

        At a kink it is what the primitive's row states: 0 for ``|x|`` and ``relu`` at 0, the mean
        of both sides for ``max`` and ``min`` of equal arguments.

        Raises:
            FormulaError: ``wrt`` is not the name of an input or a parameter.
        """
        from actsearch.expressions.symbolic import derivative

        if parse_tree(wrt).op != wrt:  # an unknown name is refused with the parser's own message
            raise FormulaError(f"'{wrt}' is not the name of an input or a parameter")
        return Expression(derivative(self.root, wrt))

    @functools.cached_property
    def program(self) -> Program:
        """It as straight-line base operations over inputs and parameters."""
        return lower([self.root], (*self.inputs, *self.parameters))

    def evaluate(
        self, x: ArrayLike, others: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float64]:
        """Compute it in float64 with NumPy.

        Args:
            x: Any shape.
            others: Values of further inputs and parameters by name; parameters are 1 by default.

        Returns:
            An array of the shape of ``x``. Overflow gives infinities, no warnings.

        Raises:
            KeyError: An input besides ``x`` has no value.
        """
        x = np.asarray(x, dtype=np.float64)
        given = {"x": x, **(others or {})}
        values = [np.asarray(given[name], dtype=np.float64) for name in self.inputs]
        values += [
            np.asarray(given.get(name, PARAMETER_START), dtype=np.float64)
            for name in self.parameters
        ]
        with np.errstate(all="ignore"):
            (result,) = run(self.program, NUMPY_OPS, values)
        return np.broadcast_to(np.asarray(result, dtype=np.float64), x.shape).copy()

    def fingerprint(self) -> str:
        """Return the key that equal functions share, 32 hexadecimal digits."""
        from actsearch.expressions.fingerprint import fingerprint

        return fingerprint(self)

    def check(self, max_size: int | None = None, *, slopes: bool = True) -> str | None:
        """Return why it is not worth training, or None where it is."""
        from actsearch.expressions.checks import check

        return check(self, max_size=max_size, slopes=slopes)

    def analyze(self) -> Analysis:
        """Return its properties: range, limits, zeros, kinks, saturation and more."""
        from actsearch.expressions.analysis import analyze

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
            n_channels: For parameters of one value a channel; None for one a layer.

        Raises:
            BadInput: There are no channels.
        """
        from actsearch import kernels

        return kernels.module(self, backend, n_channels)


def parse(text: str) -> Expression:
    """Read a formula such as ``x*tanh(softplus(x))``.

    Raises:
        FormulaError: It is not a formula; the message points at the column.
    """
    return Expression(parse_tree(text))
