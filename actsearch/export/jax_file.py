"""Write an activation for JAX: a function with its exact derivatives, and a Flax module.

The derivatives are custom rules, the second ones too: differentiating the lines of the first would
be wrong where they choose between forms, at 0 above all.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

from actsearch.export import python_text, rewrites
from actsearch.export.activation import Activation
from actsearch.export.text import indented, template
from actsearch.expressions.dialects import COMMON, NON_FINITE, Dialect

_NAMES = {"asinh": "arcsinh", "atan": "arctan", "pow": "power"}
_SAME = "abs sign sqrt exp expm1 log log1p sin cos tanh asinh atan".split()
_OPS = (
    COMMON
    | {op: f"jnp.{_NAMES.get(op, op)}({{0}})" for op in _SAME}
    | {op: f"jnp.{_NAMES.get(op, op)}({{0}}, {{1}})" for op in ("maximum", "minimum", "pow")}
    | {op: f"jax.scipy.special.{op}({{0}})" for op in ("erf", "i0e", "i1e")}
    | {
        "sigmoid": "jax.nn.sigmoid({0})",
        "where": "jnp.where({0}, {1}, {2})",
        "cast": "{0}.astype({1}.dtype)",
        rewrites.COARSE: "jax.lax.reduce_precision({0}, 11, 11)",
    }
)

#: XLA's erfc and sinh lose up to 250 and 12 units of the last digit.
JAX = Dialect(
    ops=_OPS,
    non_finite=NON_FINITE,
    constant="jnp.full_like({0}, {1})",
    whole=frozenset({rewrites.COARSE}),
    rewrites={
        **rewrites.GAUSSIAN,
        "sinh": rewrites.SINH,
    },
)

_USES = """\
Needs JAX alone; with Flax installed there is a module, too. Test it by running it.

It works under jit, vmap, grad, jacfwd and hessian: first and second derivatives are the exact ones.
Half precision is computed in float32 and rounded once.

What it was trained with: jax.nn.initializers.variance_scaling(GAIN**2, "fan_in", "normal") for the
weights of the layer before it."""
_KIND, _RESULT = "jax.typing.ArrayLike", "jax.Array"

#: Longer second derivatives would be most of a file: JAX makes them out of the lines of the first.
_MOST_LINES = 300
_IMPORTS = """\
import contextlib
import math

import jax
import jax.numpy as jnp

try:
    from flax import linen as _linen
except ImportError:
    _linen = None"""


def jax_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME_jax.py``."""
    second = _second_derivatives(activation)
    parts = [
        python_text.docstring(activation, _USES if activation.gain else _without_gain()),
        _IMPORTS,
        python_text.constants(activation),
        template("jax_support.txt").substitute(n_inputs=len(activation.inputs)),
        *second,
        *_first_derivatives(activation, has_second=bool(second)),
        *_function(activation),
        _module(activation),
        python_text.expected(activation),
        _tests(activation),
        python_text.main(activation),
    ]
    return {f"{activation.name}_jax.py": python_text.joined(parts)}


def _without_gain() -> str:
    return _USES.rpartition("\n\n")[0]


def _second(activation: Activation, first: str, second: str) -> str:
    places = sorted((first, second), key=activation.arguments.index)
    return "_second_" + "_".join(places)


def _second_derivatives(activation: Activation) -> list[str]:
    """Return a function on wide arrays for each pair of arguments; none if they are too long."""
    arguments = ", ".join(activation.arguments)
    parts, n_lines = [], 0
    for first, second in combinations_with_replacement(activation.arguments, 2):
        derivative = activation.derivatives[first].derivative(second)
        body = JAX.body([derivative.root], activation.arguments, result="y")
        head = f"def {_second(activation, first, second)}({arguments}):"
        parts.append("\n".join([head, indented([*body, "return y"])]))
        n_lines += len(body)
    return parts if n_lines <= _MOST_LINES else []


def _first_derivatives(activation: Activation, *, has_second: bool) -> list[str]:
    """Return a function on wide arrays for each argument, with its own derivatives as a rule."""
    arguments = ", ".join(activation.arguments)
    parts = []
    for wrt in activation.arguments:
        name = f"_slope_{wrt}"
        body = indented([*activation.programs.derivative_lines(JAX, [wrt]), "return y"])
        curves = python_text.tuple_of(
            _second(activation, wrt, other) for other in activation.arguments
        )
        text = f"def {name}({arguments}):\n{body}"
        parts += [text] if not has_second else [f"@jax.custom_jvp\n{text}", _rule(name, curves)]
    listed = python_text.tuple_of(f"_slope_{wrt}" for wrt in activation.arguments)
    return [*parts, f"_SLOPES = ({listed})"]


def _rule(name: str, slopes: str) -> str:
    """Return the rule of derivatives of a function, and its registration."""
    return (
        f"def _jvp_of_{name.strip('_')}(primals, tangents):\n"
        f"    return {name}(*primals), _tangent(({slopes}), primals, tangents)\n\n\n"
        f"{name}.defjvp(_jvp_of_{name.strip('_')}, symbolic_zeros=True)"
    )


def _function(activation: Activation) -> list[str]:
    name, listed = activation.name, ", ".join(activation.arguments)
    signature = python_text.signature(activation, _KIND)
    body = indented([*activation.programs.value_lines(JAX), "return y"])
    parts = [
        f"def _value({listed}):\n{body}",
        python_text.function(
            name,
            signature,
            [f"return _computed(_value, {listed})"],
            python_text.about(activation),
            returns=_RESULT,
            decorators=["@jax.custom_jvp"],
        ),
        _rule(name, python_text.tuple_of(f"_slope_{wrt}" for wrt in activation.arguments)),
    ]
    for wrt in activation.arguments:
        parts.append(
            python_text.function(
                activation.derivative_name(wrt),
                signature,
                [f"return _computed(_slope_{wrt}, {listed})"],
                python_text.about_derivative(activation, wrt),
                returns=_RESULT,
            )
        )
    return parts


def _module(activation: Activation) -> str:
    expression, inputs = activation.expression, ", ".join(activation.inputs)
    more = ""
    if activation.parameters:
        each = "Each channel (the last axis)" if expression.per_channel else "Each module"
        more = f" {each} has parameters of its own."
    what = python_text.quoted(f"{expression} as a Flax module.{more}", levels=2)
    form = "x.shape[-1:]" if expression.per_channel else "()"
    learned = [
        f'{name} = self.param("{name}", _linen.initializers.constant({start!r}), {form}, '
        "self.param_dtype)"
        for name, start in activation.parameters.items()
    ]
    field = "\n        param_dtype: object = jnp.float32\n" if learned else ""
    call = f"return {activation.name}({', '.join(activation.arguments)})"
    return f"""\
if _linen is not None:

    class {activation.class_name}(_linen.Module):
{what}
{field}
        @_linen.compact
        def __call__(self, {inputs}):
{indented([*learned, call], 3)}"""


def _tests(activation: Activation) -> str:
    places = {
        "name": activation.name,
        "class_name": activation.class_name,
        "n_inputs": len(activation.inputs),
        "derivatives": python_text.tuple_of(map(activation.derivative_name, activation.inputs)),
        "form": "arrays[0].shape[-1:]" if activation.expression.per_channel else "()",
    }
    return "\n\n".join(
        template(text).substitute(places) for text in ("jax_test.txt", "jax_flax_test.txt")
    )
