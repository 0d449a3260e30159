"""Write an activation for Keras 3: a serialisable function, and a layer of learnable parameters.

It is written in ``keras.ops`` alone. It is tested with the backends torch and JAX; that of
TensorFlow is untested, and that of NumPy computes in float32 what is given in float64.
"""

from __future__ import annotations

from actsearch.export import python_text, rewrites
from actsearch.export.activation import Activation
from actsearch.export.text import indented, template
from actsearch.expressions.dialects import COMMON, NON_FINITE, Dialect

_NAMES = {"asinh": "arcsinh", "atan": "arctan"}
_SAME = "abs sign sqrt exp expm1 log log1p sin cos tanh asinh atan erf sigmoid".split()
_OPS = (
    COMMON
    | {op: f"_ops.{_NAMES.get(op, op)}({{0}})" for op in _SAME}
    | {
        "maximum": "_chosen(_ops.greater, {0}, {1})",
        "minimum": "_chosen(_ops.less, {0}, {1})",
        "pow": "_ops.power(*_alike({0}, {1}))",
        "where": "_ops.where({0}, *_alike({1}, {2}))",
        "cast": "_ops.cast({0}, {1}.dtype)",
        rewrites.COARSE: "_coarse({0})",
    }
)

#: Without an erfc of its own; JAX's sinh, behind it, loses 12 units of the last digit.
KERAS = Dialect(
    ops=_OPS,
    non_finite=NON_FINITE,
    constant="_ops.full_like({0}, {1})",
    whole=frozenset({rewrites.COARSE}),
    rewrites={
        **rewrites.GAUSSIAN,
        "sinh": rewrites.SINH,
    },
)

#: What some formulas need beside Keras' own functions, by how it is called.
_HELPERS = {
    "_alike(": '''\
def _alike(first, second):
    """Return both as tensors; Keras would compute float64 in float32 beside a number."""
    if isinstance(first, float):
        first = _ops.convert_to_tensor(first, second.dtype)
    if isinstance(second, float):
        second = _ops.convert_to_tensor(second, first.dtype)
    return first, second''',
    "_chosen(": '''\
def _chosen(compared, first, second):
    """Return the first where it compares so, or is NaN, else the second.

    Keras' own maximum and minimum compute float64 in float32 with some backends.
    """
    first, second = _alike(first, second)
    wanted = _ops.logical_or(compared(first, second), _ops.isnan(first))
    return _ops.where(wanted, first, second)''',
    "_coarse(": '''\
def _coarse(x):
    """Return numbers without all but their first 12 binary digits (Dekker 1971)."""
    is_double = keras.backend.standardize_dtype(x.dtype) == "float64"
    scaled = x * (2.0**41 + 1 if is_double else 2.0**12 + 1)
    return scaled - (scaled - x)''',
}

_IMPORTS = """\
import contextlib
import math
import os
import tempfile
import warnings

import keras
from keras import ops as _ops"""

_USES = """\
Needs Keras 3 alone, with the backend torch or JAX; TensorFlow's is untested, and NumPy's computes
in float32 whatever it is given. Test it by running it.

As an activation it goes into any layer, activation={name}, and models with it are saved and loaded,
once this file is imported.{layer} With the backends JAX and torch the gradient is the derivative
below, others differentiate the lines of the value. Half precision is computed in float32 and
rounded once."""
_LAYER = " The layer {name} learns the parameters."
_GAIN = """

What it was trained with, for the weights of the layer before it:
keras.initializers.VarianceScaling(GAIN**2, "fan_in", "untruncated_normal")."""

_BESSEL = ("i0e", "i1e")
_INPUTS = {"u": "input u (a second projection)", "o": "input o (an overlap)"}


def keras_lacks(activation: Activation) -> str | None:
    """Return what of an activation Keras has no way to express, or None."""
    if activation.inputs[1:]:
        return _INPUTS[activation.inputs[1]]
    lacking = activation.programs.lacking(KERAS)
    if not lacking:
        return None
    return f"{lacking[0]} (a Bessel function)" if lacking[0] in _BESSEL else lacking[0]


