"""The confirm stage that follows a search: its budget, its progress, and its verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from actsearch.cli.options import note
from actsearch.cli.where import said_of
from actsearch.durations import parse_duration

if TYPE_CHECKING:
    from actsearch.workers import Where

NONE = "none"
#: Less time than this confirms nothing anywhere: the workers alone take seconds to start.
MIN_S = 20.0


def limit_s(budget: str | None, search_s: float) -> float | None:
    """Return how long a run is confirmed at most after its search; None: not at all.

    Args:
        budget: as the user gave it: a time, "none", or None for as long as the search took.
        search_s: how long that was.

    Raises:
        BadInput: the budget is no time.
    """
    if budget is None:
        return max(search_s, MIN_S)
    return None if budget.strip().lower() == NONE else parse_duration(budget)


def confirming(
    budget: str | None,
    *,
    where: Where,
    data: Path | None,
    quiet: bool,
) -> Callable[[Path, float], None] | None:
    """Return what confirms a run after its search, or None where nobody wants that.

    Args:
        budget: as the user gave it: a time, "none", or None for as long as the search took.
        where: as for the search.
        data: where the data set lies, if it was said.
        quiet: show no progress.

    Returns:
        A function of the run's folder and the seconds that its search took.

    Raises:
        BadInput: the budget is no time.
    """
    if limit_s(budget, 0.0) is None:
        return None

    def confirm(path: Path, search_s: float) -> None:
        from actsearch.cli.confirm import again_with, interrupted, line, print_confirmation
        from actsearch.cli.launch import goes_on_with, terminate_as_interrupt
        from actsearch.cli.trial_line import TrialLine
        from actsearch.errors import BadInput
        from actsearch.trials.confirm import confirm as run_trials

        shown = TrialLine(quiet=quiet)

        def again() -> str:
            return again_with(path, budget=budget, **said_of(where), data=data)

        try:
            with terminate_as_interrupt(), goes_on_with(again):
                found = run_trials(
                    path,
                    budget=limit_s(budget, search_s),
                    **where.options(),
                    data=data,
                    observer=lambda moment: shown.show(line(moment)),
                )
        except KeyboardInterrupt:
            shown.close()
            raise interrupted(again()) from None
        except BadInput as error:  # the search itself is done and saved
            shown.close()
            note(f"not confirmed: {error}")
            return
        finally:
            shown.close()
        sys.stdout.write("confirmed with fresh seeds:\n\n")
        print_confirmation(found, sys.stdout)

    return confirm
