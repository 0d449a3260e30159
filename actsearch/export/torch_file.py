"""Write a formula as one Python file that needs torch alone.

The file holds the function in plain operations, its derivative, an autograd form that saves only
its inputs, a module, where it comes from, and a self-test against values of the mathematical
definition in high precision.
"""

from __future__ import annotations

import math
import pprint
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from actsearch.export.activation import Activation
from actsearch.expressions import Expression, reference
from actsearch.expressions.dialects import TORCH, lines
from actsearch.expressions.lowering import lower

#: Where the self-test compares: both signs, small and large, on no kink that people write, and
#: exact in float32, so that both types are compared at the same point.
_POINTS = tuple(
    sign * float(np.float32(x))
    for sign in (-1, 1)
    for x in (2.1e-9, 1.3e-3, 0.13, 0.57, 1.1, 1.9, 3.7, 8.7, 31.4)
)
_FLOAT32_MAX = float(np.finfo(np.float32).max)
#: Names that mean something else in the file.
_RESERVED = {"math", "torch", "METADATA", "x", "y", "ctx", "gradient", "gradients", "slope", "test"}


def torch_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.py``."""
    return {f"{activation.name}.py": torch_source(activation)}


def torch_source(activation: Activation) -> str:
    """Return the source of a Python module that computes an activation with torch."""
    expression, name, provenance = activation.expression, activation.name, activation.provenance
    arguments = ("x", *expression.parameters)
    derivatives = {wrt: expression.derivative(wrt) for wrt in arguments}
    metadata = {
        "formula": str(expression),
        "derivative": str(derivatives["x"]),
        "latex": expression.latex(),
        "parameters": _starts(expression),
        "provenance": {str(key): _plain(value) for key, value in provenance.items()},
    }
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Activation"
    if class_name == name:
        class_name += "Module"
    signature = ", ".join(["x", *(f"{p}={start!r}" for p, start in _starts(expression).items())])
    parts = [
        _docstring(expression, derivatives["x"], provenance),
        "import math\n\nimport torch",
        f"METADATA = {pprint.pformat(metadata, width=96, sort_dicts=False)}",
        _function(name, signature, expression, arguments, f"Compute {expression}."),
    ]
    for wrt, derivative in derivatives.items():
        suffix = "derivative" if wrt == "x" else f"derivative_{wrt}"
        text = f"Compute the derivative with respect to {wrt}: {derivative}."
        parts.append(_function(f"{name}_{suffix}", signature, derivative, arguments, text))
    parts.append(_fused(name, class_name, signature, arguments))
    parts.append(_module(name, class_name, expression))
    parts.append(_self_test(name, class_name, expression))
    return "\n\n\n".join(parts) + "\n"


def _starts(expression: Expression) -> dict[str, float]:
    return {name: expression.start_of(name) for name in expression.parameters}


def _plain(value: Any) -> Any:
    """Return a value that prints as a literal."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _commented(text: str) -> str:
    """Make text safe inside a docstring: no backslash escapes, no closing quotes."""
    printable = "".join(ch if ch.isprintable() else "?" for ch in text)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        _commented(label + text),
        width=98,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _docstring(
    expression: Expression, derivative: Expression, provenance: Mapping[str, Any]
) -> str:
    x = np.linspace(-10, 10, 4001)
    values = expression.evaluate(x)
    lines_ = [
        f'"""The activation function {_commented(str(expression))}, found with actsearch.',
        "",
        _wrapped("Formula: ", str(expression)),
        _wrapped("LaTeX: ", expression.latex()),
        _wrapped("Derivative: ", str(derivative)),
        f"Range on [-10, 10]: {values.min():.6g} to {values.max():.6g}",
    ]
    if expression.parameters:
        starts = ", ".join(f"{name} = {start!r}" for name, start in _starts(expression).items())
        shared = "one value a channel" if expression.per_channel else "one value a layer"
        lines_.append(_wrapped("Learned parameters, where they start: ", f"{starts} ({shared})"))
    lines_ += [_wrapped(f"{key}: ", str(value)) for key, value in provenance.items()]
    lines_ += ["", "Needs torch alone. Test it by running it.", '"""']
    return "\n".join(lines_)


def _function(
    name: str, signature: str, expression: Expression, arguments: tuple[str, ...], text: str
) -> str:
    body = lines(lower([expression.root], arguments), TORCH, result="y")
    rows = [f"def {name}({signature}):"]
    rows += textwrap.wrap(f'"""{_commented(text)}"""', 94, initial_indent="    ",
                          subsequent_indent="    ", break_long_words=False,
                          break_on_hyphens=False)  # fmt: skip
    rows += [f"    {line}" for line in body]
    rows.append("    return y")
    return "\n".join(rows)


