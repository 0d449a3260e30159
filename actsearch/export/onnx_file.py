"""Write a function as ONNX models of standard operators, with a Python file that tests them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actsearch.export import python_text
from actsearch.export.activation import Activation
from actsearch.export.onnx_graph import IR_VERSION, ONNX, ONNX_DOUBLE, OPSET, Nodes
from actsearch.export.plain_facts import plain_facts
from actsearch.export.text import template
from actsearch.expressions.dialects import Dialect
from actsearch.expressions.lowering import Program

if TYPE_CHECKING:
    import onnx

#: The domain of the functions.
DOMAIN = "actsearch"
_FURTHER = {"u": "second projection (the input u)", "o": "overlap (the input o)"}

_USES = """\
Standard operators of opset {opset}. Needs onnx; with onnxruntime installed it is computed and
tested with that, too. Test it by running it.

{name}.onnx is a model, float32 of any shape: x -> y. {name}_derivative.onnx is the derivative by x.
The number of axes is left open; where a tool (onnx.checker among them) has to know it,
with_axes(load("{name}.onnx"), 4) is the model with 4.

{name}_function.onnx calls the function actsearch.{name}, which graphs of other models may take over
with onnx.compose: of float16, bfloat16 and float32, computed in float32 and rounded once. The
function actsearch.{name}_double computes in float64; {name}_derivative and {name}_derivative_double
are the derivatives by x."""
_PARAMETERS = """

Parameters are initialisers of the models, where they start; of the functions they are inputs behind
x, in a shape that goes with x's."""
_PER_CHANNEL = """ In the models each is a list of one value a channel, along axis 1; a list of one
value is for all of them."""

_IMPORTS = """\
import functools
import math
from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

try:
    import onnxruntime
except ImportError:
    onnxruntime = None"""


def onnx_lacks(activation: Activation) -> str | None:
    """Return what of an activation ONNX has no way to express: it is a function of one input."""
    return next((_FURTHER[name] for name in activation.inputs if name in _FURTHER), None)


def onnx_files(activation: Activation) -> dict[str, str | bytes]:
    """Return the files ``NAME_onnx.py`` and the models that it loads and tests."""
    name = activation.name
    return {
        f"{name}_onnx.py": _source(activation),
        f"{name}.onnx": onnx_model(activation, "").SerializeToString(deterministic=True),
        f"{name}_derivative.onnx": onnx_model(activation, "x").SerializeToString(
            deterministic=True
        ),
        f"{name}_function.onnx": _functions(activation).SerializeToString(deterministic=True),
    }


def _program(activation: Activation, wrt: str, dialect: Dialect = ONNX) -> Program:
    """Return the value, or a derivative, as operations that ONNX has."""
    programs = activation.programs
    return programs.derivative_program(dialect, (wrt,)) if wrt else programs.value_program(dialect)


def onnx_model(activation: Activation, wrt: str) -> onnx.ModelProto:
    """Return a model of the value, or of the derivative with respect to an argument."""
    import onnx

    element = onnx.TensorProto.FLOAT
    nodes = Nodes(element)
    arguments = list(activation.arguments)
    if activation.expression.per_channel:
        arguments = ["x", *_along_channels(nodes, list(activation.parameters))]
    nodes.program(_program(activation, wrt), arguments, "y")
    dims = [1] if activation.expression.per_channel else []
    starts = [
        onnx.helper.make_tensor(name, element, dims, [start])
        for name, start in activation.parameters.items()
    ]
    return _checked(activation, nodes.list, starts)


def _along_channels(nodes: Nodes, parameters: Sequence[str]) -> list[str]:
    """Return parameters in the shape (1, n_channels, 1, ...), with as many axes as x has."""
    n_axes = nodes.add("Shape", nodes.add("Shape", "x"))
    behind = nodes.add("Sub", n_axes, nodes.integers(2))
    one = nodes.add("ConstantOfShape", behind, value=_one())
    shape = nodes.add("Concat", nodes.integers(1, -1), one, axis=0)
    return [nodes.add("Reshape", name, shape) for name in parameters]


