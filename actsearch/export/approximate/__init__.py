"""Stand-ins: simpler functions in a formula's place, for inference on small devices."""

from actsearch.export.approximate.speed import Pace, speed
from actsearch.export.approximate.stand_in import KINDS, StandIn, approximate
from actsearch.export.approximate.table_files import TABLE_TARGETS, TABLE_TESTS, table_files

__all__ = [
    "KINDS",
    "TABLE_TARGETS",
    "TABLE_TESTS",
    "Pace",
    "StandIn",
    "approximate",
    "speed",
    "table_files",
]
