"""The base operations that rows are written in, with their NumPy functions.

A leaf: the lowering folds constants with them, the fingerprint evaluates on them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def _cast(condition: Any, like: Any) -> Any:
    return np.asarray(condition).astype(np.result_type(like))


def _special(name: str) -> Callable[..., Any]:
    """Return a function of ``scipy.special``; its import waits, as who only reads needs none."""

    @functools.cache
    def function() -> Callable[..., Any]:
        import scipy.special

        return getattr(scipy.special, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        return function()(*args, **kwargs)

    call.__name__ = name
    return call


#: Each base operation as a NumPy function. ``cast`` turns a comparison into 0 and 1 of its second
#: operand's type.
NUMPY_OPS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "lt": np.less,
    "gt": np.greater,
    "eq": np.equal,
    "where": np.where,
    "cast": _cast,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "sigmoid": _special("expit"),
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "erfcx": _special("erfcx"),
    "i0e": _special("i0e"),
    "i1e": _special("i1e"),
}
