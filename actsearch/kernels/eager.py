"""The eager backend: straight-line torch code for a formula and for its derivatives.

The text is generated from the validated tree, one assignment an operation, and compiled once. No
name in it comes from a user: variables are x, u, o, p0 ..., temporaries t1, t2 ... .
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.expressions.dialects import lines
from actsearch.expressions.lowering import lower

#: Takes tensors, gives a tensor.
Function = Callable[..., torch.Tensor]


def source(expression: Expression, arguments: tuple[str, ...], name: str) -> str:
    """Return a Python function that computes an expression from tensors ``arguments``."""
    body = lines(lower([expression.root], arguments), "torch", result="y")
    return "\n".join([f"def {name}({', '.join(arguments)}):", *(f"    {line}" for line in body),
                      "    return y", ""])  # fmt: skip


@functools.lru_cache(maxsize=4096)
def function(expression: Expression, arguments: tuple[str, ...]) -> Function:
    """Compile an expression to a plain torch function, differentiable by autograd's own rules."""
    namespace: dict[str, Any] = {"torch": torch, "math": math}
    text = source(expression, arguments, "f")
    exec(compile(text, f"<actsearch {str(expression)[:60]}>", "exec"), namespace)  # noqa: S102 - text of our own making
    compiled: Function = namespace["f"]
    return compiled
