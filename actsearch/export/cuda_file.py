"""Write a function as CUDA source: kernels for value and gradients, launch code, its own test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from actsearch.export.activation import Activation
from actsearch.export.c_pieces import check_name, comment, point_rows
from actsearch.export.c_text import c_text
from actsearch.export.text import template

_USES = """
Kernels for float, double, __half and __nv_bfloat16; half precision is computed in float and rounded
once. All pointers are on the GPU.

    cudaError_t {name}_forward({inputs},
        T *y, size_t n{shape}, cudaStream_t stream)
    cudaError_t {name}_backward(const T *gradient, {inputs},
        {results}, size_t n{shape}, cudaStream_t stream)

The backward computes the slopes from the inputs.{parameters}

Test it on a machine with a GPU:

    nvcc -D{name}_TEST {name}.cu -o {name}_test && ./{name}_test
"""
_PARAMETERS = """ Parameters are arrays of one number a
channel, of type W: double for double, else float. Element i belongs to channel i / inner %
channels: inner is 1 where channels lie last, height * width for images; one number for a whole
layer is channels = 1, inner = n. What parameters get is added to arrays of double, in an order
that changes from call to call.
"""
_TYPES = ("float", "double", "__half", "__nv_bfloat16")


def cuda_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.cu``.

    Raises:
        BadInput: The name means something else in CUDA.
    """
    return {f"{activation.name}.cu": cuda_source(activation)}


def cuda_source(activation: Activation) -> str:
    """Return the source."""
    check_name(activation.name)
    name, inputs, parameters = activation.name, activation.inputs, tuple(activation.parameters)
    points = activation.points
    reads = [f"const W {one} = (W){one}_in[i];" for one in inputs]
    texts = {
        "name": name,
        "comment": comment(activation, _uses(activation)),
        "formula": str(activation.expression),
        "functions": "\n".join(
            c_text(activation, real, name, device=True).rstrip() for real in ("float", "double")
        ),
        "overloads": _overloads(activation),
        "arguments": ", ".join(activation.arguments),
        "inputs": _inputs(activation),
        "kernel_inputs": _inputs(activation, "_in"),
        "results": _results(activation),
        "columns": ", ".join(activation.arguments),
        "shape": ", size_t channels, size_t inner" if parameters else "",
        "passed_shape": ", channels, inner" if parameters else "",
        "n_inputs": len(inputs),
        "n_outputs": len(inputs) + 1,
        "n_parameters": len(parameters),
        "n_common": len(points.common),
        "n_wide": len(points.wide),
        "room": max(len(points.common), len(points.wide)) + 1,
        "common": point_rows(points.common),
        "wide": point_rows(points.wide),
    }
    channel = ["const size_t channel = i / inner % channels;"] if parameters else []
    texts["read"] = _block([*reads, *channel, *_read_parameters(parameters)], 2)
    texts["backward_kernel"] = _backward_kernel(activation, reads)
    texts["backward"] = _backward(activation, texts)
    texts["instances"] = _instances(activation, texts)
    texts |= _test_pieces(activation)
    return template("cuda.txt").substitute(texts)


def _uses(activation: Activation) -> str:
    parameters = activation.parameters
    return _USES.format(
        name=activation.name,
        inputs=_inputs(activation).replace(f"typename {activation.name}_wide<T>::type", "W"),
        results=_results(activation),
        shape=", size_t channels, size_t inner" if parameters else "",
        parameters=_PARAMETERS if parameters else "",
    )


def _inputs(activation: Activation, end: str = "", kind: str = "T", wide: str = "W") -> str:
    """Declare inputs and parameters; inside kernels their names are those of single values."""
    if wide == "W" and not end:
        wide = f"typename {activation.name}_wide<{kind}>::type"
    rows = [f"const {kind} *{name}{end}" for name in activation.inputs]
    rows += [
        f"const typename {activation.name}_wide<{kind}>::type *{name}{end}"
        if end
        else f"const {wide} *{name}"
        for name in activation.parameters
    ]
    return ", ".join(rows)


def _results(activation: Activation, kind: str = "T") -> str:
    rows = [f"{kind} *g{name}" for name in activation.inputs]
    rows += [f"double *g{name}" for name in activation.parameters]
    return ", ".join(rows)


def _block(rows: Iterable[str], levels: int) -> str:
    return "\n".join("    " * levels + row for row in rows)


def _read_parameters(parameters: Iterable[str]) -> list[str]:
    return [f"const W {name} = {name}_in[channel];" for name in parameters]


