"""Write an activation for NumPy: its value and its derivatives, with NumPy alone.

NumPy has no error function and no Bessel functions: those are written out.
"""

from __future__ import annotations

from actsearch.export import python_text, rewrites
from actsearch.export.activation import Activation
from actsearch.export.text import indented, template
from actsearch.expressions.dialects import COMMON, NON_FINITE, Dialect

_NAMES = {"asinh": "arcsinh", "atan": "arctan", "pow": "power"}
_SAME = "abs sign sqrt exp expm1 log log1p sin cos sinh cosh tanh asinh atan".split()
_OPS = (
    COMMON
    | {op: f"np.{_NAMES.get(op, op)}({{0}})" for op in _SAME}
    | {op: f"np.{_NAMES.get(op, op)}({{0}}, {{1}})" for op in ("maximum", "minimum", "pow")}
    | {
        "where": "np.where({0}, {1}, {2})",
        "cast": "{0}.astype({1}.dtype)",
        "erf": "_erf({0})",
        rewrites.COARSE: "_coarse({0})",
    }
)

NUMPY = Dialect(
    ops=_OPS,
    non_finite=NON_FINITE,
    constant="np.full_like({0}, {1})",
    whole=frozenset({rewrites.COARSE}),
    rewrites={
        **rewrites.GAUSSIAN,
        **rewrites.BESSEL,
        "sigmoid": rewrites.SIGMOID,
    },
)

#: What some formulas need beside NumPy's own functions.
_HELPERS = {
    "erf": '''\
def _erf(x):
    """Return the error function, which NumPy does not have: one call a number."""
    return np.frompyfunc(math.erf, 1, 1)(x).astype(x.dtype)''',
    rewrites.COARSE: '''\
def _coarse(x):
    """Return numbers without all but their first 12 binary digits (Dekker 1971)."""
    scaled = x * (2.0**12 + 1 if x.dtype.itemsize == 4 else 2.0**41 + 1)
    return scaled - (scaled - x)''',
}

_USES = """\
Needs NumPy alone, 1.26 or newer. Test it by running it.

Half precision is computed in float32 and rounded once. What overflows is infinite, without a
warning."""
_KIND = "np.typing.ArrayLike"


def numpy_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME_numpy.py``."""
    needed = activation.programs.operations(NUMPY)
    n_inputs = len(activation.inputs)
    parts = [
        python_text.docstring(activation, _USES),
        "from __future__ import annotations\n\nimport math\n\nimport numpy as np",
        python_text.constants(activation),
        *(text for op, text in _HELPERS.items() if op in needed),
        template("numpy_support.txt").substitute(n_inputs=n_inputs),
        *_functions(activation),
        python_text.expected(activation),
        template("numpy_test.txt").substitute(
            name=activation.name,
            n_inputs=n_inputs,
            derivatives=python_text.tuple_of(map(activation.derivative_name, activation.inputs)),
            learned=python_text.tuple_of(map(activation.derivative_name, activation.parameters)),
        ),
        python_text.main(activation),
    ]
    return {f"{activation.name}_numpy.py": python_text.joined(parts)}


def _functions(activation: Activation) -> list[str]:
    """Return the value and each derivative: lines on arrays of one type, and what calls them."""
    programs, listed = activation.programs, ", ".join(activation.arguments)
    rows = [("_value", activation.name, python_text.about(activation), programs.value_lines(NUMPY))]
    for wrt in activation.arguments:
        lines = programs.derivative_lines(NUMPY, [wrt])
        what = python_text.about_derivative(activation, wrt)
        rows.append((f"_slope_{wrt}", activation.derivative_name(wrt), what, lines))
    parts = []
    for inner, name, what, lines in rows:
        parts.append(f"def {inner}({listed}):\n{indented([*lines, 'return y'])}")
        parts.append(
            python_text.function(
                name,
                python_text.signature(activation, _KIND),
                [f"return _computed({inner}, {listed})"],
                what,
                returns="np.ndarray",
            )
        )
    return parts
