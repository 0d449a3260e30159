"""The log of a run: what its search decided and what came of it, as lines that compare.

One line of JSON an event, in an order and a form that depend on the run alone. Two executions of
one run (the same space, task and seed, as far as both went) have the same log, whatever the number
of workers, wherever they ran, in whatever order they ended, and however often the run was
interrupted. So no line has a time, a device, a host, a path or a message of an error.

The order is that of the decisions: a heat comes after the births up to the one that it trains, and
is followed by its trainings in the order of their seeds, up to one that crashed or hung in the end:
the others were no longer to be made, and whether one had begun already depends on the moment. A
training that no heat asked for (format
1 had no heats) comes at the end. Trials are no part of the search.

The fields are those of the records (``runs.records``). Infinities and NaN are the strings
"Infinity", "-Infinity" and "NaN".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actsearch.runs import rows
from actsearch.runs.records import NO_END, Birth, Heat, TrainingRow
from actsearch.runs.store import RunStore

_TIMED = "_s"  # seconds: the unit that ends the name of a metric


def event_log(store: RunStore) -> list[str]:
    """Return the log of a run, as of one moment.

    Raises:
        BadInput: its file is damaged.
        ActsearchError: it can't be read.
    """
    with store.reading():
        return list(events(store.births(), store.heats(), store.trainings()))


def events(
    births: Iterable[Birth], heats: Iterable[Heat], trainings: Iterable[TrainingRow]
) -> Iterator[str]:
    """Yield the log that these records come to: lines without their ends.

    Args:
        births: by id.
        heats: by id.
        trainings: in any order.
    """
    left = {(row.birth_id, row.rung, row.seed): row for row in trainings}
    to_come = iter(births)
    n_births = 0
    without_end: set[int] = set()
    for heat in heats:
        while n_births <= heat.birth_id and (birth := next(to_come, None)) is not None:
            yield _line(_birth(birth))
            n_births += 1
        yield _line(_heat(heat))
        for seed in sorted(heat.seeds):
            row = left.pop((heat.birth_id, heat.rung, seed), None)
            if row is not None and heat.birth_id not in without_end:
                if row.status in NO_END:
                    without_end.add(heat.birth_id)
                yield _line({"event": "training", "heat": heat.id, **_training(row)})
    for birth in to_come:
        yield _line(_birth(birth))
    for key in sorted(left):
        yield _line({"event": "training", "heat": None, **_training(left[key])})


def digest(log: Iterable[str]) -> str:
    """Return the SHA-256 of a log, each of its lines ended by a line feed, in hexadecimal."""
    total = hashlib.sha256()
    for line in log:
        total.update(line.encode("ascii") + b"\n")
    return total.hexdigest()


def _birth(birth: Birth) -> Mapping[str, Any]:
    return {
        "event": "birth",
        "id": birth.id,
        "operator": birth.operator,
        "parents": birth.parents,
        "formula": birth.formula,
        "fingerprint": birth.fingerprint,
        "status": birth.status,
        # What follows a second colon is the message of an error that came up in judging it.
        "reason": ":".join(birth.reason.split(":")[:2]) if _erred(birth) else birth.reason,
        "same_as": birth.same_as,
        "size": birth.size,
        "penalty": birth.penalty,
    }


def _erred(birth: Birth) -> bool:
    return birth.reason.startswith("can't be analysed: ")


def _heat(heat: Heat) -> Mapping[str, Any]:
    return {
        "event": "heat",
        "id": heat.id,
        "birth_id": heat.birth_id,
        "rung": heat.rung,
        "seeds": heat.seeds,
        "pace": [[step, rows.writable(score)] for step, score in heat.pace],
        "seen": heat.seen,
    }


def _training(row: TrainingRow) -> Mapping[str, Any]:
    return {
        "birth_id": row.birth_id,
        "rung": row.rung,
        "seed": row.seed,
        "status": row.status,
        "score": row.score,
        "metrics": {
            name: rows.writable(value)
            for name, value in sorted(row.metrics.items())
            if not name.endswith(_TIMED)
        },
        "curve": [
            [step, rows.writable(loss), rows.writable(score)] for step, loss, score in row.curve
        ],
    }


def _line(event: Mapping[str, Any]) -> str:
    return rows.dump(event)
