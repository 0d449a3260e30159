"""Records to table rows and back.

Lists and mappings are strict JSON (other programs read these files too), where NaN and the
infinities do not exist: they are written as the strings "NaN", "Infinity" and "-Infinity". Reading
checks every type, since a file may come from anyone.
"""

from __future__ import annotations

import json
import math
from typing import Any

from actsearch.runs.records import (
    BIRTH_STATUSES,
    STOPPED,
    TRAINING_STATUSES,
    Birth,
    Heat,
    Session,
    TrainingRow,
    TrialRow,
)

BIRTH_COLUMNS = (
    "id, operator, parents, formula, fingerprint, status, reason, same_as, size, created_s, penalty"
)
TRAINING_COLUMNS = "birth_id, rung, seed, status, score, metrics, curve, time_s, device, message"
HEAT_COLUMNS = "id, birth_id, rung, seeds, pace, seen"
TRIAL_COLUMNS = "task, split, formula, seed, status, score, metrics, curve, time_s, device, message"
META_COLUMNS = "key, value"
SESSION_COLUMNS = "id, begin_s, end_s, active_s, info, outcome"

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Malformed(ValueError):
    """A row or a text that this program can't have written."""


def birth_to_row(birth: Birth) -> tuple[Any, ...]:
    """Return the values of ``BIRTH_COLUMNS``.

    Raises:
        ValueError: the status is unknown, a parent or ``same_as`` is not an earlier birth, or a
            duplicate has none.
    """
    if birth.status not in BIRTH_STATUSES:
        raise ValueError(f"birth {birth.id}: unknown status '{birth.status}'")
    earlier = range(birth.id)
    if not all(parent in earlier for parent in birth.parents):
        raise ValueError(f"birth {birth.id}: parents {birth.parents} are not all earlier births")
    if (birth.same_as is not None) != (birth.status == "duplicate"):
        raise ValueError(
            f"birth {birth.id}: same_as is given for a duplicate and for no other; it is "
            f"{birth.same_as} with status '{birth.status}'"
        )
    if not 0 <= birth.penalty < math.inf:
        raise ValueError(f"birth {birth.id}: a penalty is 0 or more, got {birth.penalty}")
    if birth.same_as is not None and birth.same_as not in earlier:
        raise ValueError(f"birth {birth.id}: same_as {birth.same_as} is not an earlier birth")
    return (
        birth.id,
        birth.operator,
        dump(list(birth.parents)),
        birth.formula,
        birth.fingerprint,
        birth.status,
        _storable(birth.reason),
        birth.same_as,
        birth.size,
        birth.created_s,
        birth.penalty,
    )


def birth_from_row(row: tuple[Any, ...]) -> Birth:
    """Return the birth in a row of ``BIRTH_COLUMNS``. Raises ``Malformed``."""
    id_, operator, parents, formula, fingerprint, status, reason, same_as, size, created_s, penalty = (
        row
    )
    return Birth(
        id=_integer(id_),
        operator=_text(operator),
        parents=tuple(_integer(parent) for parent in _list(load(parents))),
        formula=_text(formula),
        fingerprint=None if fingerprint is None else _text(fingerprint),
        status=_text(status),
        reason=_text(reason),
        same_as=None if same_as is None else _integer(same_as),
        size=_integer(size),
        created_s=_number(created_s),
        penalty=_number(penalty),
    )


def training_to_row(row: TrainingRow) -> tuple[Any, ...]:
    """Return the values of ``TRAINING_COLUMNS``.

    Raises:
        ValueError: the status is unknown, does not go with the score, or is that of a training
            that was stopped.
    """
    return (row.birth_id, row.rung, row.seed, *_outcome_to_row(row, f"birth {row.birth_id}"))


def training_from_row(row: tuple[Any, ...]) -> TrainingRow:
    """Return the training in a row of ``TRAINING_COLUMNS``. Raises ``Malformed``."""
    birth_id, rung, seed, *outcome = row
    return TrainingRow(
        birth_id=_integer(birth_id),
        rung=_text(rung),
        seed=_integer(seed),
        **_outcome_from_row(outcome),
    )


def trial_to_row(row: TrialRow) -> tuple[Any, ...]:
    """Return the values of ``TRIAL_COLUMNS``. Raises ValueError as ``training_to_row`` does."""
    outcome = _outcome_to_row(row, f"the trial of '{row.formula}'")
    return (row.task, row.split, row.formula, row.seed, *outcome)


def trial_from_row(row: tuple[Any, ...]) -> TrialRow:
    """Return the trial in a row of ``TRIAL_COLUMNS``. Raises ``Malformed``."""
    task, split, formula, seed, *outcome = row
    return TrialRow(
        task=_text(task),
        split=_text(split),
        formula=_text(formula),
        seed=_integer(seed),
        **_outcome_from_row(outcome),
    )


