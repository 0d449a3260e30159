"""What trials of a run must have in common, and what is refused where they would not compare.

Trials of several sessions are judged together, so they have to come from the same task with the
same test split, from one kind of device, and from seeds and tasks that the search did not use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from actsearch.errors import BadInput
from actsearch.paths import command_to_begin
from actsearch.runs import RunStore, TrialRow
from actsearch.tasks.protocol import Task
from actsearch.trials.arena import Arena
from actsearch.workers import Slots

#: Hexadecimal digits of a setting's digest that a session keeps.
_DIGITS = 16


def digests(arena: Arena) -> dict[str, str]:
    """Return a digest of each setting of a prepared task, and the split that is scored.

    A digest for each rather than one for all, so that what differs can be named.
    """
    found = {"split": arena.split}
    for key, value in arena.task.settings().items():
        text = json.dumps(value, sort_keys=True)
        found[key] = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return found


def check_same_trials(store: RunStore, arena: Arena) -> None:
    """Refuse a prepared task that is not what earlier trials of the run were made with.

    Raises:
        BadInput: its settings differ, the test split among them; the message says in what.
    """
    now = digests(arena)
    for session in store.sessions():
        kept = session.info.get("settings")
        before = kept.get(arena.name) if isinstance(kept, dict) else None
        if not before or before.get("split") != arena.split:  # those trials are not used
            continue
        differing = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        if differing:
            raise BadInput(
                f"trials of run '{store.name}' on task '{arena.name}' were made with other "
                f"settings of it: {', '.join(sorted(differing))} differ. Scores would not compare; "
                "put back what was changed, or begin a new run from its best and confirm that: "
                f"{command_to_begin(store.folder, store.config)}"
            )


def check_other_tasks(task: Task, others: Sequence[Task]) -> None:
    """Refuse transfer tasks that the search used, as a part or with another score, or named twice.

    Raises:
        BadInput: one is no other task.
    """
    used = {_base(part): part for part in task.name.split("+")}
    for other in others:
        for part in other.name.split("+"):
            if _base(part) in used:
                raise BadInput(
                    f"the search used task '{used[_base(part)]}', so '{other.name}' shows no "
                    "transfer; --transfer takes tasks that the run did not use"
                )
    names = [other.name for other in others]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"task '{twice}' is named twice; name each transfer task once")


def _base(name: str) -> str:
    """Return the name of a task without its score, as "a" of "a@loss"."""
    return name.partition("@")[0]


def check_fresh(store: RunStore, seeds: Sequence[int]) -> None:
    """Refuse a run whose search used one of the seeds of trials.

    Raises:
        BadInput: it did.
    """
    used = {training.seed for training in store.trainings()}.intersection(seeds)
    if used:
        raise BadInput(
            f"the search trained with seed {min(used)}, and seeds {seeds[0]} to {seeds[-1]} are "
            "kept for trials; give the task's rungs smaller seeds"
        )


def check_devices(rows: Iterable[TrialRow], slots: Slots, run: str) -> None:
    """Refuse to go on with trials on another kind of device.

    Raises:
        BadInput: the trials so far were made on one.
    """
    kind = slots.devices[0].partition(":")[0]
    before = {row.device.partition(":")[0] for row in rows} - {kind}
    if before:
        raise BadInput(
            f"trials of run '{run}' were made on {', '.join(sorted(before))}, and scores of {kind} "
            f"would not compare; go on with --devices {min(before)}"
        )
