"""What is exported: one function, what it is called, and all that its files say of it."""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput, shorten
from actsearch.export import gain, points
from actsearch.export.programs import Programs
from actsearch.export.text import plain
from actsearch.expressions import Expression

if TYPE_CHECKING:
    from actsearch.expressions.analysis import Analysis

#: The licence of what is exported, as SPDX names it.
LICENCE = "MIT"

#: What names inside the files are, beside the ends that function names get.
_RESERVED = {
    "METADATA",
    "GAIN",
    "PARAMETERS",
    "LEARNED",
    "x",
    "u",
    "o",
    "y",
    "init_",
    "register",
    "torch",
    "math",
    "jax",
    "jnp",
    "numpy",
    "np",
    "keras",
    "ops",
    "tl",
    "triton",
    "libdevice",
    "BLOCK",
    "onnx",
    "onnxruntime",
    "FOLDER",
    "load",
    "run",
    "call",
    "with_axes",
    "functools",
    "os",
    "unittest",
}
_GENERATED = re.compile(r"[ptsbd][0-9]+\Z|_|test_")


@dataclass(frozen=True)
class Activation:
    """One function to be exported.

    Attributes:
        expression: The formula; its parameters start where it says.
        name: What the function is called in every file, a Python identifier.
        provenance: Where it comes from, plain values by what they are.
        measured: How well it trained, beside the known activations; empty where nobody measured.
            ``sentence``, ``score`` (what was measured) and ``rows``, each with ``activation``,
            ``mean``, ``standard_error``, ``n``, and, beside another one, ``difference``, ``low``,
            ``high``.
        learned: What its run learned of its parameters, by name: means over layers and seeds.

    Raises:
        BadInput: The name is no identifier, or means something in Python or in the files.
    """

    expression: Expression
    name: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    learned: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = self.name
        if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
            raise BadInput(
                f"'{shorten(name)}' is not a Python name; use letters, digits and underscores"
            )
        if name in _RESERVED or hasattr(builtins, name) or _GENERATED.match(name):
            raise BadInput(f"'{name}' means something else in Python or in the file; try my_{name}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it is computed from, of ``x``, ``u``, ``o``."""
        return self.expression.inputs

    @functools.cached_property
    def parameters(self) -> dict[str, float]:
        """Its learnable parameters, and where they start."""
        names = self.expression.parameters
        return {name: self.expression.start_of(name) for name in names}

    @property
    def arguments(self) -> tuple[str, ...]:
        """The inputs, then the parameters: what a function of it takes."""
        return (*self.inputs, *self.parameters)

    @functools.cached_property
    def derivatives(self) -> dict[str, Expression]:
        """The partial derivative with respect to each argument."""
        return {name: self.expression.derivative(name) for name in self.arguments}

    @functools.cached_property
    def class_name(self) -> str:
        """What a class of it is called; not what the function is."""
        name = "".join(part[:1].upper() + part[1:] for part in self.name.split("_")) or "Activation"
        return f"{name}Module" if name == self.name else name

    def derivative_name(self, wrt: str = "x") -> str:
        """Return what the function of a partial derivative is called."""
        return f"{self.name}_derivative{'' if wrt == 'x' else '_' + wrt}"

    @functools.cached_property
    def programs(self) -> Programs:
        """Its value and its derivatives as straight lines of any dialect."""
        roots = {name: one.root for name, one in self.derivatives.items()}
        return Programs(self.expression.root, roots, self.inputs, tuple(self.parameters))

    @functools.cached_property
    def points(self) -> points.Points:
        """True values and slopes, for the self-tests of its files."""
        return points.of(self.expression)

    @functools.cached_property
    def gain(self) -> float | None:
        """The gain of initial weights behind it, as searches use it; None where it reads ``o``."""
        return gain.gain(self.expression)

    @functools.cached_property
    def analysis(self) -> Analysis:
        """Its properties; further inputs stand at 1."""
        return self.expression.analyze()

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """What the files say of it, as plain values."""
        seen = self.analysis
        facts = {
            "formula": str(self.expression),
            "latex": self.expression.latex(),
            "derivative": str(self.derivatives["x"]),
            "inputs": list(self.inputs),
            "parameters": self.parameters,
            "per_channel": self.expression.per_channel,
            "learned": dict(self.learned),
            "gain": self.gain,
            "range_on_10": list(seen.window_range),
            "limits": list(seen.limits),
            "kinks_on_10": [round(kink.x, 6) + 0.0 for kink in seen.kinks],
            "steps_on_10": list(seen.steps),
            "provenance": dict(self.provenance),
            "measured": dict(self.measured),
            "licence": LICENCE,
        }
        return {key: plain(value) for key, value in facts.items()}
