"""A function as self-contained C: its value, its derivatives, and loops over arrays.

The text reads in C99 and in C++, leaves no macros behind, and its names all begin with a prefix, so
that several such texts can stand in one file. It has ``math.h`` and ``string.h`` alone before it.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Iterable, Sequence

from actsearch.export.activation import Activation
from actsearch.export.text import WIDTH
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import C

#: Elements of one stretch of a loop whose terms are added up behind it: a sum inside would keep a
#: compiler from vectorising, as it may not change the order of additions.
_STRETCH = 256
#: Sums that run beside each other: one alone waits for each addition to end.
_LANES = 8

#: Stands for the prefix until all else is named: a user's may begin as names of the prelude do.
_PREFIX = "PREFIX__"

_MATH = "fabs sqrt exp expm1 log log1p sin cos sinh cosh tanh asinh atan erf erfc pow fma".split()
_TOKEN = re.compile(rf"\b(?:REAL|MASK|ACT_\w+|act_\w+|{'|'.join(_MATH)})\b")
_COMMENT = re.compile(r"(/\*.*?\*/)", re.DOTALL)
_FUNCTION = re.compile(
    r"(?:/\*(?:(?!\*/).)*\*/\n)?ACT_INLINE REAL (\w+)\([^)]*\)\n\{\n.*?\n\}\n", re.DOTALL
)
_CASES = re.compile(r"#if ACT_FLOAT\n(.*?)#else\n(.*?)#endif\n", re.DOTALL)
_IVDEP = """\
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif"""


def c_text(
    activation: Activation,
    real: str,
    prefix: str,
    *,
    device: bool = False,
    linkage: str = "static inline ",
) -> str:
    """Return the functions and the loops of an activation in one type.

    Args:
        activation: The function.
        real: ``float`` or ``double``.
        prefix: How all names begin; in float they end in ``f``, as in ``math.h``.
        device: For CUDA, the functions alone, as device functions.
        linkage: What stands before the loops; nothing where a library is to show them.

    Returns:
        ``T prefix(T x, ...)``, ``T prefix_derivative(T x, ...)``, for each further argument
        ``prefix_derivative_ARGUMENT``, and

        - ``void prefix_forward(const T *x, ..., T p0, ..., T *y, long n)``
        - ``void prefix_backward(const T *gradient, const T *x, ..., T p0, ..., T *gx, ...,
          double *gp0, ..., long n)``, which computes the slopes from the inputs; what a parameter
          gets is added to its number, and where that pointer is NULL it is left out.

        Results may be written over inputs.
    """
    suffix = "f" if real == "float" else ""
    bodies = [_scalar(activation, _PREFIX + suffix, "")]
    bodies += [
        _scalar(activation, _derivative(activation, _PREFIX, wrt) + suffix, wrt)
        for wrt in activation.arguments
    ]
    loops = []
    if not device:
        loops = [_forward(activation, _PREFIX, suffix), _backward(activation, _PREFIX, suffix)]
        loops = [linkage + loop for loop in loops]
    used = _helpers(real, "\n".join([*bodies, *loops]))
    inline = f"{_PREFIX}_INLINE"
    head = f"#define {inline} __device__ __forceinline__\n" if device else _head(inline)
    parts = [head, *used, *bodies, *loops, f"#undef {inline}\n"]
    return _named("\n".join(parts), real, _PREFIX, suffix).replace(_PREFIX, prefix)


def declared(activation: Activation, form: str = "REAL {0}") -> str:
    """Return the arguments of a function as C declares them."""
    return ", ".join(form.format(name) for name in activation.arguments)


def _head(inline: str) -> str:
    # Loops with calls in them are not vectorised, and unused functions in a header are no fault.
    return f"""\