def _one() -> onnx.TensorProto:
    import onnx

    return onnx.helper.make_tensor("value", onnx.TensorProto.INT64, [1], [1])


def _functions(activation: Activation) -> onnx.ModelProto:
    """Return a model that calls a function of its own."""
    import onnx

    name, element = activation.name, onnx.TensorProto.FLOAT
    call = onnx.helper.make_node(name, list(activation.arguments), ["y"], domain=DOMAIN)
    starts = [
        onnx.helper.make_tensor(one, element, [], [start])
        for one, start in activation.parameters.items()
    ]
    ends = {"": element, "_double": onnx.TensorProto.DOUBLE}
    functions = [
        _function(activation, activation.derivative_name() if wrt else name, end, inside, wrt)
        for end, inside in ends.items()
        for wrt in ("", "x")
    ]
    return _checked(activation, [call], starts, functions)


def _function(
    activation: Activation, name: str, end: str, element: int, wrt: str
) -> onnx.FunctionProto:
    """Return a function that computes in one type, whatever it is given."""
    import onnx

    nodes = Nodes(element)
    inside = [nodes.cast(one, element) for one in activation.arguments]
    dialect = ONNX_DOUBLE if element == onnx.TensorProto.DOUBLE else ONNX
    nodes.program(_program(activation, wrt, dialect), inside, "wide")
    nodes.add("CastLike", "wide", "x", out="y")
    what = python_text.about_derivative(activation, wrt) if wrt else python_text.about(activation)
    function = onnx.helper.make_function(
        DOMAIN,
        name + end,
        list(activation.arguments),
        ["y"],
        nodes.list,
        [onnx.helper.make_opsetid("", OPSET)],
    )
    function.doc_string = what
    return function


def _checked(
    activation: Activation,
    nodes: Sequence[onnx.NodeProto],
    starts: Sequence[onnx.TensorProto],
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    """Return a model of one input and one output, as the checker of onnx passes it."""
    import onnx

    element = onnx.TensorProto.FLOAT
    x, y = (onnx.helper.make_tensor_value_info(one, element, None) for one in "xy")
    graph = onnx.helper.make_graph(list(nodes), activation.name, [x], [y], list(starts))
    domains = [onnx.helper.make_opsetid("", OPSET)]
    domains += [onnx.helper.make_opsetid(DOMAIN, 1)] * bool(functions)
    model = onnx.helper.make_model(
        graph,
        functions=list(functions),
        opset_imports=domains,
        producer_name="actsearch",
        doc_string=f"Opset {OPSET}.\n\n{plain_facts(activation)}",
        ir_version=IR_VERSION,
    )
    said = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in activation.metadata.items()
    }
    onnx.helper.set_model_props(model, said)
    _check(model)
    return model


def _check(model: onnx.ModelProto) -> None:
    """Check a model; its checker wants to know how many axes x has, which is left open here."""
    import onnx

    ranked = onnx.ModelProto()
    ranked.CopyFrom(model)
    for value in (*ranked.graph.input, *ranked.graph.output):
        value.type.tensor_type.shape.dim.add().dim_param = "n"
        value.type.tensor_type.shape.dim.add().dim_param = "c"
    onnx.checker.check_model(ranked)


def _source(activation: Activation) -> str:
    name = activation.name
    uses = _USES.format(name=name, opset=OPSET)
    if activation.parameters:
        uses += _PARAMETERS + (_PER_CHANNEL if activation.expression.per_channel else "")
    texts = {
        "name": name,
        "derivative": activation.derivative_name(),
        "starts": repr(list(activation.parameters.values())),
        "shapes": "((0, 3), (5, 3), (2, 3, 4, 5))"
        if activation.expression.per_channel
        else "((), (0,), (3,), (2, 3, 4, 5))",
    }
    parts = [
        python_text.docstring(activation, uses),
        _IMPORTS,
        python_text.constants(activation),
        template("onnx_support.txt").substitute(texts),
        python_text.expected(activation),
        template("onnx_test.txt").substitute(texts),
        python_text.main(activation),
    ]
    return python_text.joined(parts)
