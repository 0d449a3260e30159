"""Given to a Dask worker: it says that it has another torch, and another actsearch."""

from actsearch.workers.cluster import remote

remote.versions().update(torch="0.1", actsearch="0.0.1 (source abc)")  # it is asked for once
