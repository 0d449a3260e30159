"""What the plain loop of ``search_efficiency`` breeds: primitives as one writes them, and trees.

Also the known activations as such trees, to begin with, and what is no find because it is known.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Iterable
from typing import Any

import torch
from deap import gp
from torch import Tensor, nn
from torch.nn import functional as F

from actsearch.expressions import KNOWN, Node, parse
from actsearch.search.space import load_space
from actsearch.trials.saved import known_multiple

# The primitives of the default space, as one writes them: log and division protected.
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "neg": torch.neg,
    "abs": torch.abs,
    "square": torch.square,
    "sqrt_abs": lambda a: torch.sqrt(torch.abs(a)),
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log_abs": lambda a: torch.log(torch.abs(a) + 1e-6),
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "sinc": lambda a: torch.sinc(a / math.pi),
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "logsigmoid": F.logsigmoid,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "gauss": lambda a: torch.exp(-a * a),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "aq": lambda a, b: a / torch.sqrt(1 + b * b),
    "max": torch.maximum,
    "min": torch.minimum,
    "gate": lambda a, b: torch.sigmoid(a) * b,
}


@functools.cache
def primitives() -> gp.PrimitiveSet:
    """Return the primitive set; a constant reaches the torch functions as a tensor."""
    space = load_space("default")
    found = gp.PrimitiveSet("plain", 1)
    found.renameArguments(ARG0="x")
    for name in space.unary:
        found.addPrimitive(of_tensors(UNARY[name]), 1, name=name)
    for name in space.binary:
        found.addPrimitive(of_tensors(BINARY[name]), 2, name=name)
    found.addEphemeralConstant("constant", functools.partial(random.choice, space.constants.values))
    return found


def of_tensors(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(*values: Tensor | float) -> Tensor:
        return function(*(v if isinstance(v, Tensor) else torch.tensor(v) for v in values))

    return call


class Compiled(nn.Module):
    """A formula of the plain loop as an activation, by eager autograd."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.function = gp.compile(text, primitives())

    def forward(self, x: Tensor) -> Tensor:
        """Return the formula's values, in the shape of ``x``."""
        y = torch.as_tensor(self.function(x), dtype=x.dtype)
        return y if y.shape == x.shape else y.expand_as(x)  # a constant is a function, too


def tree_of(node: Node) -> list[Any] | None:
    """Write a formula in the plain primitives, in DEAP's prefix order; None if they can't."""
    pset = primitives()
    if node.value is not None:
        return [gp.Terminal(node.value, False, pset.ret)]
    if node.op not in pset.mapping or node.op == "constant":
        return None
    written = [pset.mapping[node.op]]
    for arg in node.args:
        below = tree_of(arg)
        if below is None:
            return None
        written += below
    return written


def known_trees() -> list[list[Any]]:
    """Return the known activations that the plain loop can begin with, each function once."""
    shape = load_space("default").shape
    written: dict[str, list[Any]] = {}
    for formula in KNOWN.values():
        expression = parse(formula)
        tree = tree_of(expression.root)
        if tree is None or expression.size > shape.max_nodes or expression.depth > shape.max_depth:
            continue
        written.setdefault(expression.fingerprint(), tree)
    return list(written.values())


def best_unknown(judged: Iterable[tuple[float, str]]) -> str | None:
    """Return the formula of the highest score that is no known activation, nor a multiple of one.

    This search chooses its finalists so, too (``trials.saved.finalists_of``).
    """
    ranked = sorted((one for one in judged if math.isfinite(one[0])), key=lambda one: -one[0])
    return next((text for _, text in ranked if known_multiple(text) is None), None)
