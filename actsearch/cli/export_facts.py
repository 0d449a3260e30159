"""What a run says of a function that is exported: where it comes from, how it did, what it learned.

Read from the store alone; nothing is trained. Where a run was confirmed the trials speak; else the
scores that the search went by, and then that is said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.results.statistics import Paired, mean_and_error, paired

if TYPE_CHECKING:
    from actsearch.expressions import Candidate, Expression
    from actsearch.results.verdict import Row
    from actsearch.runs import TrainingRow
    from actsearch.trials.judged import OnTask

#: How many known activations stand beside a function, the best first.
N_KNOWN = 10
_VERSIONS = ("actsearch", "torch", "numpy")
_PER_DIFFERENCE = (
    "Differences are this function's score minus the other's at the same seeds, with the 95 % "
    "interval of the single comparison."
)


class RunFacts:
    """The facts of one run, read once for all that is exported of it.

    Raises:
        BadInput: The folder holds no readable run.
    """

    def __init__(self, path: Path) -> None:
        from actsearch.trials.account import read_account

        account = read_account(path)
        view, found = account.run, account.trials
        self._leader = account.leader
        self.name, self.config, self._ladder = view.name, view.config, view.ladder
        self._environment, self._trainings = view.environment, view.trainings
        self._births = {birth.id: birth for birth in view.births}
        self.rows = {row["id"]: row for row in view.rows}
        self._confirmed: OnTask | None = None
        self._trial_scores: Mapping[str, Mapping[int, float]] = {}
        if found is not None and found.verdict.judgement.n_looks:
            self._confirmed, self._trial_scores = found.verdict, found.scores

    @property
    def ranked(self) -> list[int]:
        """Ids of the births with a score, the leader first, then by rank."""
        ids = [id_ for id_, row in self.rows.items() if row["rank"] is not None]
        return sorted(ids, key=lambda id_: id_ != self._leader)

    def candidate(self, id_: int) -> Candidate:
        """Return what a birth is."""
        from actsearch.expressions import parse_candidate

        return parse_candidate(self.rows[id_]["formula"])

    def provenance(self, id_: int) -> dict[str, Any]:
        """Return where a birth comes from, by what it is; what is not known is left out."""
        row, birth = self.rows[id_], self._births[id_]
        seeds = sorted({one.seed for one in self._of(id_) if one.rung == row["rung"]})
        versions = self._environment.get("versions", {})
        facts = {
            "run": self.name,
            "birth": id_,
            "known as": row["known"],
            "task": _without_folders(str(self.config.get("task", ""))),
            "space": self.config.get("space"),
            "data": _data(self.config.get("task_settings", {})),
            "seed of the search": self.config.get("seed"),
            "seeds of the trainings": seeds,
            "rung of the trainings": row["rung"],
            **{package: versions.get(package) for package in _VERSIONS},
            "python": self._environment.get("python"),
            "date": time.strftime("%Y-%m-%d", time.gmtime(birth.created_s)),
        }
        return {key: value for key, value in facts.items() if value not in (None, "", [])}

    def measured(self, id_: int, name: str) -> dict[str, Any]:
        """Return how well a birth did beside the best known activations.

        Args:
            id_: The birth.
            name: What the function is called in the files.
        """
        return self._from_trials(id_, name) or self._from_search(id_, name)

    def learned(self, id_: int, part: Expression | None = None) -> dict[str, float]:
        """Return what a birth's parameters were learned to be.

        Args:
            id_: The birth.
            part: Of a formula for each group of layers, that of one group; then only what no other
                group has a parameter of the same name for.
        """
        from actsearch.expressions import Layered
        from actsearch.runs.learned import learned_means

        means = learned_means(self._of(id_), self._ladder)
        candidate = self.candidate(id_)
        if part is None or not isinstance(candidate, Layered):
            return means
        having = [name for one in candidate.parts for name in one.parameters]
        return {
            name: mean
            for name, mean in means.items()
            if name in part.parameters and having.count(name) == 1
        }

    def _of(self, id_: int) -> list[TrainingRow]:
        return [one for one in self._trainings if one.birth_id == id_]

    def _from_trials(self, id_: int, name: str) -> dict[str, Any] | None:
        """Return what the trials measured of a birth; None where it took no part."""
        if self._confirmed is None:
            return None
        own = self._births[id_]
        rows = self._confirmed.rows
        ours = next((row for row in rows if row.formula == own.formula), None)
        if ours is None:  # a known activation may be written in another way there
            ours = next((row for row in rows if row.name == self.rows[id_]["known"]), None)
        scores = {} if ours is None else self._trial_scores.get(ours.formula, {})
        if ours is None or not scores:
            return None
        leads = ours is rows[0]
        listed = [_row(name, ours.mean, ours.standard_error, ours.n)]
        known = [row for row in rows if row.kind == "known" and row is not ours and row.n]
        for row in sorted(known, key=lambda row: -(row.mean or 0.0))[:N_KNOWN]:
            # Of the leader the verdict has the comparisons, at the seeds that decided.
            # Of others the seeds that the means are of: a look may be under way.
            theirs = _first(self._trial_scores[row.formula], row.n)
            pair = row if leads else paired(_first(scores, ours.n), theirs)
            listed.append(_row(row.name, row.mean, row.standard_error, row.n, pair))
        split, score = self._confirmed.split, self._confirmed.score_name
        return {
            "sentence": f"{self._confirmed.sentence.rstrip('.')}. Measured on the {split} split "
            f"with fresh seeds; ± is the standard error. {_PER_DIFFERENCE}",
            "score": score if split in score else f"{score} ({split} split)",
            "rows": listed,
        }

    def _from_search(self, id_: int, name: str) -> dict[str, Any]:
        """Return the scores of the search at the longest rung that a birth reached."""
        own = self.rows[id_]
        if own["score"] is None:
            return {}
        ours = self._scores(id_, own["rung"])
        listed = [_row(name, *mean_and_error(list(ours.values())), len(ours))]
        known = {
            row["known"]: self._scores(row["id"], own["rung"])
            for row in self.rows.values()
            if row["known"] and row["id"] != id_
        }
        means = {one: mean_and_error(list(s.values())) for one, s in known.items() if s}
        for one in sorted(means, key=lambda one: -means[one][0])[:N_KNOWN]:
            listed.append(_row(one, *means[one], len(known[one]), paired(ours, known[one])))
        return {
            "sentence": "These are the scores that the search selected by, so those of what it "
            "chose are higher than fresh trainings would be; the run was not confirmed with this "
            f"function. ± is the standard error. {_PER_DIFFERENCE}",
            "score": str(self.config.get("score_name", "score")),
            "rows": listed,
        }

    def _scores(self, id_: int, rung: str) -> dict[int, float]:
        found = (one for one in self._of(id_) if one.rung == rung)
        return {one.seed: one.score for one in found if one.score is not None}


def _first(scores: Mapping[int, float], n: int) -> dict[int, float]:
    return dict(sorted(scores.items())[:n])


def _row(
    name: str, mean: float | None, error: float | None, n: int, pair: Row | Paired | None = None
) -> dict[str, Any]:
    row = {"activation": name, "mean": mean, "standard_error": error, "n": n}
    if pair is not None and pair.low is not None:
        difference = pair.mean if isinstance(pair, Paired) else pair.difference
        row |= {"difference": difference, "low": pair.low, "high": pair.high}
    return row


def _without_folders(task: str) -> str:
    """Return a task's name without the folders of its file, which are nobody else's business."""
    return re.sub(r"(^|,)[^,]*[/\\]", r"\1", task)


def _data(settings: Mapping[str, Any]) -> str:
    """Say in a few words what data a task trains on; "" where it does not say."""
    if "tasks" in settings:  # several tasks as one
        return "; ".join(filter(None, map(_data, settings["tasks"])))
    data = settings.get("data")
    if not isinstance(data, Mapping):
        return ""
    said = [str(data.get("name", ""))]
    said += [f"{data[key]} {word}" for key, word in _COUNTS if data.get(key) is not None]
    said += [f"digest {data['digest']}"] if data.get("digest") else []
    return ", ".join(filter(None, said))


_COUNTS = (("n_train", "training samples"), ("n_validation", "validation samples"))
