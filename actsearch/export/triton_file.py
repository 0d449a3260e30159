"""Write a function as Triton kernels: one Python file that needs torch and triton."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from actsearch.export import python_text, rewrites
from actsearch.export.activation import Activation
from actsearch.export.text import indented, template
from actsearch.expressions.dialects import COMMON, Dialect, lines
from actsearch.expressions.lowering import Instruction, Operand, Program

_NAN = "propagate_nan=tl.PropagateNan.ALL"
#: A number as a value of the type that is computed in.
_NUMBER = "number"
#: Operations in which Triton would make a float32 of a number.
_TYPED = ("where", "maximum", "minimum", "pow", rewrites.COARSE)

#: tl has few functions, and what libdevice adds can't be run without a GPU; the forms here are
#: made of those few. As ``exp`` is a fast one, no form relies on its last digits.
TRITON = Dialect(
    ops=COMMON
    | {op: f"tl.{op}({{0}})" for op in ("abs", "sqrt", "exp", "log", "sin", "cos", "erf")}
    | {
        "maximum": f"tl.maximum({{0}}, {{1}}, {_NAN})",
        "minimum": f"tl.minimum({{0}}, {{1}}, {_NAN})",
        "where": "tl.where({0}, {1}, {2})",
        "cast": "{0}.to({1}.dtype)",
        "sign": "({0} > 0).to({0}.dtype) - ({0} < 0).to({0}.dtype)",
        "pow": "_pow({0}, {1})",
        # Of a number up to 40 that leaves 12 binary digits.
        rewrites.COARSE: "tl.floor({0} * 64.0) * 0.015625",
        _NUMBER: "tl.full((), {0}, x.dtype)",
    },
    non_finite={"inf": 'float("inf")', "-inf": '-float("inf")', "nan": 'float("nan")'},
    constant="tl.full({0}.shape, {1}, {0}.dtype)",
    whole=frozenset({rewrites.COARSE}),
    rewrites={
        **rewrites.GAUSSIAN,
        **rewrites.BESSEL,
        "sinh": rewrites.SINH,
        "sigmoid": rewrites.SIGMOID,
        # (u - 1)/log(u) hardly changes with u, so errors of u = exp(a) do not matter (Kahan).
        "expm1": "u = exp(a); d = u - 1; k = d == 0; j = a > 1; w = where(k, 2.0, u); "
        "g = where(u == 0, -1.0, d*(a/log(where(u == 0, 0.5, w)))); "
        "where(j, d, where(k, a, g))",
        "log1p": rewrites.LOG1P,
        "tanh": "t = expm1(-2*abs(a)); y = t/(t + 2); where(a > 0, -y, y)",
        "asinh": "m = abs(a); w = minimum(m, 1e8); "
        "s = log1p(w + w*(w/(1 + sqrt(1 + w*w)))); "
        "y = where(m > 1e8, log(m) + 0.6931471805599453, s); where(a < 0, -y, y)",
        # Abramowitz and Stegun 4.4.49 to 1e-5, and what is missing by the addition theorem.
        "atan": "m = abs(a); k = m > 1; q = where(k, 1/m, m); z = q*q; "
        "g = q*(0.999866 + z*(-0.3302995 + z*(0.180141 + z*(-0.085133 + z*0.0208351)))); "
        "s = sin(g); c = cos(g); d = (q*c - s)/(c + q*s); r = g + (d - d*d*d/3); "
        "y = where(k, 1.5707963267948966 - r, r); where(a < 0, -y, y)",
    },
)

_USES = """\
Needs torch and triton, and a GPU; with TRITON_INTERPRET=1 in the environment the kernels run on CPU
tensors, slowly. Test it by running it.

The autograd function saves only the inputs; the backward computes the slopes from them. Half
precision is computed in float32 and rounded once."""


def triton_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME_triton.py``."""
    return {f"{activation.name}_triton.py": triton_source(activation)}


def triton_source(activation: Activation) -> str:
    """Return the source of the Python file."""
    uses_pow = "pow" in activation.programs.operations(TRITON)
    imports = ["import triton", "import triton.language as tl"]
    imports += ["from triton.language.extra import libdevice"] * uses_pow
    head = "import functools\nimport math\nimport os\nimport unittest\n\nimport torch\n"
    parts = [
        python_text.docstring(activation, _USES),
        head + "\n".join(imports),
        python_text.constants(activation),
        template("triton_pow.txt").substitute() if uses_pow else "",
        _jit(activation, "_value", (), python_text.about(activation)),
        _jit(
            activation,
            "_slopes",
            activation.arguments,
            f"Compute the derivatives with respect to {', '.join(activation.arguments)}.",
        ),
        _kernels(activation),
        _parameter(activation),
        _functions(activation),
        python_text.expected(activation),
        template("triton_test.txt").substitute(
            name=activation.name,
            derivative=activation.derivative_name(),
            n_inputs=len(activation.inputs),
            shapes="((0, 3), (5, 3), (2, 3, 4, 5))"
            if activation.expression.per_channel
            else "((), (0,), (3,), (2, 3, 4, 5))",
        ),
        python_text.main(activation),
    ]
    return python_text.joined(parts)


