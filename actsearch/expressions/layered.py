"""A candidate with a formula for each group of layers, and the reading of any candidate.

Written ``input: relu(x) | hidden: silu(x) | last: tanh(x)``: the first activation layer of a
network gets the formula of ``input``, the last one that of ``last``, all others that of ``hidden``.
Layers of a group that has no formula get that of ``hidden``, or else the last one. One formula in
all groups is that formula by itself, and is written so: ``candidate_of`` sees to it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actsearch.expressions.expression import Expression, parse
from actsearch.expressions.parser import MAX_TEXT_CHARS, FormulaError, on_one_line

#: The groups, in the order of a network's layers.
GROUPS = ("input", "hidden", "last")
_SEPARATOR, _MARK = "|", ":"
#: A formula for each group, with what stands around it.
MAX_LAYERED_CHARS = len(GROUPS) * (MAX_TEXT_CHARS + 20)


@dataclass(frozen=True)
class Layered:
    """Formulas by group, in the order of ``GROUPS``; each reads ``x`` alone.

    It has what a search asks an ``Expression`` for; what can be asked of one function alone (its
    value, its derivative) is asked of ``parts``.
    """

    formulas: tuple[tuple[str, Expression], ...]

    def __str__(self) -> str:
        return f" {_SEPARATOR} ".join(f"{group}{_MARK} {one}" for group, one in self.formulas)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The formulas, in the order of the groups."""
        return tuple(one for _, one in self.formulas)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs it reads: ``x`` alone."""
        return ("x",)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of learnable parameters; those of one name in two groups are not the same."""
        return tuple(dict.fromkeys(name for one in self.parts for name in one.parameters))

    @property
    def size(self) -> int:
        """Number of nodes of all formulas."""
        return sum(one.size for one in self.parts)

    @property
    def depth(self) -> int:
        """Depth of the deepest formula."""
        return max(one.depth for one in self.parts)

    def latex(self) -> str:
        """Return the formulas as LaTeX mathematics, group by group."""
        return r",\quad ".join(
            rf"f_{{\mathrm{{{group}}}}} = {one.latex()}" for group, one in self.formulas
        )

    def fingerprint(self) -> str:
        """Return the key that candidates of the same functions share."""
        functions = [one.fingerprint() for one in self.parts]
        if len(set(functions)) == 1:  # one function in all groups, however it is written
            return functions[0]
        prints = [
            f"{group}:{print_}" for (group, _), print_ in zip(self.formulas, functions, strict=True)
        ]
        return hashlib.sha256("|".join(prints).encode()).hexdigest()[:32]

    def check(self, max_size: int | None = None, *, slopes: bool = True) -> str | None:
        """Return why it is not worth training, or None; ``max_size`` holds for each formula."""
        for group, one in self.formulas:
            reason = one.check(max_size=max_size, slopes=slopes)
            if reason is not None:
                return f"{reason} (in the group {group})"
        return None

    def at(self, place: int, n_places: int) -> Expression:
        """Return the formula of an activation layer.

        Args:
            place: Which of the network's activation layers, from 0.
            n_places: How many it has, as many as there are groups or more.
        """
        by_group = dict(self.formulas)
        group = "input" if place == 0 else "last" if place == n_places - 1 else "hidden"
        return by_group.get(group) or by_group.get("hidden") or self.parts[-1]


#: What a search breeds and a network is trained with.
Candidate = Expression | Layered


def candidate_of(formulas: Sequence[tuple[str, Expression]]) -> Candidate:
    """Return the candidate of formulas by group: where they are one and the same, that one."""
    first = formulas[0][1]
    return first if all(one == first for _, one in formulas) else Layered(tuple(formulas))


def parts_of(candidate: Candidate) -> tuple[Expression, ...]:
    """Return the formulas of a candidate."""
    return candidate.parts if isinstance(candidate, Layered) else (candidate,)


def mean_over_parts(measure: Callable[[Expression], float]) -> Callable[[Candidate], float]:
    """Return what measures a candidate by the mean over its formulas."""

    @functools.wraps(measure)
    def mean(candidate: Candidate) -> float:
        values = [measure(one) for one in parts_of(candidate)]
        return sum(values) / len(values)

    return mean


def parse_candidate(text: str) -> Candidate:
    """Read a formula, or one for each group of layers.

    Raises:
        FormulaError: It is neither.
    """
    if not isinstance(text, str) or _SEPARATOR not in text:
        return parse(text)
    if len(text) > MAX_LAYERED_CHARS:
        raise FormulaError(f"{len(text)} characters; at most {MAX_LAYERED_CHARS} are accepted")
    formulas: dict[str, Expression] = {}
    for stretch in on_one_line(text).split(_SEPARATOR):
        group, mark, formula = (part.strip() for part in stretch.partition(_MARK))
        if not mark or group not in GROUPS or group in formulas:
            raise FormulaError(
                "formulas for groups of layers are written "
                "'input: relu(x) | hidden: silu(x) | last: tanh(x)', each group once (of "
                f"{', '.join(GROUPS)}); got '{stretch.strip()[:60]}'"
            )
        formulas[group] = parse(formula)
        if formulas[group].inputs != ("x",):
            raise FormulaError(
                f"a formula for a group of layers reads x alone; that of {group} reads "
                f"{', '.join(formulas[group].inputs)}"
            )
    return candidate_of([(group, formulas[group]) for group in GROUPS if group in formulas])