def heat_to_row(heat: Heat) -> tuple[Any, ...]:
    """Return the values of ``HEAT_COLUMNS``. Raises ValueError for a heat without seeds."""
    if not heat.seeds or len(set(heat.seeds)) < len(heat.seeds):
        raise ValueError(f"heat {heat.id} needs different seeds, got {heat.seeds}")
    pace = [[step, writable(score)] for step, score in heat.pace]
    return heat.id, heat.birth_id, heat.rung, dump(list(heat.seeds)), dump(pace), heat.seen


def heat_from_row(row: tuple[Any, ...]) -> Heat:
    """Return the heat in a row of ``HEAT_COLUMNS``. Raises ``Malformed``."""
    id_, birth_id, rung, seeds, pace, seen = row
    return Heat(
        id=_integer(id_),
        birth_id=_integer(birth_id),
        rung=_text(rung),
        seeds=tuple(_integer(seed) for seed in _list(load(seeds))),
        pace=tuple(_pace_point(point) for point in _list(load(pace))),
        seen=_integer(seen),
    )


def session_from_row(row: tuple[Any, ...]) -> Session:
    """Return the session in a row of ``SESSION_COLUMNS``. Raises ``Malformed``."""
    id_, begin_s, end_s, active_s, info, outcome = row
    return Session(
        id=_integer(id_),
        begin_s=_number(begin_s),
        end_s=None if end_s is None else _number(end_s),
        active_s=_number(active_s),
        info=_dict(load(info)),
        outcome=_text(outcome),
    )


def dump(value: Any) -> str:
    """Return ``value`` as compact strict JSON. Raises TypeError or ValueError if it has none."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def writable(value: float) -> float | str:
    """Return a number as strict JSON has it: where it is not finite, its name."""
    value = float(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def load(text: Any) -> Any:
    """Return the value of a JSON text. Raises ``Malformed``."""
    try:
        return json.loads(_text(text))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error


def load_object(text: Any) -> dict[str, Any]:
    """Return the mapping in a JSON text. Raises ``Malformed``."""
    return _dict(load(text))


def ladder(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the rungs in a run's configuration. Raises ``Malformed``."""
    if "rungs" not in config:  # format 1 had a single one
        return (_text(config.get("rung", "")),)
    return tuple(_text(_dict(rung).get("name")) for rung in _list(config["rungs"]))


def _outcome_to_row(row: TrainingRow | TrialRow, whose: str) -> tuple[Any, ...]:
    """Return the columns from ``status`` on, which trainings and trials share."""
    if row.status == STOPPED:
        raise ValueError(
            f"{whose}: a stopped training is no result; leave it out, and resume trains it again"
        )
    if row.status not in TRAINING_STATUSES:
        raise ValueError(f"{whose}: unknown status '{row.status}'")
    scored = row.score is not None and math.isfinite(row.score)
    if scored != (row.status == "ok") or (row.score is not None and not scored):
        raise ValueError(f"{whose}: status '{row.status}' with score {row.score}")
    return (
        row.status,
        row.score,
        dump({key: writable(value) for key, value in row.metrics.items()}),
        dump([[step, writable(loss), writable(score)] for step, loss, score in row.curve]),
        row.time_s,
        row.device,
        _storable(row.message),
    )


def _outcome_from_row(outcome: list[Any]) -> dict[str, Any]:
    status, score, metrics, curve, time_s, device, message = outcome
    return {
        "status": _text(status),
        "score": None if score is None else _number(score),
        "metrics": {_text(key): _readable(value) for key, value in _dict(load(metrics)).items()},
        "curve": tuple(_point(point) for point in _list(load(curve))),
        "time_s": _number(time_s),
        "device": _text(device),
        "message": _text(message),
    }


def _readable(value: Any) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    return _number(value)


def _point(value: Any) -> tuple[int, float, float]:
    match value:
        case [step, loss, score]:
            return _integer(step), _readable(loss), _readable(score)
    raise Malformed(f"a point of a curve has three numbers, not {value!r:.60}")


def _pace_point(value: Any) -> tuple[int, float]:
    match value:
        case [step, score]:
            return _integer(step), _readable(score)
    raise Malformed(f"a point of a pace has two numbers, not {value!r:.60}")


def _storable(text: str) -> str:
    # Messages quote whatever failed; half of a surrogate pair in them must not fail the commit.
    return text.encode("utf-8", "replace").decode("utf-8")


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise Malformed(f"an integer is wanted, not {value!r:.60}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise Malformed(f"a number is wanted, not {value!r:.60}")
    try:
        return float(value)
    except OverflowError as error:
        raise Malformed(f"a number is too large: {value!r:.60}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed(f"a text is wanted, not {value!r:.60}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"a list is wanted, not {value!r:.60}")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"an object is wanted, not {value!r:.60}")
    return value
