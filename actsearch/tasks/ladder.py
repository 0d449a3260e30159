"""Rungs of growing length: the default ones of a length, and what any ladder must keep to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from actsearch.errors import BadInput
from actsearch.tasks.protocol import Rung

#: Name, share of the full length, seeds.
_DEFAULT: tuple[tuple[str, float, tuple[int, ...]], ...] = (
    ("short", 1 / 7, (0,)),
    ("medium", 1 / 2.5, (0,)),
    ("full", 1.0, (0, 1, 2, 3, 4, 5, 6, 7)),
)


def default_ladder(steps: int) -> tuple[Rung, ...]:
    """Return rungs "short", "medium" and "full"; of two that round to one length the later.

    Args:
        steps: the full length, at least 1.
    """
    by_length = {max(1, round(share * steps)): (name, seeds) for name, share, seeds in _DEFAULT}
    return tuple(Rung(name, length, seeds) for length, (name, seeds) in by_length.items())


def check_ladder(task: str, steps: int, rungs: Sequence[Rung]) -> None:
    """Refuse rungs that are no ladder.

    Raises:
        BadInput: none, equal names, lengths that don't grow up to ``steps``, or no or equal seeds.
    """
    if not rungs:
        raise BadInput(f"task '{task}' needs one rung or more, got none")
    names = [rung.name for rung in rungs]
    if len(set(names)) < len(names):
        raise BadInput(f"rungs of task '{task}' need different names, got {', '.join(names)}")
    lengths = [rung.steps for rung in rungs]
    if lengths[0] < 1 or any(b <= a for a, b in itertools.pairwise(lengths)):
        raise BadInput(
            f"rungs of task '{task}' must grow in steps, from 1 on, got {_listed(lengths)}"
        )
    for rung in rungs:
        if not 0 < rung.learning_rate < math.inf:
            raise BadInput(
                f"rung '{rung.name}' of task '{task}': learning_rate is a factor above 0, got "
                f"{rung.learning_rate}"
            )
        if not rung.seeds or len(set(rung.seeds)) < len(rung.seeds):
            raise BadInput(
                f"rung '{rung.name}' of task '{task}' needs one seed or more, all different, "
                f"got {_listed(rung.seeds) or 'none'}"
            )
    if lengths[-1] != steps:
        raise BadInput(
            f"task '{task}' has steps={steps}, but its last rung '{names[-1]}' has {lengths[-1]}; "
            f"they must be the same (rungs=() stands for the default ladder of a length)"
        )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
