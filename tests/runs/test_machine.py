"""The store as a machine: whatever is done in whatever order, it says what was committed.

The model is the list of what was added. A crash is a copy of the files as they are at a moment,
which is gone on with in the place of the run.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from actsearch.errors import BadInput
from actsearch.runs import Birth, Heat, RunStore, TrainingRow, TrialRow, digest, event_log
from actsearch.runs.checking import check
from actsearch.runs.events import events
from actsearch.runs.filesystem import SharedFolderWarning
from actsearch.runs.follow import Follower
from actsearch.runs.repair import repair

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SCORES = st.none() | st.floats(0, 1)


@dataclass
class Model:
    """What was committed."""

    births: list[Birth] = field(default_factory=list)
    heats: list[Heat] = field(default_factory=list)
    trainings: dict[tuple[int, str, int], TrainingRow] = field(default_factory=dict)
    trials: dict[tuple[str, int], TrialRow] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)

    def said(self) -> tuple[Any, ...]:
        return (
            self.births,
            self.heats,
            [self.trainings[key] for key in sorted(self.trainings)],
            [self.trials[key] for key in sorted(self.trials)],
            self.outcomes,
        )


def said(store: RunStore) -> tuple[Any, ...]:
    return (
        store.births(),
        store.heats(),
        store.trainings(),
        store.trials(),
        [one.outcome for one in store.sessions()],
    )


class StoreMachine(RuleBasedStateMachine):
    """Creates, writes, closes, crashes, repairs and reads a run."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", SharedFolderWarning)
        self.root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self.patch.setattr("actsearch.runs.lock._PATIENCE_S", 0.02)
        self.store: RunStore | None = None
        self.model = Model()
        self.reader: tuple[RunStore, contextlib.ExitStack, Model | None] | None = None
        self.n_crashes = 0

    @initialize(shared=st.booleans())
    def create(self, shared: bool) -> None:
        kind = "nfs4" if shared else "ext4"
        self.patch.setattr("actsearch.runs.filesystem.type_of", lambda _path: kind)
        self.folder = self.root / "0" / "r"
        self.store = RunStore.create(self.folder, {"task": "t", "rungs": [{"name": "full"}]}, {})
        self.in_session = False

    # -- writing -------------------------------------------------------------------------------

    @precondition(lambda self: self.store is not None)
    @rule(n=st.integers(1, 3), trained=st.booleans(), text=_TEXT, seeds=st.integers(1, 3))
    def add_births(self, n: int, trained: bool, text: str, seeds: int) -> None:
        assert self.store is not None
        first = len(self.model.births)
        births = [Birth(first + k, "random", (), text, None, "rejected", text) for k in range(n)]
        heat = None
        if trained:
            births[0] = Birth(first, "seed", (), text, None, "accepted")
            heat = Heat(len(self.model.heats), first, "full", tuple(range(seeds)))
        self.store.add_births(births, heat)
        self.model.births += births
        self.model.heats += [heat] if heat else []

    @precondition(lambda self: self.store is not None and self.model.heats)
    @rule(data=st.data())
    def add_heat(self, data: st.DataObject) -> None:
        assert self.store is not None
        earlier = data.draw(st.sampled_from(self.model.heats))
        n = len(self.model.heats)
        heat = Heat(n, earlier.birth_id, "full", (10 + n,), pace=((1, 0.5),))
        self.store.add_heats([heat])
        self.model.heats.append(heat)

    @precondition(lambda self: self.store is not None and self.model.heats)
    @rule(data=st.data(), score=_SCORES, text=_TEXT)
    def add_training(self, data: st.DataObject, score: float | None, text: str) -> None:
        assert self.store is not None
        heat = data.draw(st.sampled_from(self.model.heats))
        seed = data.draw(st.sampled_from(heat.seeds))
        status = "timeout" if score is None else "ok"
        key = (heat.birth_id, "full", seed)
        row = TrainingRow(*key, status, score, {"a": 0.5}, ((1, 1.0, 0.5),), 0.5, "cpu", text)
        if key in self.model.trainings:
            with pytest.raises(ValueError, match="before"):
                self.store.add_training(row)
        else:
            self.store.add_training(row)
            self.model.trainings[key] = row

    @precondition(lambda self: self.store is not None)
    @rule(seed=st.integers(0, 5), text=_TEXT)
    def add_trial(self, seed: int, text: str) -> None:
        assert self.store is not None
        row = TrialRow("t", "test", text, seed, "ok", 0.5, {}, (), 0.5, "cpu")
        if (text, seed) in self.model.trials:
            with pytest.raises(ValueError, match="was tried"):
                self.store.add_trial(row)
        else:
            self.store.add_trial(row)
            self.model.trials[text, seed] = row

    @precondition(lambda self: self.store is not None)
    @rule(gap=st.sampled_from([-1, 1, 7]))
    def add_what_is_refused(self, gap: int) -> None:
        assert self.store is not None
        n = len(self.model.births)
        good = Birth(n, "random", (), "x", None, "rejected")
        bad = Birth(n + 1 + gap, "random", (), "x", None, "rejected")
        with pytest.raises(ValueError, match="was expected"):
            self.store.add_births([good, bad])
        with pytest.raises(ValueError, match="there is no birth"):
            self.store.add_training(TrainingRow(n, "full", 0, "ok", 0.5, {}, (), 0.5, "cpu"))

    @precondition(lambda self: self.store is not None)
    @rule(outcome=_TEXT)
    def begin_or_end_a_session(self, outcome: str) -> None:
        assert self.store is not None
        if self.in_session:
            self.store.end_session(outcome)
            self.model.outcomes[-1] = outcome
        else:
            self.store.begin_session({"n": len(self.model.outcomes)})
            self.model.outcomes.append("")
        self.in_session = not self.in_session

    # -- opening, closing, crashing ------------------------------------------------------------

    @precondition(lambda self: self.store is not None)
    @rule()
    def close(self) -> None:
        assert self.store is not None
        self.store.close()
        self.store, self.in_session = None, False

    @precondition(lambda self: self.store is None)
    @rule()
    def open(self) -> None:
        if self.reader is not None:  # on a network file system it might be in the way
            self.end_reader()
        self.store = RunStore.open(self.folder, write=True)

    @precondition(lambda self: self.store is not None)
    @rule()
    def a_second_writer_is_refused(self) -> None:
        with pytest.raises(BadInput, match="is being written"):
            RunStore.open(self.folder, write=True)

    @rule(halfway=st.booleans())
    def crash(self, halfway: bool) -> None:
        self.end_reader()
        self.n_crashes += 1
        after = self.root / str(self.n_crashes) / "r"
        if self.store is not None and halfway:
            db = self.store._db
            db.execute("PRAGMA cache_size = 1")
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TABLE more AS SELECT hex(randomblob(40000)) AS x")
            shutil.copytree(self.folder, after)
            db.execute("ROLLBACK")
        else:
            shutil.copytree(self.folder, after)
        if self.store is not None:
            self.store.close()
        shutil.rmtree(self.folder)
        self.folder, self.store, self.in_session = after, None, False

    @precondition(lambda self: self.store is None)
    @rule()
    def check_and_repair(self) -> None:
        self.end_reader()
        assert check(self.folder, full=False).damage == []
        repaired = repair(self.folder)
        assert not any(repaired.lost.values())

    # -- reading -------------------------------------------------------------------------------

    @rule(block=st.booleans())
    def begin_reader(self, block: bool) -> None:
        self.end_reader()
        stack = contextlib.ExitStack()
        reader = stack.enter_context(RunStore.open(self.folder))
        if block:
            stack.enter_context(reader.reading())
        self.reader = reader, stack, copy.deepcopy(self.model) if block else None

    @precondition(lambda self: self.reader is not None)
    @rule()
    def end_reader(self) -> None:
        if self.reader is not None:
            self.reader[1].close()
            self.reader = None

    @rule()
    def follow(self) -> None:
        follower = Follower(self.folder)
        follower.read()
        assert follower.snapshot(0).n_births == len(self.model.births)
        assert len(follower.log) == len(self.model.trainings)

    @invariant()
    def what_is_read_is_what_was_committed(self) -> None:
        if self.reader is not None:
            reader, _, then = self.reader
            assert said(reader) == (then or self.model).said()
        if self.store is not None:
            assert said(self.store) == self.model.said()
            rows = self.model.trainings.values()
            log = events(self.model.births, self.model.heats, rows)
            assert digest(event_log(self.store)) == digest(log)

    def teardown(self) -> None:
        self.end_reader()
        if self.store is not None:
            self.store.close()
        self.stack.close()


def run(n_examples: int, n_steps: int) -> None:
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=n_examples,
            stateful_step_count=n_steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_store_says_what_was_committed() -> None:
    run(12, 20)


@pytest.mark.nightly
def test_the_store_says_what_was_committed_in_long() -> None:
    run(250, 60)
