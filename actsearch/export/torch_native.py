"""The C that a torch file carries: the loops of the function, and how threads share them."""

from __future__ import annotations

from actsearch.export.activation import Activation
from actsearch.export.c_text import c_text, sources
from actsearch.export.text import indented, template


def c_source(activation: Activation, piece: int) -> str:
    """Return one C file whose ``act_run`` computes values or gradients, in float.

    Args:
        activation: The function.
        piece: Elements of one piece of work; sums do not depend on the number of threads.
    """
    inputs, n_parameters = activation.inputs, len(activation.parameters)
    read = [f"job->in[{k}] + offset" for k in range(len(inputs))]
    numbers = [f"p[{k} * job->channels]" for k in range(n_parameters)]
    written = [f"job->out[{k}] + offset" for k in range(len(inputs))]
    sums = [f"sums + {k}" for k in range(n_parameters)]
    forward = ", ".join([*read, *numbers, "job->out[0] + offset", "n"])
    backward = ", ".join(["job->gradient + offset", *read, *numbers, *written, *sums, "n"])
    rows = []
    if n_parameters:
        rows += [
            "const float *p = job->parameters + plane % job->channels;",
            f"double *sums = job->sums + piece * {n_parameters};",
        ]
    rows += [
        f"if (job->gradient) own_backwardf({backward});",
        f"else own_forwardf({forward});",
    ]
    functions = sources([c_text(activation, "float", "own")])
    return (
        template("torch_native.c.txt")
        .substitute(functions=functions, piece=piece, call=indented(rows))
        .rstrip()
    )
