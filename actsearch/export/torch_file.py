"""The target torch: one Python file that needs torch alone.

It holds the function in plain operations, its derivatives, an autograd form that saves only its
arguments (on request in C that the file carries), a module, the initialisation that it was trained
with, and a self-test. The fixed parts are the templates ``torch*.txt``; what depends on the formula
is put together here.
"""

from __future__ import annotations

from collections.abc import Iterable

from actsearch.export import python_text
from actsearch.export.activation import Activation
from actsearch.export.programs import reads
from actsearch.export.propagation import sentence
from actsearch.export.text import WIDTH, indented, literal, template
from actsearch.export.torch_native import c_source
from actsearch.expressions.dialects import TORCH, lines
from actsearch.expressions.lowering import Program

#: Elements of one piece of work of the C code.
PIECE = 8192
#: Differences say nothing of what turns within their step.
_STEEP = 1e4
#: Fewer elements are not worth a second thread.
THREADED = 32768

_USES = """\
Needs torch alone. Test it by running it (pytest collects it, too); --bench shows what it costs.

{name} is plain operations, for tracing and compilers; {name}_fused saves only its arguments for the
backward; {cls} is the module; init_ draws weights as the searches do. {elsewhere}"""
_ANYWHERE = """\
timm takes the class as act_layer=, torchvision as activation_layer=; register() names it for
Hugging Face transformers."""
_PER_CHANNEL = """\
Where a library builds activations by itself (act_layer=), it has to be told the channels of each
place: functools.partial({cls}, 64)."""
_GATED = """\
Libraries that build activations by themselves (act_layer=) call them with one tensor, and this one
takes {inputs}: two linear layers before it, as in gated units."""


_CHANNELS_DOC = """\
        n_channels: Of inputs (n, n_channels, ...); each channel has parameters of its own.
"""


