"""The tables of a run, as the present format has them, and the numbers that tell a format.

Every row ends with its checksum, and ``tally`` has of every table how many rows there are and all
their checksums together: SQLite notices a page that lost its form, but not a digit that became
another, nor a row that is gone with a page that is none the worse for it.
"""

from __future__ import annotations

from actsearch.runs.records import BIRTH_STATUSES, TRAINING_STATUSES

APPLICATION_ID = 0x41637453  # "ActS"
#: 4: status "timeout", checksums. 3: births have penalties, heats say how many they saw. 2: heats
#: and trials.
SCHEMA_VERSION = 4
#: Version 1 is read, and never written. The others are read as they are, and brought up to date
#: where more is added to them, as a confirmation is.
READABLE_VERSIONS = (1, 2, 3, 4)
WRITABLE_VERSIONS = (2, 3, 4)
#: The first format whose rows have checksums.
WITH_CHECKSUMS = 4


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"CHECK ({column} IN ({', '.join(repr(value) for value in values)}))"


#: What a training and a trial came to.
_OUTCOME = f"""
    status TEXT NOT NULL {_one_of("status", TRAINING_STATUSES)},
    score REAL,
    metrics TEXT NOT NULL,          -- JSON object of numbers
    curve TEXT NOT NULL,            -- JSON list of [step, training loss, validation score]
    time_s REAL NOT NULL,
    device TEXT NOT NULL,
    message TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    CHECK ((status = 'ok') = (score IS NOT NULL)),
"""

#: Name -> what makes it.
TABLES = {
    "meta": """CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,            -- JSON
    checksum INTEGER NOT NULL       -- CRC-32 of the other columns as a JSON list
) WITHOUT ROWID""",
    "births": f"""CREATE TABLE births (
    id INTEGER PRIMARY KEY CHECK (id >= 0),
    operator TEXT NOT NULL,
    parents TEXT NOT NULL,          -- JSON list of ids
    formula TEXT NOT NULL,
    fingerprint TEXT,
    status TEXT NOT NULL {_one_of("status", BIRTH_STATUSES)},
    reason TEXT NOT NULL,
    same_as INTEGER REFERENCES births (id),
    size INTEGER NOT NULL,
    created_s REAL NOT NULL,
    penalty REAL NOT NULL,
    checksum INTEGER NOT NULL
)""",
    "trainings": f"""CREATE TABLE trainings (
    birth_id INTEGER NOT NULL REFERENCES births (id),
    rung TEXT NOT NULL,
    seed INTEGER NOT NULL,{_OUTCOME}    PRIMARY KEY (birth_id, rung, seed)
) WITHOUT ROWID""",
    "heats": """CREATE TABLE heats (
    id INTEGER PRIMARY KEY CHECK (id >= 0),
    birth_id INTEGER NOT NULL REFERENCES births (id),
    rung TEXT NOT NULL,
    seeds TEXT NOT NULL,            -- JSON list of integers
    pace TEXT NOT NULL,             -- JSON list of [step, least validation score]
    seen INTEGER NOT NULL,
    checksum INTEGER NOT NULL
)""",
    "trials": f"""CREATE TABLE trials (
    task TEXT NOT NULL,
    split TEXT NOT NULL,
    formula TEXT NOT NULL,
    seed INTEGER NOT NULL,{_OUTCOME}    PRIMARY KEY (task, split, formula, seed)
) WITHOUT ROWID""",
    "sessions": """CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    begin_s REAL NOT NULL,
    end_s REAL,                     -- NULL while it goes on, and for ever after a kill
    active_s REAL NOT NULL,
    info TEXT NOT NULL,             -- JSON object
    outcome TEXT NOT NULL,
    checksum INTEGER NOT NULL
)""",
    "tally": """CREATE TABLE tally (
    name TEXT PRIMARY KEY,          -- of a table
    n INTEGER NOT NULL,             -- its rows
    checksum INTEGER NOT NULL       -- the exclusive or of their checksums
) WITHOUT ROWID""",
}
TALLIED = tuple(name for name in TABLES if name != "tally")
