"""The promises of the store, one by one; how it survives is in test_durability.py."""

from __future__ import annotations

import json
import math
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import Birth, Heat, RunStore, TrainingRow

#: Every promise holds on either kind of file system.
pytestmark = pytest.mark.usefixtures("disk")

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
finite = st.floats(allow_nan=False, allow_infinity=False)
seeds = st.integers(-(2**63), 2**63 - 1)


@st.composite
def births_lists(draw: st.DrawFn) -> list[Birth]:
    births: list[Birth] = []
    for id_ in range(draw(st.integers(0, 6))):
        earlier = st.integers(0, id_ - 1) if id_ else st.nothing()
        status = draw(st.sampled_from(["accepted", "rejected"] + ["duplicate"] * (id_ > 0)))
        births.append(
            Birth(
                id=id_,
                operator=draw(text),
                parents=tuple(draw(st.lists(earlier, max_size=3 if id_ else 0))),
                formula=draw(text),
                fingerprint=draw(st.none() | text),
                status=status,
                reason=draw(text),
                same_as=draw(earlier) if status == "duplicate" else None,
                size=draw(st.integers(0, 100)),
                created_s=draw(finite),
            )
        )
    return births


@st.composite
def trainings_lists(draw: st.DrawFn, n_births: int) -> list[TrainingRow]:
    if not n_births:
        return []
    keys = st.tuples(st.integers(0, n_births - 1), text, seeds)
    rows = []
    for birth_id, rung, seed in draw(st.lists(keys, max_size=6, unique=True)):
        status = draw(st.sampled_from(["ok", "diverged", "failed", "crashed"]))
        rows.append(
            TrainingRow(
                birth_id=birth_id,
                rung=rung,
                seed=seed,
                status=status,
                score=draw(finite) if status == "ok" else None,
                metrics=draw(st.dictionaries(text, finite | st.just(math.inf), max_size=3)),
                curve=tuple(draw(st.lists(st.tuples(seeds, finite, finite), max_size=3))),
                time_s=draw(finite),
                device=draw(text),
                message=draw(text),
            )
        )
    return rows


@given(st.data(), births_lists())
@settings(max_examples=25, deadline=None)
def test_whatever_is_added_comes_back_equal_after_reopening(
    data: st.DataObject, births: list[Birth]
) -> None:
    trainings = data.draw(trainings_lists(len(births)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r"
        with RunStore.create(path, {"a": [1, None]}, {"b": {"c": 0.1}}) as store:
            for birth in births:
                store.add_births([birth])
        with RunStore.open(path, write=True) as store:
            assert store.n_births() == len(births)
            for row in trainings:
                store.add_training(row)
        with RunStore.open(path) as store:
            assert store.config == {"a": [1, None]}
            assert store.environment == {"b": {"c": 0.1}}
            assert store.births() == births
            rows = sorted(trainings, key=lambda row: (row.birth_id, row.rung.encode(), row.seed))
            assert store.trainings() == rows
            assert store.n_trainings() == len(rows)
            for id_ in range(len(births)):
                assert store.trainings(id_) == [row for row in rows if row.birth_id == id_]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_json_lacks_come_back(
    store: RunStore, birth: Any, training: Any, value: float
) -> None:
    store.add_births([birth(0)])
    changes = {"metrics": {"loss": value}, "curve": ((1, value, 0.5),), "status": "diverged"}
    row = training(0, 0, None, **changes)
    store.add_training(row)
    (got,) = store.trainings()
    assert repr(got) == repr(row)
    raw = store._db.execute("SELECT metrics, curve FROM trainings").fetchone()
    for column in raw:
        json.loads(column, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_sqlite_keeps_every_setting(store: RunStore, disk: str) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version")
    got = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    journal: list[Any] = ["wal", 2, 1, 10_000] if disk == "local" else ["truncate", 2, 1, 60_000]
    assert got == [*journal, 4]


@pytest.mark.parametrize("id_", [0, 2, -1])
def test_births_have_no_gaps_and_no_second_edition(store: RunStore, birth: Any, id_: int) -> None:
    store.add_births([birth(0)])
    with pytest.raises(ValueError, match=f"birth {id_} came where 1 was expected"):
        store.add_births([birth(id_)])
    assert store.births() == [birth(0)]
    store.add_births([birth(1)])
    assert store.n_births() == 2


@pytest.mark.parametrize(
    ("id_", "birth_id", "said"),
    [
        (1, 0, "heat 1 came where 0 was expected"),
        (-1, 0, "heat -1 came where 0 was expected"),
        (0, 2, "there is no birth 2 to run heat 0"),
        (0, -1, "there is no birth -1 to run heat 0"),
    ],
)
def test_a_heat_that_is_not_the_next_or_of_no_birth_takes_its_births_along(
    store: RunStore, birth: Any, id_: int, birth_id: int, said: str
) -> None:
    store.add_births([birth(0)])
    heat = Heat(id_, birth_id, "full", (0,))
    with pytest.raises(ValueError, match=said):
        store.add_births([birth(1)], heat)
    with pytest.raises(ValueError, match="came where|there is no birth"):
        store.add_heats([heat])
    assert store.births() == [birth(0)]
    assert store.heats() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"parents": (1,)},
        {"parents": (-1,)},
        {"parents": (0, 7)},
        {"same_as": 1, "status": "duplicate"},
        {"same_as": None, "status": "duplicate"},
        {"same_as": 0, "status": "accepted"},
        {"status": "born"},
        {"created_s": math.nan},
    ],
)
def test_a_birth_that_contradicts_itself_is_refused(
    store: RunStore, birth: Any, changes: dict[str, Any]
) -> None:
    store.add_births([birth(0)])
    with pytest.raises(ValueError, match=r"birth 1|NOT NULL"):
        store.add_births([birth(1, **changes)])
    assert store.n_births() == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"birth_id": 1}, "no birth 1"),
        ({"birth_id": -1}, "no birth -1"),
        ({"status": "stopped", "score": None}, "no result"),
        ({"status": "ok", "score": None}, "status 'ok' with score None"),
        ({"status": "ok", "score": math.nan}, "score nan"),
        ({"status": "failed", "score": 0.5}, "status 'failed' with score"),
        ({"status": "odd", "score": None}, "unknown status 'odd'"),
        ({}, "trained at rung 'full' with seed 0 before"),
    ],
)
def test_a_training_that_cannot_be_kept_is_refused(
    store: RunStore, birth: Any, training: Any, changes: dict[str, Any], why: str
) -> None:
    store.add_births([birth(0)])
    store.add_training(training(0))
    with pytest.raises(ValueError, match=why):
        store.add_training(TrainingRow(**{**vars(training(0)), **changes}))
    assert store.trainings() == [training(0)]
    store.add_training(training(0, seed=1))


