"""The C text of kernels: one loop for the value, one for the gradients of all arguments.

Every kernel is a *body*, a loop over a stretch of elements. What is common to all (splitting the
work, threads, sums) is in ``driver.c`` and written once a file. A body runs over a multiple of
64 elements, so that each goes through the same vector instructions wherever it lies: a value
depends on its input alone, and not on the batch, the number of threads or the memory's alignment.
(Rows with parameters of their own run over their length: there the last bit may depend on it.)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources

from actsearch.expressions import Expression
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import C, lines
from actsearch.expressions.lowering import lower
from actsearch.kernels.eager import slope

#: More operations than this in one function keep a compiler busy for minutes.
MAX_INSTRUCTIONS = 4000


class TooLarge(Exception):
    """The expression is longer than a C compiler can be expected to take."""


def file_source(kernels: Sequence[str], real: str) -> str:
    """Return one C file of kernels, as ``kernel_source`` gives them, in ``float`` or ``double``."""
    return "\n".join([prelude(real), _driver(), *kernels])


def kernel_source(name: str, expression: Expression) -> str:
    """Return the bodies of one expression: ``name_value``, ``name_gradients``.

    With parameters there are two of each; those that end in ``_channels`` read the parameters from
    arrays, one value an element.

    Raises:
        TooLarge: The expression is beyond what compilers take.
    """
    arguments = (*expression.inputs, *expression.parameters)
    value = lower([expression.root], arguments, whole=C.whole)
    slopes = [slope(expression, wrt).root for wrt in arguments]
    gradients = lower(slopes, arguments, whole=C.whole)
    if max(len(value.instructions), len(gradients.instructions)) > MAX_INSTRUCTIONS:
        raise TooLarge(f"more than {MAX_INSTRUCTIONS} operations")
    value_lines = lines(value, C, result="y0")
    slope_lines = lines(gradients, C, result="d" if len(arguments) > 1 else "d0")
    text = []
    for channels in (False, True) if expression.parameters else (False,):
        suffix = "_channels" if channels else ""
        text.append(_value(f"{name}_value{suffix}", expression, value_lines, channels))
        text.append(_gradients(f"{name}_gradients{suffix}", expression, slope_lines, channels))
    return "\n".join(text)


def _value(name: str, expression: Expression, body: Sequence[str], channels: bool) -> str:
    declared, read = _arguments(expression, channels)
    return _loop(
        name,
        [*declared, "REAL *restrict out0 = a->out[0];", "(void)sums;"],
        "",
        [*read, "REAL y0;", *body, "out0[i] = y0;"],
        [],
    )


def _gradients(name: str, expression: Expression, body: Sequence[str], channels: bool) -> str:
    declared, read = _arguments(expression, channels)
    n_inputs, n_parameters = len(expression.inputs), len(expression.parameters)
    declared.append("const REAL *restrict gradient = a->gradient;")
    declared += [f"REAL *restrict out{k} = a->out[{k}];" for k in range(n_inputs)]
    results = ", ".join(f"d{k}" for k in range(n_inputs + n_parameters))
    steps = [*read, "const REAL g = gradient[i];", f"REAL {results};", *body]
    steps += [f"out{k}[i] = g * d{k};" for k in range(n_inputs)]
    sums = [f"s{k}" for k in range(n_parameters)]
    terms = [f"g * d{n_inputs + k}" for k in range(n_parameters)]
    if channels:
        declared += [f"double *restrict s{k} = sums + {k} * a->step;" for k in range(n_parameters)]
        steps += [f"{s}[i] += {term};" for s, term in zip(sums, terms, strict=True)]
        return _loop(name, declared, "", steps, [])
    declared += [f"REAL {s} = 0;" for s in sums] + ["(void)sums;"]
    steps += [f"{s} += {term};" for s, term in zip(sums, terms, strict=True)]
    reduction = f" reduction(+ : {', '.join(sums)})" if sums else ""
    return _loop(
        name, declared, reduction, steps, [f"sums[{k}] += s{k};" for k in range(len(sums))]
    )


def _arguments(expression: Expression, channels: bool) -> tuple[list[str], list[str]]:
    """Return what comes before the loop and what comes first inside it."""
    declared = [
        f"const REAL *restrict {name}_in = a->in[{k}];" for k, name in enumerate(expression.inputs)
    ]
    read = [f"const REAL {name} = {name}_in[i];" for name in expression.inputs]
    for k, name in enumerate(expression.parameters):
        if channels:
            declared.append(f"const REAL *restrict {name}_in = a->parameters + {k} * a->step;")
            read.append(f"const REAL {name} = {name}_in[i];")
        else:
            declared.append(f"const REAL {name} = a->parameters[{k} * a->step];")
    return declared, read


def _loop(
    name: str, before: Sequence[str], reduction: str, inside: Sequence[str], after: Sequence[str]
) -> str:
    pad, deep = "\n    ", "\n        "
    return (
        f"void {name}(const act_arguments *a, long n, double *sums)\n{{{pad}"
        f'{pad.join(before)}{pad}_Pragma("omp simd{reduction}")'
        f"{pad}for (long i = 0; i < n; ++i) {{{deep}{deep.join(inside)}{pad}}}"
        f"{''.join(pad + line for line in after)}\n}}\n"
    )


@functools.cache
def _driver() -> str:
    return resources.files(__package__).joinpath("driver.c").read_text(encoding="utf-8")