def _jit(activation: Activation, name: str, wrt: Sequence[str], what: str) -> str:
    """Return a function that kernels call; of derivatives it returns a tuple."""
    programs = activation.programs
    program = programs.derivative_program(TRITON, wrt) if wrt else programs.value_program(TRITON)
    body = lines(_with_typed_numbers(program), TRITON, result="y")
    several = len(program.outputs) > 1
    back = ", ".join(f"y{k}" for k in range(len(wrt))) if several else "y"
    return python_text.function(
        name,
        ", ".join(activation.arguments),
        [*body, f"return {back}"],
        what,
        decorators=["@triton.jit"],
    )


def _with_typed_numbers(program: Program) -> Program:
    """Return a program whose numbers have a type where Triton would choose a wrong one."""
    steps: list[Instruction] = []
    moved: dict[int, int] = {}
    made: dict[str, int] = {}
    for number, step in enumerate(program.instructions):
        args: list[Operand] = []
        for arg in step.args:
            if isinstance(arg, int):
                args.append(moved[arg])
            elif step.op not in _TYPED:
                args.append(arg)
            else:
                if repr(arg) not in made:
                    made[repr(arg)] = len(steps)
                    steps.append(Instruction(_NUMBER, (arg,)))
                args.append(made[repr(arg)])
        moved[number] = len(steps)
        steps.append(Instruction(step.op, tuple(args), step.name))
    outputs = tuple(moved[out] if isinstance(out, int) else out for out in program.outputs)
    return replace(program, instructions=tuple(steps), outputs=outputs)


def _kernels(activation: Activation) -> str:
    inputs, parameters = activation.inputs, tuple(activation.parameters)
    per_channel = activation.expression.per_channel and bool(parameters)
    read = [f"{name} = tl.load({name}_ptr + i, mask=inside).to(WIDE)" for name in inputs]
    if per_channel:
        read.append("channel = i // inner % n_channels")
    place = " + channel, mask=inside" if per_channel else ""
    read += [f"{name} = tl.load({name}_ptr{place}).to(WIDE)" for name in parameters]
    store = [f"tl.store(g{name}_ptr + i, (g * d{k}).to(gx_ptr.dtype.element_ty), mask=inside)"
             for k, name in enumerate(inputs)]  # fmt: skip
    for k, name in enumerate(parameters, start=len(inputs)):
        if per_channel:
            store.append(f"tl.store(g{name}_ptr + i, g * d{k}, mask=inside)")
        else:
            total = f"tl.sum(tl.where(inside, g * d{k}, tl.zeros_like(g)).to(tl.float64))"
            store.append(f"tl.store(g{name}_ptr + tl.program_id(0), {total})")
    pointers = [f"{name}_ptr" for name in activation.arguments]
    results = [f"g{name}_ptr" for name in activation.arguments]
    slopes = ", ".join(f"d{k}" for k in range(len(activation.arguments)))
    shape = ["inner", "n_channels"] if per_channel else []
    return template("triton_kernels.txt").substitute(
        pointers=", ".join(pointers),
        results=", ".join(results),
        shape=_more(shape),
        read=indented(read),
        store=indented(store),
        slopes=slopes,
        arguments=", ".join(activation.arguments),
    )


def _parameter(activation: Activation) -> str:
    """Return what checks the shape of parameters: kernels would read beyond one that is short."""
    if not activation.parameters:
        return ""
    ending = "_channels" if activation.expression.per_channel else ""
    return template(f"triton_parameter{ending}.txt").substitute()


def _functions(activation: Activation) -> str:
    inputs, parameters = activation.inputs, tuple(activation.parameters)
    per_channel = activation.expression.per_channel and bool(parameters)
    name, listed = activation.name, ", ".join(activation.arguments)
    backs = [f"g{one}" for one in activation.arguments]
    wide = "wide = torch.float64 if x.dtype == torch.float64 else torch.float32"
    made = [wide] if per_channel else []
    made += [f"g{one} = torch.empty_like(x)" for one in inputs]
    size, kind = ("x.shape", "wide") if per_channel else ("n_blocks", "torch.float64")
    made += [f"g{one} = torch.zeros({size}, dtype={kind}, device=x.device)" for one in parameters]
    sums = [f"g{one} = {_summed(one, per_channel)}" for one in parameters]
    prepared = []
    if len(inputs) > 1:
        prepared.append(f"{', '.join(inputs)} = torch.broadcast_tensors({', '.join(inputs)})")
    prepared += [f"{one} = {one}.contiguous()" for one in inputs]
    prepared += [f'{one} = _parameter({one}, "{one}", x)' for one in parameters]
    return template("triton_functions.txt").substitute(
        name=name,
        derivative=activation.derivative_name(),
        signature=python_text.signature(activation),
        listed=listed,
        prepared=indented(prepared),
        made=indented(made),
        sums="".join(f"    {row}\n" for row in sums),
        backs=", ".join(backs),
        first="gradients[0]" if len(backs) > 1 else "gradients",
        shape=_more(["math.prod(x.shape[2:])", "x.shape[1]"] if per_channel else []),
        about=python_text.quoted(python_text.about(activation)),
        about_derivative=python_text.quoted(python_text.about_derivative(activation, "x")),
    )


def _summed(name: str, per_channel: bool) -> str:
    if not per_channel:
        return f"g{name}.sum().to({name}.dtype).reshape({name}.shape)"
    return f"g{name}.sum([k for k in range(x.dim()) if k != 1])"


def _more(names: Iterable[str]) -> str:
    return "".join(f", {name}" for name in names)