def test_a_row_is_made_of_a_record(training: Any) -> None:
    class Record:
        formula = "x"

    record = Record()
    for name, value in vars(training(7)).items():
        if name != "birth_id":
            setattr(record, name, value)
    assert TrainingRow.of(7, record) == training(7)


def test_half_a_surrogate_pair_in_a_message_does_not_fail_the_commit(
    store: RunStore, birth: Any, training: Any
) -> None:
    store.add_births([birth(0, status="rejected", reason="caf\udce9")])
    store.add_training(training(0, 0, None, status="failed", message="caf\udce9"))
    assert store.births()[0].reason == "caf?"
    assert store.trainings()[0].message == "caf?"


def test_a_reader_sees_commits_and_cannot_write(store: RunStore, birth: Any) -> None:
    with RunStore.open(store.folder) as reader:
        assert reader.births() == []
        store.add_births([birth(0)])
        assert reader.births() == [birth(0)]
        with pytest.raises(ValueError, match="opened for reading"):
            reader.add_births([birth(1)])


def test_a_reader_may_read_as_of_one_moment(store: RunStore, birth: Any, training: Any) -> None:
    store.add_births([birth(0)])
    with RunStore.open(store.folder) as reader:
        with reader.reading():
            assert reader.n_births() == 1
            store.add_births([birth(1)])
            store.add_training(training(1))
            with reader.reading():
                assert (reader.n_births(), len(reader.births())) == (1, 1)
            assert (reader.trainings(), reader.n_births()) == ([], 1)
        assert (reader.n_births(), len(reader.trainings())) == (2, 1)
        with pytest.raises(KeyError), reader.reading():
            raise KeyError
        store.add_births([birth(2)])
        assert reader.n_births() == 3


def test_the_writer_reads_what_it_writes(store: RunStore, birth: Any) -> None:
    with store.reading():
        store.add_births([birth(0)])
        assert store.n_births() == 1
    assert store.n_births() == 1


