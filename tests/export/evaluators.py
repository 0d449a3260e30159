"""Exported files as functions: one row a target, and what they are held against."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from actsearch.export import Activation, export
from tests.export.loading import load

# Before either library is imported, which the exported files do.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "torch")

Columns = Sequence[Sequence[float]]
#: Of a format and one list an argument: the values, and the derivative by each input.
Compute = Callable[[str, Columns], list[list[float]]]


#: Arguments, which output, what came, what is true.
Miss = tuple[tuple[float, ...], int, float, float]


@dataclass(frozen=True)
class Evaluated:
    """A target, how its files are made a function, and in which formats it is looked at."""

    target: str
    prepare: Callable[[Activation, Path], Compute]
    forms: tuple[str, ...]


def exported(activation: Activation, target: str, folder: Path) -> ModuleType:
    """Import the Python file of a target."""
    ((name, text),) = export(activation, [target]).items()
    assert isinstance(text, str)
    return load(text, folder, name.removesuffix(".py"))


def _functions(activation: Activation, module: ModuleType) -> list[Callable[..., Any]]:
    names = [activation.name, *map(activation.derivative_name, activation.inputs)]
    return [getattr(module, name) for name in names]


def _numpy(activation: Activation, folder: Path) -> Compute:
    functions = _functions(activation, exported(activation, "numpy", folder))

    def compute(form: str, columns: Columns) -> list[list[float]]:
        arrays = [np.array(column, form) for column in columns]
        return [one(*arrays).astype(np.float64).tolist() for one in functions]

    return compute


def _torch(activation: Activation, folder: Path) -> Compute:
    import torch

    functions = _functions(activation, exported(activation, "torch", folder))

    def compute(form: str, columns: Columns) -> list[list[float]]:
        tensors = [torch.tensor(column, dtype=getattr(torch, form)) for column in columns]
        return [one(*tensors).double().tolist() for one in functions]

    return compute


def _jax(activation: Activation, folder: Path) -> Compute:
    import jax
    import jax.numpy as jnp

    functions = _functions(activation, exported(activation, "jax", folder))

    def compute(form: str, columns: Columns) -> list[list[float]]:
        jax.config.update("jax_enable_x64", form == "float64")
        try:
            arrays = [jnp.asarray(column, form) for column in columns]
            return [[float(number) for number in one(*arrays).tolist()] for one in functions]
        finally:
            jax.config.update("jax_enable_x64", False)

    return compute


def _keras(activation: Activation, folder: Path) -> Compute:
    from keras import ops

    functions = _functions(activation, exported(activation, "keras", folder))

    def compute(form: str, columns: Columns) -> list[list[float]]:
        tensors = [ops.convert_to_tensor(column, form) for column in columns]
        return [ops.cast(one(*tensors), "float64").tolist() for one in functions]

    return compute


EVALUATED = {
    row.target: row
    for row in (
        Evaluated("torch", _torch, ("float64", "float32", "float16", "bfloat16")),
        Evaluated("numpy", _numpy, ("float64", "float32", "float16")),
        Evaluated("jax", _jax, ("float64", "float32", "bfloat16")),
        Evaluated("keras", _keras, ("float64", "float32")),
    )
}

#: Digits, smallest normal and largest number, and the unit of rounding that is computed with.
_FORMATS = {
    "float64": (53, 2.0**-1022, float(np.finfo(np.float64).max), 2.0**-52),
    "float32": (24, 2.0**-126, float(np.finfo(np.float32).max), 2.0**-23),
    "float16": (11, 2.0**-14, 65504.0, 2.0**-23),
    "bfloat16": (8, 2.0**-126, (2.0 - 2.0**-7) * 2.0**127, 2.0**-23),
}


def misses(activation: Activation, compute: Compute, form: str) -> list[Miss]:
    """Return where a target disagrees with the true values and derivatives."""
    digits, least, most, eps = _FORMATS[form]
    points = activation.points
    given = points.common + (points.wide if form == "float64" else ())
    kept = [
        point
        for point in given
        if all(
            least <= abs(x) <= most and math.ldexp(math.frexp(x)[0], digits).is_integer()
            for x in point.arguments
        )
    ]
    if not kept:
        return []
    # Always as many: JAX compiles every operation for every shape.
    padded = kept + kept[:1] * (32 - len(kept))
    results = compute(form, list(zip(*(point.arguments for point in padded), strict=True)))
    missed = []
    assert len(results) == 1 + len(activation.inputs)
    for place, column in enumerate(results):
        assert len(column) == len(padded)
        for got, point in zip(column, kept, strict=False):
            true = (point.value, *point.slopes)[place]
            bound = eps * point.slack[place] + 2.0 ** (1 - digits) * abs(true) + least
            if abs(true) <= most and not abs(got - true) <= bound:
                missed.append((point.arguments, place, got, true))
    return missed
