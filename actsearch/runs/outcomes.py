"""How the search of a run ended, as its sessions keep it: which endings are for good.

What a session's outcome begins with tells; ``search.endings`` writes the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from actsearch.errors import BadInput
from actsearch.paths import command
from actsearch.runs.records import Session

WALKED_THROUGH = "the space is walked through"
NOTHING_PASSES = "nothing passes"
EXHAUSTED = "the space seems exhausted"
#: Within the sentence of a search that its limit of births ended: why it left births out.
HARDLY_ANY_PASSES = "hardly any passes"
HARDLY_ANY_IS_NEW = "hardly any is new"


def is_final(outcome: str) -> bool:
    """Tell whether more time or births would change nothing."""
    return outcome.startswith((WALKED_THROUGH, NOTHING_PASSES, EXHAUSTED))


def nothing_passed(outcome: str) -> bool:
    """Tell whether all was turned away before training."""
    return outcome.startswith(NOTHING_PASSES)


def lacks_births(outcome: str) -> bool:
    """Tell whether a limit of births ended it where next to none was worth training."""
    return HARDLY_ANY_PASSES in outcome or HARDLY_ANY_IS_NEW in outcome


def last_outcome(sessions: Iterable[Session]) -> str:
    """Return why the last search of a run ended, "" where it did not."""
    searches = [one for one in sessions if one.info.get("kind") != "confirm"]
    return searches[-1].outcome if searches else ""


def nothing_scored(folder: Path, ended: str) -> BadInput:
    """Return the error for a run without a score, with what helps.

    Args:
        folder: of the run.
        ended: why its last search ended.
    """
    name = folder.name
    if is_final(ended) or lacks_births(ended):
        return BadInput(f"run '{name}' has no scored formula; {ended}")
    return BadInput(
        f"run '{name}' has no scored formula yet; give it a larger budget: "
        f"{command('resume', folder, '--budget', '10m')}"
    )
