"""What a formula costs to compute, as a number that never changes: a model, not a measurement.

What has to be the same in every process and on every machine (which parents a birth has) goes by
this; what a person is shown is measured, by ``kernels.cost.measured_cost``. The model is a sum over
the base operations of the programs that the C backend is given, value and gradients, with a table
of nanoseconds that ``benchmarks/cost_model.py`` fitted.
"""

from __future__ import annotations

import functools
import math
from collections import Counter

from actsearch.expressions.dialects import C
from actsearch.expressions.expression import Expression, parse
from actsearch.expressions.lowering import lower

#: What a kernel costs that computes nothing: reading and writing.
BASE = "base"

#: Nanoseconds an element of each base operation, in the mean over random formulas; fitted by
#: ``python -m benchmarks.cost_model`` on an x86-64 machine (AMD EPYC), gcc, one thread.
NS: dict[str, float] = {
    BASE: 0.506,
    "add": 0.009,
    "asinh": 0.52,
    "atan": 0.275,
    "div": 0.013,
    "erf": 0.483,
    "erfc": 0.821,
    "exp": 0.224,
    "expm1": 0.244,
    "half_gauss": 0.002,
    "i0e": 0.68,
    "log": 0.216,
    "log1p": 0.438,
    "lt": 0.002,
    "maximum": 0.023,
    "mul": 0.01,
    "neg": 0.002,
    "normal_tail": 0.381,
    "pow": 1.642,
    "sigmoid": 0.272,
    "sin": 0.216,
    "sinh": 0.281,
    "sqrt": 0.032,
    "tanh": 0.191,
}

#: For an operation that the table does not have.
OTHER_NS = 1.0


def operation_counts(expression: Expression) -> Counter[str]:
    """Return how often each base operation occurs in the programs of value and gradients.

    A minimum or maximum costs the same and counts as one kind; so do the comparisons. ``base``
    counts one for each input besides ``x`` and for ``x``.
    """
    arguments = (*expression.inputs, *expression.parameters)
    slopes = [expression.derivative(wrt).root for wrt in arguments]
    counts = Counter({BASE: len(expression.inputs)})
    for nodes in ([expression.root], slopes):
        program = lower(nodes, arguments, whole=C.whole)
        counts.update(_kind(i.op) for i in program.instructions if i.op != "input")
    return counts


def modelled_cost(expression: Expression) -> float:
    """Return the modelled cost of an activation, forward and backward together.

    Returns:
        Nanoseconds an element; the same number in every process and on every machine.
    """
    return _modelled(str(expression.bare()))


@functools.lru_cache(maxsize=16_384)
def _modelled(formula: str) -> float:
    counts = operation_counts(parse(formula))
    terms = (n * NS.get(op, OTHER_NS) for op, n in counts.items())
    return round(math.fsum(terms), 4)


#: Operations that cost about the same, and are too rare to be told apart by a fit.
_KINDS: dict[str, str] = {
    "sub": "add",
    "minimum": "maximum",
    "gt": "lt",
    "eq": "lt",
    "cast": "lt",
    "where": "lt",
    "sign": "lt",
    "abs": "neg",
    "cos": "sin",
    "cosh": "sinh",
    "erfcx": "erfc",
    "i1e": "i0e",
}


def _kind(op: str) -> str:
    return _KINDS.get(op, op)