def torch_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.py``."""
    return {f"{activation.name}.py": torch_source(activation)}


def torch_source(activation: Activation) -> str:
    """Return the source of a Python module that computes an activation with torch."""
    name, cls = activation.name, activation.class_name
    arguments, inputs = activation.arguments, activation.inputs
    fixed = {"name": name, "cls": cls, "args": ", ".join(arguments)}
    tensors = ", ".join(f"{one}: Tensor" for one in arguments)
    uses = _USES.format(**fixed, elsewhere=_elsewhere(activation))
    text = template("torch.py.txt").substitute(
        fixed,
        docstring=python_text.docstring(activation, uses),
        metadata=literal(activation.metadata),
        gain=repr(activation.gain),
        functions="\n\n\n".join(_functions(activation)),
        forward_mode="ForwardMode",
        tensors=tensors,
        args_tuple=_tuple(arguments),
        n_args=len(arguments),
        backward=indented(_backward(activation)),
        jvp=indented(_jvp(activation), 2),
        fused_head=_head(
            f"{name}_fused", [*_formals(activation), "*", "fused: bool | str = True"], "Tensor"
        ),
        argument_docs=_argument_docs(activation),
        as_tensors=_as_tensors(activation),
        inputs_tuple=_tuple(inputs),
        floats_tuple=_tuple(f"{one}.float()" for one in inputs),
        register=_register(activation),
        parameters_tuple=_tuple(activation.parameters),
        module=_module(activation),
        propagation=sentence(activation),
        points=python_text.expected(activation),
        native=template("torch_native.py.txt").substitute(
            fixed,
            c_source=c_source(activation, PIECE),
            piece=PIECE,
            threaded=THREADED,
            tensors=tensors,
            inputs_list=", ".join(inputs),
            parameters_list=", ".join(activation.parameters),
            n_inputs=len(inputs),
        ),
        selftest=_self_test(activation),
    )
    return text.rstrip() + "\n"


def _formals(activation: Activation) -> list[str]:
    formals = [f"{name}: Tensor" for name in activation.inputs]
    starts = activation.parameters.items()
    return [*formals, *(f"{name}: Tensor | float = {start!r}" for name, start in starts)]


def _head(name: str, formals: list[str], returns: str, indent: str = "") -> str:
    """Return the first line of a function, broken where it is too long."""
    listed = ", ".join(formals)
    head = f"{indent}def {name}({listed}) -> {returns}:"
    if len(head) <= WIDTH:
        return head
    return f"{indent}def {name}(\n{indent}    {listed}\n{indent}) -> {returns}:"


def _tuple(names: Iterable[str]) -> str:
    return f"({python_text.tuple_of(names)})"


def _elsewhere(activation: Activation) -> str:
    """Say how libraries take it that build activations by themselves."""
    if len(activation.inputs) > 1:
        return _GATED.format(inputs=", ".join(activation.inputs))
    per_channel = activation.expression.per_channel
    return _PER_CHANNEL.format(cls=activation.class_name) if per_channel else _ANYWHERE


def _register(activation: Activation) -> str:
    """Return ``register``, for what can be built with no arguments and takes one tensor."""
    if len(activation.inputs) > 1 or activation.expression.per_channel:
        return ""
    names = {"name": activation.name, "cls": activation.class_name}
    return template("torch_register.txt").substitute(names)


def _functions(activation: Activation) -> list[str]:
    """Return the plain functions: the value, then the derivative by each argument."""
    programs, inputs = activation.programs, activation.inputs
    arguments = ", ".join(_formals(activation))
    before = [
        "dtype = x.dtype",
        "if not dtype.is_floating_point:",
        f'    raise TypeError(f"{activation.name} takes floating-point tensors, got {{dtype}}")',
        "if dtype in _HALF:",
    ]
    before.append(f"    {', '.join(inputs)} = {', '.join(f'{one}.float()' for one in inputs)}")
    before += [
        f"{one} = torch.as_tensor({one}, dtype=x.dtype, device=x.device)"
        for one in activation.parameters
    ]

    def function(name: str, program: Program, what: str) -> str:
        body = [*before, *lines(program, TORCH, result="y")]
        (out,) = program.outputs
        if isinstance(out, int) and program.instructions[out].op == "input":
            body.append("y = y.clone()  # autograd wants no argument back")
        if not reads(program, inputs):  # parameters alone have no shape of their own
            body.append("y = y.expand(x.shape)")
        body.append("return y if y.dtype == dtype else y.to(dtype)")
        return python_text.function(name, arguments, body, what, returns="Tensor")

    written = [
        function(activation.name, programs.value_program(TORCH), python_text.about(activation))
    ]
    for wrt in activation.arguments:
        written.append(
            function(
                activation.derivative_name(wrt),
                programs.derivative_program(TORCH, (wrt,)),
                python_text.about_derivative(activation, wrt),
            )
        )
    return written


def _backward(activation: Activation) -> list[str]:
    listed, rows = ", ".join(activation.arguments), []
    for index, wrt in enumerate(activation.arguments):
        slope = f"{activation.derivative_name(wrt)}({listed})"
        rows += [
            f"if needed[{index}]:",
            f"    slope = gradient * {slope}",
            f"    slope = slope.sum_to_size(saved[{index}].shape)",
            f"    gradients[{index}] = slope.to(saved[{index}].dtype)",
        ]
    return rows


def _jvp(activation: Activation) -> list[str]:
    listed, rows = ", ".join(activation.arguments), []
    for index, wrt in enumerate(activation.arguments):
        rows += [
            f"if tangents[{index}] is not None:",
            f"    terms.append(tangents[{index}] * {activation.derivative_name(wrt)}({listed}))",
        ]
    return rows


def _argument_docs(activation: Activation) -> str:
    rows = [f"        {name}: Of the shape and type of x.\n" for name in activation.inputs[1:]]
    rows += [
        f"        {name}: A learnable parameter, a number or a tensor that broadcasts.\n"
        for name in activation.parameters
    ]
    return "".join(rows)


def _as_tensors(activation: Activation) -> str:
    return "".join(
        f"    {name} = torch.as_tensor({name}, dtype=wide, device=x.device)\n"
        for name in activation.parameters
    )


def _module(activation: Activation) -> str:
    """Return the module; what it takes depends on the inputs and on where parameters are shared."""
    parameters, per_channel = activation.parameters, activation.expression.per_channel
    inputs = activation.inputs
    made = "torch.full((n_channels,), {0})" if per_channel else "torch.tensor({0})"
    form = "_spread(self.{0}, x)" if per_channel else "self.{0}"
    call = ", ".join([*inputs, *map(form.format, parameters)])
    forward = [f"return {activation.name}_fused({call}, fused=self.fused)"]
    formals = ["self", "n_channels: int"] if per_channel else ["self"]
    formals += ["inplace: bool = False", "fused: bool | str = True"]
    formals += [f"{one}: float = {start!r}" for one, start in parameters.items()]
    spread = template("torch_spread.txt").substitute() + "\n\n" if per_channel else ""
    return spread + (
        template("torch_module.py.txt")
        .substitute(
            name=activation.name,
            cls=activation.class_name,
            init=_head("__init__", formals, "None", "    "),
            channels_doc=_CHANNELS_DOC if per_channel else "",
            starts_doc="".join(f"        {one}: Where it starts.\n" for one in parameters),
            parameters="".join(
                f"        self.{one} = nn.Parameter({made.format(f'float({one})')})\n"
                for one in parameters
            ),
            inputs=", ".join(f"{one}: Tensor" for one in inputs),
            forward=indented(forward, 2),
        )
        .rstrip()
    )


def _self_test(activation: Activation) -> str:
    channels = activation.expression.per_channel
    inputs, n_inputs = activation.inputs, len(activation.inputs)
    return template("torch_test.py.txt").substitute(
        name=activation.name,
        cls=activation.class_name,
        n_inputs=n_inputs,
        defined_at_zero=activation.points.at_zero is not None,
        channels="3" if channels else "",
        channels_side="side, " if channels else "",
        shapes="((0, 3), (5, 3), (2, 3, 4), (2, 3, 4, 5))"
        if channels
        else "((), (0,), (3,), (2, 3, 4, 5))",
        smooth=literal(_smooth(activation)),
        slopes=", ".join(activation.derivative_name(wrt) for wrt in inputs) + ",",
    )


def _smooth(activation: Activation) -> tuple[tuple[float, ...], ...]:
    """Return arguments of moderate points that lie apart from kinks, for finite differences."""
    kinks = (*(kink.x for kink in activation.analysis.kinks), 0.0)
    return tuple(
        point.arguments
        for point in activation.points.common
        if 0.1 < abs(point.arguments[0]) < 2
        and all(abs(point.arguments[0] - kink) > 0.01 for kink in kinks)
        and all(abs(slope) < _STEEP for slope in point.slopes)
    )