def _overloads(activation: Activation) -> str:
    """Return the functions by the type of their arguments, as templates call them."""
    name = activation.name
    named = {"value": name}
    named |= {f"slope_{wrt}": activation.derivative_name(wrt) for wrt in activation.arguments}
    given = ", ".join(activation.arguments)
    rows = []
    for what, function in named.items():
        for real, suffix in (("float", "f"), ("double", "")):
            formals = ", ".join(f"{real} {one}" for one in activation.arguments)
            rows.append(f"__device__ __forceinline__ {real} {name}_{what}({formals})")
            rows.append(f"{{\n    return {function}{suffix}({given});\n}}")
    return "\n".join(rows)


def _backward_kernel(activation: Activation, reads: list[str]) -> str:
    name, parameters = activation.name, tuple(activation.parameters)
    given = ", ".join(activation.arguments)
    slopes = [f"g{one}[i] = T(g * {name}_slope_{one}({given}));" for one in activation.inputs]
    slopes += [f"sum_{one} += (double)(g * {name}_slope_{one}({given}));" for one in parameters]
    level = 3 if parameters else 2

    def each(row: Callable[[str], str], levels: int) -> str:
        return _block(map(row, parameters), levels)

    return (
        template("cuda_backward_sums.txt" if parameters else "cuda_backward.txt")
        .substitute(
            name=name,
            kernel_inputs=_inputs(activation, "_in"),
            results=_results(activation),
            read=_block(reads, level),
            slopes=_block(slopes, level),
            channel=_block(_read_parameters(parameters), 2),
            sums=", ".join(f"sum_{one} = 0" for one in parameters),
            shuffles=each(
                lambda one: f"sum_{one} += __shfl_down_sync(0xffffffffu, sum_{one}, lane);", 3
            ),
            adds=each(lambda one: f"atomicAdd(g{one} + channel, sum_{one});", 3),
        )
        .rstrip()
    )


def _backward(activation: Activation, texts: Mapping[str, object]) -> str:
    name, given = activation.name, ", ".join(activation.arguments)
    back = ", ".join(f"g{one}" for one in activation.arguments)
    if activation.parameters:
        grid = (
            f"    const dim3 grid({name}_blocks(n / channels), "
            "(unsigned)(channels < 65535 ? channels : 65535));\n"
        )
        launch = "grid"
    else:
        grid, launch = "", f"{name}_blocks(n)"
    return (
        "template <typename T>\n"
        f"cudaError_t {name}_backward(const T *gradient, {_inputs(activation)},\n"
        f"    {_results(activation)}, size_t n{texts['shape']}, cudaStream_t stream)\n{{\n"
        f"    if (n == 0) return cudaSuccess;\n{grid}"
        f"    {name}_backward_kernel<T><<<{launch}, 256, 0, stream>>>(gradient, {given},\n"
        f"        {back}, n{texts['passed_shape']});\n"
        "    return cudaGetLastError();\n}"
    )


def _instances(activation: Activation, texts: Mapping[str, object]) -> str:
    """Instantiate the functions, so that other files can be linked with them."""
    name, rows = activation.name, []
    for kind in _TYPES:
        inputs = _inputs(activation, kind=kind, wide="double" if kind == "double" else "float")
        rows.append(f"template cudaError_t {name}_forward<{kind}>(\n    {inputs}, {kind} *y, "
                    f"size_t n{texts['shape']}, cudaStream_t stream);")  # fmt: skip
        rows.append(f"template cudaError_t {name}_backward<{kind}>(\n    const {kind} *gradient, "
                    f"{inputs},\n    {_results(activation, kind)}, size_t n{texts['shape']}, "
                    "cudaStream_t stream);")  # fmt: skip
    return "\n".join(rows)


def _test_pieces(activation: Activation) -> dict[str, str]:
    places = range(len(activation.inputs))
    starts = list(activation.parameters.values())
    columns = [*(f"in[{k}]" for k in places), *(f"fixed + {k}" for k in range(len(starts)))]
    results = [*(f"back[{k}]" for k in places), *(f"sums + {k}" for k in range(len(starts)))]
    made = [f"fixed[{k}] = (W){start!r};" for k, start in enumerate(starts)]
    if starts:
        made.append("double *sums;")
        made.append(f"if (cudaMallocManaged(&sums, {8 * len(starts)}) != cudaSuccess) return 1;")
    return {
        "starts": _block(made, 1),
        "test_columns": ", ".join(columns),
        "test_results": ", ".join(results),
        "test_shape": ", 1, size" if starts else "",
    }