#if defined(__GNUC__)
#define {inline} static inline __attribute__((always_inline, unused))
#else
#define {inline} static inline
#endif
"""


def _derivative(activation: Activation, prefix: str, wrt: str) -> str:
    return prefix + activation.derivative_name(wrt).removeprefix(activation.name)


def _scalar(activation: Activation, name: str, wrt: str) -> str:
    """Return the function of the value, or of a derivative."""
    programs = activation.programs
    body = programs.derivative_lines(C, (wrt,)) if wrt else programs.value_lines(C)
    formula = activation.derivatives[wrt] if wrt else activation.expression
    what = f"the derivative with respect to {wrt}: " if wrt else ""
    rows = [*_unused(body, activation.arguments), "REAL y;", *body, "return y;"]
    said = textwrap.fill(
        f"/* {what}{formula} */",
        WIDTH,
        subsequent_indent="   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{said}\nACT_INLINE REAL {name}({declared(activation)})\n{{\n{_block(rows)}\n}}\n"


def _unused(body: Iterable[str], names: Iterable[str]) -> list[str]:
    words = set(re.findall(r"\w+", "\n".join(body)))
    return [f"(void){name};" for name in names if name not in words]


def _block(rows: Iterable[str], levels: int = 1) -> str:
    return "\n".join("    " * levels + row for row in rows)


def _forward(activation: Activation, prefix: str, suffix: str) -> str:
    inputs, parameters = activation.inputs, tuple(activation.parameters)
    formals = [f"const REAL *{name}_in" for name in inputs]
    formals += [f"REAL {name}" for name in parameters]
    body = activation.programs.value_lines(C)
    used = [name for name in inputs if f"(void){name};" not in _unused(body, inputs)]
    steps = [f"const REAL {name} = {name}_in[i];" for name in used]
    steps += ["REAL y;", *body, "y_out[i] = y;"]
    rest = [f"(void){name}_in;" for name in inputs if name not in used]
    rest += _unused(body, parameters)
    return "\n".join(
        [
            f"void {prefix}_forward{suffix}(",
            f"    {', '.join([*formals, 'REAL *y_out', 'long n'])})",
            "{",
            *([_block(rest)] if rest else []),
            _IVDEP,
            "    for (long i = 0; i < n; ++i) {",
            _block(steps, 2),
            "    }",
            "}",
            "",
        ]
    )


def _backward(activation: Activation, prefix: str, suffix: str) -> str:
    inputs, parameters = activation.inputs, tuple(activation.parameters)
    formals = ["const REAL *gradient", *(f"const REAL *{name}_in" for name in inputs)]
    formals += [f"REAL {name}" for name in parameters]
    formals += [f"REAL *g{name}" for name in inputs]
    formals += [f"double *g{name}" for name in parameters]
    arguments = activation.arguments
    several = len(arguments) > 1
    body = activation.programs.derivative_lines(C, arguments, "d" if several else "d0")
    idle = _unused(body, arguments)
    used = [name for name in inputs if f"(void){name};" not in idle]
    steps = ["const REAL g = gradient[i];"]
    steps += [f"const REAL {name} = {name}_in[i];" for name in used]
    steps += [f"REAL {', '.join(f'd{k}' for k in range(len(arguments)))};", *body]
    steps += [f"g{name}[i] = g * d{k};" for k, name in enumerate(inputs)]
    for k, name in enumerate(parameters, start=len(inputs)):
        steps.append(f"term_{name}[i - begin] = g * d{k};")
    rest = [f"(void){name}_in;" for name in inputs if name not in used]
    rest += _unused(body, parameters)
    first, last = ("begin", "end") if parameters else ("0", "n")
    loop = [f"for (long i = {first}; i < {last}; ++i) {{", *("    " + row for row in steps), "}"]
    if not parameters:
        inner = [_IVDEP, _block(loop)]
    else:
        terms = ", ".join(f"term_{name}[{_STRETCH}]" for name in parameters)
        inner = [
            f"    double {', '.join(f'lanes_{name}[{_LANES}] = {{0}}' for name in parameters)};"
        ]
        inner += [
            f"    for (long begin = 0; begin < n; begin += {_STRETCH}) {{",
            f"        const long end = n - begin < {_STRETCH} ? n : begin + {_STRETCH};",
            f"        REAL {terms};",
            _IVDEP,
            _block(loop, 2),
        ]
        for name in parameters:
            inner += [
                f"        for (long i = end - begin; i < {_STRETCH}; ++i) term_{name}[i] = 0;",
                f"        for (long i = 0; i < {_STRETCH}; i += {_LANES})",
                f"            for (int k = 0; k < {_LANES}; ++k)",
                f"                lanes_{name}[k] += (double)term_{name}[i + k];",
            ]
        inner.append("    }")
        for name in parameters:
            lane = f"*g{name} += lanes_{name}[k]"
            inner.append(f"    for (int k = 0; g{name} && k < {_LANES}; ++k) {lane};")
    return "\n".join(
        [
            f"void {prefix}_backward{suffix}(",
            f"    {', '.join([*formals, 'long n'])})",
            "{",
            *([_block(rest)] if rest else []),
            *inner,
            "}",
            "",
        ]
    )


@functools.cache
def _library(real: str) -> dict[str, str]:
    """Return the functions of the prelude, in its order."""
    text = _CASES.sub(r"\1" if real == "float" else r"\2", prelude(real))
    return {match[1]: match[0] for match in _FUNCTION.finditer(text)}


def _helpers(real: str, text: str) -> list[str]:
    """Return the functions of the prelude that a text needs, in their order."""
    library = _library(real)
    needed: set[str] = set()
    waiting = [text]
    while waiting:
        words = re.findall(r"\w+", _COMMENT.sub("", waiting.pop()))
        fresh = {word for word in words if word in library} - needed
        needed |= fresh
        waiting += [library[word].split("\n{\n", 1)[1] for word in fresh]
    return [function for name, function in library.items() if name in needed]


def _named(text: str, real: str, prefix: str, suffix: str) -> str:
    """Put types and names into a text; comments stay as they are."""
    types = {"REAL": real, "MASK": {"float": "int", "double": "long long"}[real]}
    types["ACT_INLINE"] = f"{prefix}_INLINE"

    def name(match: re.Match[str]) -> str:
        word = match[0]
        if word in types:
            return types[word]
        if word in _MATH:
            return word + suffix
        return f"{prefix}_{word[4:].lower()}{suffix}"

    pieces = _COMMENT.split(text)
    return "".join(
        piece if index % 2 else _TOKEN.sub(name, piece) for index, piece in enumerate(pieces)
    )


def sources(texts: Sequence[str]) -> str:
    """Return texts as one file that compiles."""
    return "\n".join(["#include <math.h>", "#include <string.h>", "", *texts])
