"""Write a function as one C header: value, derivatives, loops over arrays, and its own test."""

from __future__ import annotations

from actsearch.export.activation import Activation
from actsearch.export.c_pieces import check_name, comment, point_rows
from actsearch.export.c_text import c_text
from actsearch.export.text import template

_USES = """
Reads in C99 and in C++; needs the mathematical library (-lm). In float all names end in f.

{functions}

Loops over n elements compute the slopes from the inputs, and may write over them; what a parameter
gets is added to the number behind its pointer, and is left out where that is NULL. Compiled with
-O3 -fno-math-errno they are vectorised where the compiler has vector forms of the functions.

Test it with

    cc -D{name}_TEST -x c {name}.h -lm -o {name}_test && ./{name}_test
"""
_TYPES = {"float": ("f", "FLT"), "double": ("", "DBL")}


def c_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.h``.

    Raises:
        BadInput: The name means something else in C.
    """
    return {f"{activation.name}.h": c_source(activation)}


def c_source(activation: Activation) -> str:
    """Return the text of the header."""
    check_name(activation.name)
    name = activation.name
    parts = [
        comment(activation, _USES.format(name=name, functions=_listed(activation))),
        f"#ifndef ACTSEARCH_{name}_H\n#define ACTSEARCH_{name}_H",
        "#include <math.h>\n#include <string.h>",
        *(c_text(activation, real, name).rstrip() for real in _TYPES),
        _test(activation),
        "#endif",
    ]
    return "\n\n".join(parts) + "\n"


def _listed(activation: Activation) -> str:
    """List the functions as they are called."""
    name, inputs = activation.name, activation.inputs
    arguments = ", ".join(activation.arguments)
    columns = ", ".join([*(f"*{one}" for one in inputs), *activation.parameters])
    back = ", ".join(f"*g{one}" for one in activation.arguments)
    functions = [f"{name}({arguments})"]
    functions += [f"{activation.derivative_name(wrt)}({arguments})" for wrt in activation.arguments]
    functions += [f"{name}_forward({columns}, *y, n)"]
    functions += [f"{name}_backward(*gradient, {columns}, {back}, n)"]
    return "\n".join(f"    {line}" for line in functions)


def _test(activation: Activation) -> str:
    name, points = activation.name, activation.points
    n_inputs = len(activation.inputs)
    return (
        template("c_test.txt")
        .substitute(
            name=name,
            formula=str(activation.expression),
            n_inputs=n_inputs,
            n_outputs=n_inputs + 1,
            n_common=len(points.common),
            n_wide=len(points.wide),
            common=point_rows(points.common),
            wide=point_rows(points.wide),
            tests="".join(_type_test(activation, real) for real in _TYPES),
        )
        .rstrip()
    )


def _type_test(activation: Activation, real: str) -> str:
    suffix, limits = _TYPES[real]
    name, points, inputs = activation.name, activation.points, activation.inputs
    places = range(len(inputs))
    starts = [f"({real}){start!r}" for start in activation.parameters.values()]
    each = ", ".join([*(f"in[{k}][i]" for k in places), *starts])
    slopes = "\n".join(
        f'        n_missed += {name}_misses("the derivative by {wrt}, {real}", at, {k + 1},\n'
        f"                                   (double){activation.derivative_name(wrt)}{suffix}"
        f"({each}),\n"
        f"                                   at->expected[{k + 1}], 1, epsilon, smallest);"
        for k, wrt in enumerate(inputs)
    )
    nans = []
    for lost in places:
        given = ", ".join(f"({real})NAN" if k == lost else f"({real})0.5" for k in places)
        nans.append(f"    gradient[0] = {name}{suffix}({', '.join([given, *starts])});")
        nans.append("    if (gradient[0] == gradient[0]) ++n_missed, puts("
                    f'"{name}: NaN of {inputs[lost]} is lost, {real}");')  # fmt: skip
    results = [*(f"back[{k}]" for k in places), *("NULL" for _ in starts)]
    return template("c_test_type.txt").substitute(
        name=name,
        real=real,
        f=suffix,
        epsilon=f"{limits}_EPSILON",
        smallest=f"{limits}_MIN",
        n_inputs=len(inputs),
        room=max(len(points.common), len(points.wide), 1),
        each=each,
        slopes=slopes,
        columns=", ".join([*(f"in[{k}]" for k in places), *starts]),
        results=", ".join(results),
        nans="\n".join(nans),
    )