def test_threads_may_share_a_store(store: RunStore, birth: Any, training: Any) -> None:
    store.add_births([birth(0)])

    def work(first: int) -> None:
        for seed in range(first, first + 10):
            store.add_training(training(0, seed))
            store.births()

    threads = [threading.Thread(target=work, args=(100 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.n_trainings() == 40


def test_the_folder_has_copies_for_people(store: RunStore) -> None:
    assert json.loads((store.folder / "config.json").read_text()) == store.config
    assert json.loads((store.folder / "environment.json").read_text()) == store.environment


def test_a_taken_name_is_refused_with_both_ways_out(store: RunStore, birth: Any) -> None:
    store.add_births([birth(0)])
    with pytest.raises(BadInput, match=r"actsearch resume r --runs-dir \S+\), or .* another name \(--run NAME\)"):
        RunStore.create(store.folder, {}, {})
    assert store.births() == [birth(0)]


def test_a_folder_that_holds_something_else_is_left_alone(root: Path) -> None:
    (root / "r").mkdir(parents=True)
    (root / "r" / "thesis.tex").write_text("x")
    with pytest.raises(BadInput, match="holds no run"):
        RunStore.create(root / "r", {}, {})
    assert [path.name for path in root.rglob("*")] == ["r", "thesis.tex"]


def test_an_unknown_run_names_the_known(store: RunStore) -> None:
    with pytest.raises(BadInput, match=r"unknown run 'q'.*\(known: r\)"):
        RunStore.open(store.folder.with_name("q"))


def test_a_creation_that_fails_leaves_nothing_in_the_way(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(ActsearchError) as caught:
            RunStore.create(root / "r", {}, {})
    assert caught.value.exit_code == 1
    assert "No space left on device; no run was begun" in str(caught.value)
    assert list(root.iterdir()) == []
    RunStore.create(root / "r", {}, {}).close()


def test_a_configuration_that_json_cannot_hold_makes_no_run(root: Path) -> None:
    with pytest.raises(TypeError):
        RunStore.create(root / "r", {"task": object()}, {})
    assert list(root.iterdir()) == []


def test_a_root_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(BadInput, match="ACTSEARCH_RUNS names another place"):
        RunStore.create(tmp_path / "runs" / "r", {}, {})


class TestSessions:
    def test_time_adds_up_over_sessions(
        self, store: RunStore, birth: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1000.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        with store.session({"budget_s": 60}) as first:
            now[0] += 5
            assert store.elapsed_s() == 5
            store.add_births([birth(0)])
            now[0] += 2
        now[0] += 100  # between the sessions nothing is counted
        with store.session({"workers": 2}) as second:
            now[0] += 3
            assert store.elapsed_s() == 10
        with store.session({"kind": "confirm"}) as third:
            now[0] += 50  # of no search
        assert store.elapsed_s() == 10
        ended = store.sessions()
        assert [(s.id, s.active_s, s.outcome, s.info) for s in ended] == [
            (first, 7, "done", {"budget_s": 60}),
            (second, 3, "done", {"workers": 2}),
            (third, 50, "done", {"kind": "confirm"}),
        ]
        assert all(s.end_s is not None for s in ended)

    def test_each_commit_carries_the_time(
        self, store: RunStore, birth: Any, training: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1000.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        assert store.begin_session({}) == 1, "people count them"
        with RunStore.open(store.folder) as reader:
            assert reader.sessions()[0].active_s == 0
            assert reader.sessions()[0].outcome == ""
            now[0] += 5
            store.add_births([birth(0)])
            assert reader.elapsed_s() == 5
            now[0] += 5
            store.add_training(training(0))
            assert reader.elapsed_s() == 10
            assert reader.sessions()[0].end_s is None

    def test_an_exception_is_the_outcome(self, store: RunStore) -> None:
        with pytest.raises(KeyboardInterrupt), store.session({}):
            raise KeyboardInterrupt
        assert [s.outcome for s in store.sessions()] == ["KeyboardInterrupt"]
        store.begin_session({})

    def test_one_at_a_time(self, store: RunStore) -> None:
        with pytest.raises(ValueError, match="no session"):
            store.end_session()
        store.begin_session({})
        with pytest.raises(ValueError, match="goes on already"):
            store.begin_session({})

    def test_a_session_that_is_not_what_was_written_does_not_go_on(
        self, store: RunStore, birth: Any
    ) -> None:
        store.begin_session({})
        with sqlite3.connect(store.path) as other:
            other.execute("UPDATE sessions SET active_s = 77")
        other.close()
        with pytest.raises(BadInput, match="a row of sessions is not what was written"):
            store.add_births([birth(0)])
        assert store.n_births() == 0
