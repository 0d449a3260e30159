"""What a run may not differ in from session to session: told in full, before anything is done.

Budget, births, workers, the devices of a kind, a cluster and where the data lie may change. The
space, the task, the seed, the kind of device and the rules of the search decide births and scores:
what is said about them when a run is gone on with is a statement, and has to be true.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError, BadInput, NotSo, shorten
from actsearch.paths import command_to_begin
from actsearch.runs import RunStore
from actsearch.search.space import SearchSpace, load_space, space_from
from actsearch.tasks.protocol import Task
from actsearch.tasks.registry import absolute_spec

#: No value of that key on one side.
_NOTHING = object()
#: What of a run can differ -> what it is called, where that is not its name; and its option.
_CALLED = {"device_kind": "kind of device", "search_rules": "version of the program"}
_OPTIONS = {"space": "--space", "task": "--task", "seed": "--seed", "device_kind": "--devices"}
#: So many differences are told with their values.
_N_TOLD = 8
#: Values are shown so long, from so much before their first difference on.
_MAX_VALUE, _N_BEFORE = 36, 10
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

    @property
    def part(self) -> str:
        """What of a run it is in: its space, task, seed ..."""
        return self.key.partition(".")[0]

    def __str__(self) -> str:
        before, now = _apart(_text(self.before), _text(self.now))
        return f"{self.key}: {before} in the run, {now} {'given' if self.given else 'now'}"


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
    if isinstance(task, str) and not _is_file(task):
        spec = absolute_spec(task)
        if spec != config["task"] or config.get("task_from", "name") != "name":
            found.append(Difference("task", config["task"], spec))
    if kind != config["device_kind"]:
        found.append(Difference("device_kind", config["device_kind"], kind))
    return found


def of_task(config: Mapping[str, Any], task: Task, given: object = None) -> list[Difference]:
    """Return in what a task's settings and rungs differ from those that a run was searched with.

    Args:
        config: The configuration of the run.
        task: The task as it is now.
        given: What the user named it by, if they did. Its own name says nothing new: then it
            changed by itself.
    """
    is_other = isinstance(given, str) and absolute_spec(given) != config.get("task")
    now = json.loads(json.dumps(task.settings()))
    found = list(_differing("task", config.get("task_settings", now), now, is_other))
    if found and is_other:
        found.insert(0, Difference("task", config.get("task"), absolute_spec(str(given))))
    rungs = json.loads(json.dumps([rung.settings() for rung in task.rungs]))
    if "rungs" not in now:
        found += _differing("task.rungs", config.get("rungs", rungs), rungs, is_other)
    return found


def differences_without_data(
    config: Mapping[str, Any], task: Task | None, given: object = None
) -> list[Difference]:
    """Return what ``of_task`` would, as far as a task can tell before it is prepared."""
    with contextlib.suppress(ActsearchError):
        return [] if task is None else of_task(config, task, given)
    return []


def refuse(store: RunStore, found: Sequence[Difference]) -> None:
    """Raise where there are differences, all of them in one message.

    Raises:
        NotSo: All of them were given: without them the run can go on.
        BadInput: There are others.
    """
    if not found:
        return
    keys, config = {one.key for one in found}, store.config
    what = dict.fromkeys(_CALLED.get(one.part, one.part) for one in found)
    message = f"run '{store.name}' can't go on with another {' and another '.join(what)}:"
    message = "\n  ".join((message, *_lines(found)))
    begin = f"or begin a new run from its best: {command_to_begin(store.folder, config)}"
    if "search_rules" in keys:  # nothing would help: other rules are in no option
        raise BadInput(f"{message}\nit can be inspected, confirmed and exported, {begin}")
    if any(one.part == "task" and not one.given for one in found):
        changed = "task.source_sha256" in keys
        back = f"the file of its task, {config['task']}," if changed else "its task"
        rest = ", leave out what was given otherwise" if any(one.given for one in found) else ""
        raise BadInput(f"{message}\nput {back} back as it was{rest}, {begin}")
    instead = ("--devices", str(config["device_kind"])) if "device_kind" in keys else ()
    options = dict.fromkeys(_OPTIONS[one.part] for one in found)
    raise NotSo(message, tuple(options), instead)


def _lines(found: Sequence[Difference]) -> list[str]:
    """Write the differences a line each; of another space, say, the rest as keys alone."""
    n_of = Counter(one.part for one in found)
    first = sorted(found, key=lambda one: n_of[one.part])  # the seed is not lost below a space
    more = ", ".join(one.key for one in first[_N_TOLD:])
    return [*map(str, first[:_N_TOLD]), *([f"and more: {more}"] if more else [])]


def _of_spaces(config: Mapping[str, Any], space: SearchSpace) -> list[Difference]:
    before = config["space_settings"]
    with contextlib.suppress(BadInput):  # what a newer version added has its default there
        before = space_from(before, where="the space of the run").model_dump(mode="json")
    now = space.model_dump(mode="json")
    before, now = ({k: v for k, v in one.items() if k not in _WORDS} for one in (before, now))
    found = list(_differing("space", before, now, given=True))
    name = config["space_settings"].get("name", _NOTHING)
    named = [Difference("space", name, space.name)] if found and name != space.name else []
    return [*named, *found]


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


def _text(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    return " ".join((value if isinstance(value, str) else json.dumps(value)).split())


def _apart(one: str, other: str) -> tuple[str, str]:
    """Return two texts cut to where they begin to differ."""
    n_alike = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    begin = n_alike - _N_BEFORE if n_alike > 2 * _N_BEFORE else 0
    before, after = (f"{'…' if begin else ''}{text[begin:]}" for text in (one, other))
    return shorten(before, _MAX_VALUE), shorten(after, _MAX_VALUE)


def _is_file(spec: str) -> bool:
    return ":" in spec
