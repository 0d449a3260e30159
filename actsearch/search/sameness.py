"""What a run may not differ in from session to session: told in full, before anything is done.

Budget, births, workers, the devices of a kind, a cluster and where the data lie may change. The
space, the task, the seed, the kind of device and the rules of the search decide births and scores:
what is said about them when a run is gone on with is a statement, and has to be true.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError, BadInput, shorten
from actsearch.runs import RunStore
from actsearch.search.space import SearchSpace, load_space, space_from
from actsearch.tasks.protocol import Task
from actsearch.tasks.registry import absolute_spec

#: No value of that key on one side.
_NOTHING = object()
#: Keys of a space that decide nothing.
_WORDS = {"name", "description", "source"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not what it was.

    Attributes:
        key: What, with dots between a thing and its parts.
        before: In the run.
        now: As it was given, or as it is now.
        given: Whether the user said so; else it changed by itself.
    """

    key: str
    before: Any
    now: Any
    given: bool = True

    def __str__(self) -> str:
        return (
            f"{self.key}: {_shown(self.before)} in the run, "
            f"{_shown(self.now)} {'given' if self.given else 'now'}"
        )


def stated(
    config: Mapping[str, Any],
    *,
    rules: int,
    kind: str,
    space: str | Path | SearchSpace | None = None,
    seed: int | None = None,
    task: str | Task | None = None,
) -> list[Difference]:
    """Return in what a run differs from what is said of it, as far as that needs no data.

    Args:
        config: The configuration of the run.
        rules: Those of this program's searches.
        kind: Of the devices, ``cpu`` or ``cuda``.
        space: As said; None: nothing is.
        seed: As said; None: nothing is.
        task: As said; only a shipped task's name is looked at here.

    Raises:
        BadInput: There is no such space or task.
    """
    found = []
    if config.get("search_rules") != rules:
        found.append(Difference("search_rules", config.get("search_rules"), rules, given=False))
    if space is not None:
        found += _of_spaces(config, space if isinstance(space, SearchSpace) else load_space(space))
    if seed is not None and seed != config["seed"]:
        found.append(Difference("seed", config["seed"], seed))
    if isinstance(task, str) and not (_is_file(task) or _is_file(str(config.get("task", "")))):
        spec = absolute_spec(task)
        if spec != config["task"] or config.get("task_from", "name") != "name":
            found.append(Difference("task", config["task"], spec))
    if kind != config["device_kind"]:
        found.append(Difference("device_kind", config["device_kind"], kind))
    return found


def of_task(config: Mapping[str, Any], task: Task, *, given: bool) -> list[Difference]:
    """Return in what a task's settings and rungs differ from those that a run was searched with.

    Args:
        config: The configuration of the run.
        task: The task as it is now.
        given: Whether the user named it.
    """
    now = json.loads(json.dumps(task.settings()))
    found = list(_differing("task", config.get("task_settings", now), now, given))
    rungs = json.loads(json.dumps([rung.settings() for rung in task.rungs]))
    if "rungs" not in now:
        found += _differing("task.rungs", config.get("rungs", rungs), rungs, given)
    return found


def differences_without_data(
    config: Mapping[str, Any], task: Task | None, *, given: bool
) -> list[Difference]:
    """Return what ``of_task`` would, as far as a task can tell before it is prepared."""
    with contextlib.suppress(ActsearchError):
        return [] if task is None else of_task(config, task, given=given)
    return []


def refuse(store: RunStore, found: Sequence[Difference]) -> None:
    """Raise where there are differences, all of them in one message.

    Raises:
        BadInput: There are.
    """
    if not found:
        return
    keys, config, name = {one.key for one in found}, store.config, store.name
    remedies = ["leave out what differs"] if any(one.given for one in found) else []
    if "device_kind" in keys:
        remedies.append(f"give --devices {config['device_kind']}")
    if "task.source_sha256" in keys:
        remedies.append(f"put the file of its task, {config['task']}, back: it was changed since")
    elif any(one.key.startswith("task.") and not one.given for one in found):
        remedies.append("put its task back as it was")
    if "search_rules" in keys:
        # Nothing else would help: other rules are in no option.
        remedies = ["it can be inspected, confirmed and exported"]
    how = "by another version of the program" if "search_rules" in keys else "otherwise"
    raise BadInput(
        f"run '{name}' was begun {how}, and what is added to it now would not be of the same run "
        f"({'; '.join(map(str, found))}); {', '.join(remedies)}, or start a new run from its best: "
        f"actsearch search --seed-run {name}"
    )


def _of_spaces(config: Mapping[str, Any], space: SearchSpace) -> list[Difference]:
    before = config["space_settings"]
    with contextlib.suppress(BadInput):  # what a newer version added has its default there
        before = space_from(before, where="the space of the run").model_dump(mode="json")
    now = space.model_dump(mode="json")
    before, now = ({k: v for k, v in one.items() if k not in _WORDS} for one in (before, now))
    return list(_differing("space", before, now, given=True))


def _differing(key: str, before: Any, now: Any, given: bool) -> Iterator[Difference]:
    """Yield the innermost differences of two values of JSON."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*before, *now)):
            one, other = before.get(name, _NOTHING), now.get(name, _NOTHING)
            yield from _differing(f"{key}.{name}", one, other, given)
    elif (
        isinstance(before, list)
        and isinstance(now, list)
        and len(before) == len(now)
        and any(isinstance(one, dict) for one in (*before, *now))
    ):
        for place, pair in enumerate(zip(before, now, strict=True)):
            yield from _differing(f"{key}[{place}]", *pair, given)
    elif before is _NOTHING or now is _NOTHING or before != now:
        yield Difference(key, before, now, given)


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    return shorten(value if isinstance(value, str) else json.dumps(value), 60)


def _is_file(spec: str) -> bool:
    return ":" in spec