def keras_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME_keras.py``."""
    layer = _LAYER.format(name=activation.class_name) if activation.parameters else ""
    uses = _USES.format(name=activation.name, layer=layer)
    uses += _GAIN if activation.gain is not None else ""
    lines = _lines(activation)
    parts = [
        python_text.docstring(activation, uses),
        _IMPORTS,
        python_text.constants(activation),
        *_helpers(lines),
        *lines,
        template("keras_support.txt").substitute(),
        *_functions(activation),
        _layer(activation) if activation.parameters else "",
        python_text.expected(activation),
        _tests(activation),
        python_text.main(activation),
    ]
    return {f"{activation.name}_keras.py": python_text.joined(parts)}


def _helpers(lines: list[str]) -> list[str]:
    """Return the helpers that lines call, and those that these call."""
    called: list[str] = []
    for call, text in reversed(_HELPERS.items()):
        if any(call in line for line in (*lines, *called)):
            called.insert(0, text)
    return called


def _lines(activation: Activation) -> list[str]:
    """Return functions on wide tensors: the value, and the derivative by each argument."""
    programs, listed = activation.programs, ", ".join(activation.arguments)
    rows = [("_value", programs.value_lines(KERAS))]
    for wrt in activation.arguments:
        rows.append((f"_slope_{wrt}", programs.derivative_lines(KERAS, [wrt])))
    slopes = python_text.tuple_of(f"_slope_{wrt}" for wrt in activation.arguments)
    return [
        *(f"def {name}({listed}):\n{indented([*body, 'return y'])}" for name, body in rows),
        f"_SLOPES = ({slopes})",
    ]


def _functions(activation: Activation) -> list[str]:
    name, listed = activation.name, ", ".join(activation.arguments)
    signature = python_text.signature(activation)
    parameters = python_text.tuple_of(activation.parameters)
    # A layer is saved by what it is, plain operations of a model one by one.
    symbolic = f"_plain(_value, {listed})" if parameters else f"keras.layers.Activation({name})(x)"
    exact = f"_exact(x, *(_like(p, _widened(x)[0]) for p in ({parameters})))"
    body = [
        "if isinstance(x, keras.KerasTensor):",
        f"    return {symbolic}",
        "x = _ops.convert_to_tensor(x)",
        "if _exact is None:",
        f"    return _plain(_value, {listed})",
        f"return {exact if parameters else '_exact(x)'}",
    ]
    register = '@keras.saving.register_keras_serializable(package="actsearch")'
    parts = [
        python_text.function(
            name, signature, body, python_text.about(activation), decorators=[register]
        )
    ]
    for wrt in activation.arguments:
        parts.append(
            python_text.function(
                activation.derivative_name(wrt),
                signature,
                [f"return _plain(_slope_{wrt}, _ops.convert_to_tensor(x){listed[1:]})"],
                python_text.about_derivative(activation, wrt),
            )
        )
    return parts


def _layer(activation: Activation) -> str:
    """Return the layer; parameters of channels lie along an axis, the last if nothing is said."""
    expression, channels = activation.expression, activation.expression.per_channel
    each = "Each channel, along ``axis``," if channels else "Each layer"
    what = f"{expression} as a layer. {each} has parameters of its own."
    form = "(input_shape[self.axis],)" if channels else "()"
    weights = [
        f"self.{name} = self.add_weight({form}, keras.initializers.Constant({start!r}), "
        f'name="{name}", autocast=False)'
        for name, start in activation.parameters.items()
    ]
    given = [
        f"_ops.reshape(self.{name}, form)" if channels else f"self.{name}"
        for name in activation.parameters
    ]
    call = [f"return {activation.name}({', '.join(['x', *given])})"]
    if channels:
        call = ["form = [1] * len(x.shape)", "form[self.axis] = -1", *call]
    methods = [
        (
            "__init__(self, *, axis=-1, **kwargs)",
            ["super().__init__(**kwargs)", "self.axis = axis"],
        ),
        ("build(self, input_shape)", [*weights, "self.built = True"]),
        ("call(self, x)", call),
        ("compute_output_shape(self, input_shape)", ["return input_shape"]),
        ("get_config(self)", ['return {**super().get_config(), "axis": self.axis}']),
    ]
    if not channels:
        methods = methods[1:-1]
    return "\n".join(
        [
            '@keras.saving.register_keras_serializable(package="actsearch")',
            f"class {activation.class_name}(keras.layers.Layer):",
            python_text.quoted(what),
            *(f"\n    def {head}:\n{indented(body, 2)}" for head, body in methods),
        ]
    )


def _tests(activation: Activation) -> str:
    name = activation.class_name
    places = {
        "name": activation.name,
        "name_derivative": activation.derivative_name(),
        "class_name": name,
        "last": f"{name}()(hidden)" if activation.parameters else f"{activation.name}(hidden)",
        "form": "(3,)" if activation.expression.per_channel else "()",
    }
    names = ["keras_test.txt", *(["keras_layer_test.txt"] if activation.parameters else [])]
    return "\n\n".join(template(text).substitute(places) for text in names)
