"""Commands that may be typed next, ready to be copied, in one place: all who offer them agree."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.paths import at_runs_dir, command

if TYPE_CHECKING:
    from actsearch.results.verdict import Judgement
    from actsearch.results.view import RunView

#: What a search that lacked births is offered; in fewer it may not find out that nothing passes.
_MORE_BIRTHS = 3000


def next_commands(
    view: RunView,
    judgement: Judgement | None = None,
    *,
    trains: Sequence[str] = (),
    searches: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """Return the commands that may come next, each with what it does.

    Args:
        view: the run.
        judgement: the verdict on it; None where it was not confirmed.
        trains: words that a command that confirms ends with.
        searches: words that a command that searches ends with.
    """
    from actsearch.results.leader import is_settled, leader_of

    lines = ways_on(view, searches)
    if not view.ranked:
        return lines
    leader = str(leader_of(view, judgement))
    to_confirm = view.has_news and not view.writer and not is_settled(view, judgement)
    verdict = (
        command("confirm", view.path, *trains),
        "the verdict, with more seeds where it is open",
    )
    return [
        *([verdict] if to_confirm else []),
        (command("inspect", view.path, leader), "what the leader is"),
        (command("export", view.path, leader), "a file to drop into a network"),
        *lines,
    ]


def ways_on(view: RunView, searches: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return what goes on from a run, as commands with what they do.

    Args:
        view: the run.
        searches: words that a command that searches ends with.
    """
    from actsearch.runs import is_final, lacks_births, nothing_passed

    if view.writer:  # anything that writes would be refused
        return [(command("watch", view.path), "how far it is")]
    rejected = (command("inspect", view.path, "--rejected"), "what was turned away, and why")
    if nothing_passed(view.ended):
        return [
            rejected,
            (
                command("resume", view.path, *searches) + " --seed-formula FORMULA",
                "go on from one that passes",
            ),
        ]
    if is_final(view.ended) and not view.ranked:
        trained = (command("inspect", view.path, "--all"), "what was trained, without a score")
        return [trained if view.totals.trained else rejected]
    if is_final(view.ended):
        task = ("--task", str(view.config.get("task", "")))
        space = _larger_space(view.config.get("space_settings", {}))
        seeds = ("--seed-run", view.name)
        larger = shlex.join(["actsearch", "search", space, *task, *seeds, *searches])
        return [(larger + at_runs_dir(view.path), "from its best on, in a space without an end")]
    if lacks_births(view.ended):
        limit = (view.births_limit or view.totals.births) + _MORE_BIRTHS
        return [
            (
                command("resume", view.path, "--births", str(limit), *searches),
                "search on, with more births",
            ),
            ("actsearch spaces check FILE", "what the space turns away, and why"),
        ]
    return [(command("resume", view.path, "--budget", "10m", *searches), "search on")]


def _larger_space(settings: Mapping[str, Any]) -> str:
    """Return a shipped space without an end that reads what the formulas of a run read."""
    inputs = settings.get("inputs", ["x"])
    if settings.get("shape", {}).get("layers"):
        return "layerwise"
    return "overlap" if "o" in inputs else "gated" if "u" in inputs else "default"
