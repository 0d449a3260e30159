"""What it takes to do a run again: commands, configuration, environment, sessions."""

from __future__ import annotations

import datetime
import json
import shlex

from actsearch.durations import format_duration
from actsearch.paths import at_runs_dir, command
from actsearch.report.values import (
    MOST_CHARS_IN_FULL,
    Cell,
    Command,
    Fact,
    Head,
    Table,
    clean,
    count,
    whole,
    words,
)
from actsearch.results.leader import is_settled
from actsearch.results.tables import flatten, jsonable, plain, printable
from actsearch.runs.added import ADDED
from actsearch.trials.account import Account
from actsearch.trials.forward import is_led, put_forward

#: A longer one nobody would read, and a terminal may refuse.
MOST_CHARS_OF_A_COMMAND = 4000
#: Tasks that need no download, for whoever wants to know whether a formula is good elsewhere.
_OTHERS = ("mnist1d-mlp", "mnist1d-cnn")


def transferred(account: Account) -> tuple[str, ...]:
    """Return the names of the tasks besides its own that the finalists were tried on."""
    tasks = [one.info.get("tasks") for one in account.run.sessions]
    found = [str(name) for names in tasks if isinstance(names, list) for name in names[1:]]
    return tuple(dict.fromkeys(found))


def environment(account: Account) -> tuple[Fact, ...]:
    """Return what the run was started on."""
    pairs = flatten(jsonable(account.run.environment))
    return tuple(
        Fact(clean(key.replace("_", " ").replace(".", " · "), 60), clean(plain(value), 600))
        for key, value in pairs[:60]
        if key != "command"
    )


def sessions(account: Account) -> Table | None:
    """Return the stretches of work on the run."""
    if not account.run.sessions:
        return None
    last = account.run.sessions[-1]
    heads = (
        Head("session", "", "number"),
        Head("what"),
        Head("began (UTC)"),
        Head("took", "", "number"),
        Head("workers", "", "number"),
        Head("ended"),
    )
    rows = tuple(
        (
            count(one.id),
            Cell("confirmation" if one.info.get("kind") == "confirm" else "search"),
            Cell(_utc(one.begin_s), one.begin_s),
            Cell(format_duration(one.active_s), one.active_s, f"{one.active_s:.3f} s", "number"),
            whole(one.info.get("workers")),
            words(one.outcome or ("going on" if account.run.writer and one is last else "killed")),
        )
        for one in account.run.sessions
    )
    return Table("sessions", "Sessions", heads, rows)


def _utc(time_s: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(time_s, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return "unknown"
    return moment.strftime("%Y-%m-%d %H:%M")


def commands(account: Account) -> tuple[Command, ...]:
    """Return what reproduces the run, and what goes on from it."""
    run = account.run
    typed = run.environment.get("command")
    found = []
    if isinstance(typed, list) and "search" in map(str, typed[:3]):
        found += _whole(["actsearch", *map(str, typed[1:])], "as it was typed")
    if run.config.get("task_from", "name") == "name":
        found += _search(account)
    found += [Command(command("watch", run.path), "how far it is")] if run.writer else _on(account)
    if run.ranked:
        first, whose = _first(account)
        found += [
            Command(command("inspect", run.path, *first), f"all that is known of {whose}"),
            Command(command("export", run.path, *first), "the same as a file for a network"),
        ]
    found.append(Command(command("report", run.path), "this page anew"))
    return tuple(found)


def _on(account: Account) -> list[Command]:
    """Return what goes on with the run; whatever writes it is refused while another does."""
    run = account.run
    found = [Command(command("resume", run.path, "--budget", "10m"), "search on")]
    if not run.has_news:
        return found
    if not is_settled(run, account.judgement):
        does = "find out by fresh seeds whether what leads is better"
        found.append(Command(command("confirm", run.path), does))
    own = str(run.config.get("task", "")).split(",")
    others = [name for name in _OTHERS if name not in {one.partition("@")[0] for one in own}]
    does = "try the finalists on other tasks"
    if tried := transferred(account):
        others, does = list(tried), "the verdicts on other tasks, and on with them"
    if others:
        transfer = command("confirm", run.path, "--transfer", ",".join(others))
        found.append(Command(transfer, does))
    return found


def _first(account: Account) -> tuple[list[str], str]:
    """Return the birth that the page begins with, as commands take it, and what to call it."""
    ids = {row["formula"]: str(row["id"]) for row in reversed(account.run.ranked)}
    for formula in put_forward(account)[:1]:
        if formula in ids:
            return [ids[formula]], "the leader" if is_led(account) else "the best new function"
    return list(ids.values())[-1:], "the first of the hall of fame"


def _whole(words: list[str], does: str) -> list[Command]:
    """Return a command that can be copied, or none: half of one would do something else."""
    line = shlex.join(words)
    if len(line) > MOST_CHARS_OF_A_COMMAND or printable(line) != line:
        return []
    return [Command(line, does)]


def _search(account: Account) -> list[Command]:
    """Write the command that breeds the same births: their number in place of a time.

    What was added to the run later can't be given at its beginning: then as far as that.
    """
    config, run = account.run.config, account.run
    n, does = max(1, run.totals.births), "the same search again, to the same births"
    if added := [birth.id for birth in run.births if birth.operator == ADDED]:
        n = max(1, min(added))
        does = (
            f"the same search again, to its first {n:,} births: later formulas were added by hand"
        )
    options: dict[str, object] = {"--task": config.get("task", "")}
    options |= {"--births": n, "--seed": config.get("seed", 0)}
    said = [str(word) for pair in options.items() for word in pair]
    for formula in config.get("seed_formulas") or ():
        said += ["--seed-formula", str(formula)]
    if config.get("data"):
        said += ["--data", str(config["data"])]
    said += ["--run", f"{run.name}-again"]
    said += shlex.split(at_runs_dir(run.path))
    space = str(config.get("space", "default"))
    return _whole(["actsearch", "search", space, *said], does)


def configuration(account: Account) -> str:
    """Return the configuration as it is stored, as JSON."""
    text = json.dumps(jsonable(account.run.config), indent=1)
    return text if len(text) <= MOST_CHARS_IN_FULL else text[:MOST_CHARS_IN_FULL] + "\n..."
