"""What each shipped space finds, beside its own seeds.

A search of each space on the task it is for; then its best finalists and the best of its seeds,
both chosen by the search's own scores, are trained with fresh seeds and scored on the test split.
The differences are to the best seed, in pairs, with Holm's correction within a table. Prints
markdown.

    python -m benchmarks.spaces [--spaces swish,gated] [--budget 5m] [--seed 0] [--trials 10]
"""

from __future__ import annotations

import argparse
import contextlib
import platform
import tempfile
import time
from pathlib import Path

from actsearch.expressions import parse_candidate
from actsearch.runs import RunStore, Scored, hall_of_fame
from actsearch.search import search, space_files
from actsearch.tasks.registry import load_task
from actsearch.trials.compare import compare
from actsearch.trials.entries import Entry
from actsearch.trials.saved import NothingToConfirm, finalists_of

N_FINALISTS, N_SEEDS = 3, 4
#: Space -> the task that it is for; the others are searched on the first.
USUAL_TASK = "mnist1d-mlp"
TASKS = {
    "default": "mnist1d-cnn",
    "gated": "mnist1d-mlp@equal-parameters",
    "layerwise": "mnist1d-cnn",
    "overlap": "keywords",
    "positive": "mdn",
}


def table(name: str, options: argparse.Namespace, folder: Path) -> str:
    """Search a space, try what it found, and return the table."""
    task = load_task(TASKS.get(name, USUAL_TASK))
    result = search(
        name,
        task,
        budget=options.budget,
        workers=options.workers,
        devices="cpu",
        seed=options.seed,
        run=name,
        runs_dir=folder,
    )
    with RunStore.open(result.path) as store:
        births, trainings = store.births(), store.trainings()
        ranked = hall_of_fame(births, trainings, ladder=store.ladder)
        seeds = best_seeds(ranked)
        try:
            finalists = [one for one in finalists_of(store, 9, task) if one not in seeds]
        except NothingToConfirm:
            finalists = []
    n_trained = len({row.birth_id for row in trainings})
    head = (
        f"### {name}\n\nTask `{task.name}`, {len(births):,} births, {n_trained} of them trained in "
        f"{len(trainings):,} trainings; {result.ended}.\n"
    )
    if not finalists or not seeds:
        return f"{head}\nNothing that is not among its seeds or known came to a score.\n"
    tried = [*finalists[:N_FINALISTS], *seeds]
    found = compare(
        task,
        tried,
        options.trials,
        baseline=seeds[0],
        test=True,
        workers=options.workers,
        devices="cpu",
    )
    rows = [
        written(one, one.formula in seeds, one.formula == found_by(seeds[0]))
        for one in found.entries
    ]
    header = f"| formula | | {found.score_name} | difference to its best seed | Holm p |"
    return "\n".join([head, header, "|---|---|---|---|---|", *rows, ""])


def found_by(formula: str) -> str:
    """Return a formula as comparisons write it."""
    return str(parse_candidate(formula))


def best_seeds(ranked: list[Scored]) -> list[str]:
    """Return the best of a run's seeds by its hall of fame."""
    return [one.formula for one in ranked if one.operator == "seed"][:N_SEEDS]


def written(one: Entry, is_seed: bool, is_baseline: bool) -> str:
    """Return one row of a table."""
    what = "seed" if is_seed else "found"
    formula = one.formula.replace("|", "\\|")
    if one.mean is None:
        return f"| `{formula}` | {what} | {one.failure} | | |"
    error = "" if one.standard_error is None else f" ± {one.standard_error:.4f}"
    score = f"{one.mean:.4f}{error} (n = {one.n})"
    if is_baseline or one.difference is None or one.low is None or one.high is None:
        return f"| `{formula}` | {what} | {score} | {'(its best seed)' if is_baseline else ''} | |"
    difference = f"{one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"
    p = "" if one.holm_p is None else f"{one.holm_p:.2g}"
    return f"| `{formula}` | {what} | {score} | {difference} | {p} |"


def main() -> None:
    """Print a table a space."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--spaces", default=",".join(space_files()))
    parser.add_argument("--budget", default="5m", help="of each search")
    parser.add_argument("--seed", type=int, default=0, help="of the searches")
    parser.add_argument("--trials", type=int, default=10, help="fresh seeds of each formula")
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--runs-dir", type=Path, default=None, help="keep the runs here")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {time.strftime('%Y-%m-%d')}; {options}\n")
    with contextlib.ExitStack() as stack:
        folder = options.runs_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in options.spaces.split(","):
            print(table(name, options, folder), flush=True)


if __name__ == "__main__":
    main()
