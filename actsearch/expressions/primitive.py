"""What is known of one primitive, and the two small languages its row is written in.

``code`` and ``definition`` are straight-line programs over the base operations of
``lowering.py``; ``derivative`` rules are formulas of the grammar itself. From ``code`` come the
texts for torch, C, NumPy and mpmath, so that a new primitive is one row and not one row a target.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sympy

    from actsearch.expressions.dialects import Dialect

#: The names that a row's texts use for its arguments, in order.
FORMALS = ("a", "b", "c")


@dataclass(frozen=True)
class Primitive:
    r"""One row of the primitive table.

    Attributes:
        name: What formulas call it.
        arity: Number of arguments.
        code: How it is computed: ``name = expression; ...; expression`` over base operations and
            other primitives. It must be right wherever the value is representable.
        derivative: One formula an argument, in ``a``, ``b``, ``c``, in terms that stay stable.
        definition: What it is, mathematically, in the same language as ``code`` but without
            regard for rounding; evaluated in high precision it is the reference in tests.
        latex: Template with ``{0}``, ``{1}``, ... for the arguments.
        cost: Time beside one addition, roughly, in vectorised code.
        domain: Where it is defined: ``R``, ``R\{0}``, ``[0,inf)``, ``(0,inf)``.
        n_scalars: How many of the last arguments must be constants or learnable parameters.
        internal: True for the derivative of another row, which no search space offers.
        note: What a reader should know, among it the derivative at a kink.
    """

    name: str
    arity: int
    code: str
    derivative: tuple[str, ...]
    definition: str
    latex: str
    cost: float
    domain: str = "R"
    n_scalars: int = 0
    internal: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if len(self.derivative) != self.arity:
            raise ValueError(f"{self.name}: {self.arity} arguments, one derivative rule for each")

    @cached_property
    def sympy_class(self) -> type[sympy.Function]:
        """The SymPy function class of this primitive, with its ``fdiff`` rule."""
        from actsearch.expressions.symbolic import make_class

        return make_class(self)

    @property
    def torch_text(self) -> str:
        """The torch code of this primitive, one assignment a line."""
        from actsearch.expressions.dialects import TORCH

        return self._text(TORCH)

    @property
    def c_text(self) -> str:
        """The C code of this primitive, one declaration a line, with ``REAL`` for the type."""
        from actsearch.expressions.dialects import C

        return self._text(C)

    def _text(self, dialect: Dialect) -> str:
        from actsearch.expressions.dialects import lines
        from actsearch.expressions.lowering import lower_call

        program = lower_call(self.name, FORMALS[: self.arity], whole=dialect.whole)
        return "\n".join(lines(program, dialect, result="y"))