def _fused(name: str, class_name: str, signature: str, arguments: tuple[str, ...]) -> str:
    listed = ", ".join(arguments)
    slopes = "\n".join(
        f"        if ctx.needs_input_grad[{index}]:\n"
        f"            slope = {name}_derivative{'' if wrt == 'x' else '_' + wrt}({listed})\n"
        f"            gradients[{index}] = (gradient * slope).sum_to_size({wrt}.shape)"
        for index, wrt in enumerate(arguments)
    )
    tensors = "\n".join(f"    {p} = torch.as_tensor({p}, dtype=x.dtype, device=x.device)"
                        for p in arguments[1:])  # fmt: skip
    return f'''class _{class_name}Function(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward({listed}):
        return {name}({listed})

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        {listed}{"," if len(arguments) == 1 else ""} = ctx.saved_tensors
        gradients = [None] * {len(arguments)}
{slopes}
        return tuple(gradients)


def {name}_fused({signature}):
    """Compute the same, saving only the inputs for the backward."""
{tensors + chr(10) if tensors else ""}    return _{class_name}Function.apply({listed})'''


def _module(name: str, class_name: str, expression: Expression) -> str:
    what = f"{_commented(str(expression))} as a module; ``inplace`` is accepted and ignored."
    starts = _starts(expression)
    if not expression.per_channel:
        made = [f"torch.tensor({start!r})" for start in starts.values()]
        first, more, forward = "", "", f"return {name}_fused(x{_passed(starts)})"
    else:
        made = [f"torch.full((n_channels,), {start!r})" for start in starts.values()]
        first = "n_channels, "
        more = (
            "\n\n    Each channel of inputs (n, n_channels, ...) has parameters of its own.\n    "
        )
        forward = (
            "form = (-1, *(1,) * (x.dim() - 2))\n"
            f"        return {name}_fused(x{_passed(starts, '.reshape(form)')})"
        )
    init = "".join(
        f"        self.{p} = torch.nn.Parameter({value})\n"
        for p, value in zip(starts, made, strict=True)
    )
    return f'''class {class_name}(torch.nn.Module):
    """{what}{more}"""

    def __init__(self, {first}inplace=False):
        super().__init__()
{init}
    def forward(self, x):
        {forward}

    def extra_repr(self):
        return METADATA["formula"]'''


def _passed(parameters: Iterable[str], form: str = "") -> str:
    return "".join(f", self.{p}{form}" for p in parameters)


def _self_test(name: str, class_name: str, expression: Expression) -> str:
    """Write the test; its constants come from the definition, not from the code it tests."""
    rows = []
    for x in _POINTS:
        point = {"x": x, **_starts(expression)}
        value = float(reference.value(expression.root, point))
        slope = float(reference.slope(expression.root, point, "x"))
        # Beyond float32, or where float32 cannot hold the argument of a steep or swinging part,
        # a comparison would judge the format and not the function.
        steep = abs(slope * x) > 1e3 * (abs(value) + 1)
        if max(abs(value), abs(slope)) < _FLOAT32_MAX**0.5 and not steep:
            rows.append(f"    ({x!r}, {value!r}, {slope!r}),")
    listed = "\n".join(rows)
    shapes = (
        "((0, 3), (5, 3), (2, 3, 4, 5))"
        if expression.per_channel
        else ("((), (0,), (3,), (2, 3, 4, 5))")
    )
    return f'''# x, value, derivative: by the mathematical definition in {reference.DIGITS} digits.
_EXPECTED = (
{listed}
)


def _close(got, expected, relative, x):
    return abs(got - expected) <= relative * (1 + abs(x)) * (abs(expected) + 1)


def test_values_and_derivative():
    for dtype, relative in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
        for x, value, slope in _EXPECTED:
            point = torch.tensor(x, dtype=dtype)
            assert _close({name}(point).item(), value, relative, x), (dtype, x)
            assert _close({name}_derivative(point).item(), slope, relative, x), (dtype, x)


def test_gradients():
    x = torch.tensor([row[0] for row in _EXPECTED], dtype=torch.float64, requires_grad=True)
    {name}_fused(x).sum().backward()
    fused = x.grad.clone()
    assert torch.allclose(fused, {name}_derivative(x.detach()), rtol=1e-12, atol=1e-12)
    apart = torch.tensor([row[0] for row in _EXPECTED if 0.1 < abs(row[0]) < 2],
                         dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck({name}_fused, (apart,), atol=1e-4, rtol=1e-3)


def test_shapes_and_module():
    module = {class_name}({"3" if expression.per_channel else ""})
    for shape in {shapes}:
        x = torch.randn(shape)
        assert module(x).shape == x.shape
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert torch.allclose(module(x), module(x.contiguous()))


if __name__ == "__main__":
    for test in (test_values_and_derivative, test_gradients, test_shapes_and_module):
        test()
    print(f"{name}: {{METADATA['formula']}}: all tests passed")'''
