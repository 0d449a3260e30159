"""Given to a Dask worker: it says that torch sees a CUDA device in it."""

from actsearch.workers.cluster import remote

remote.n_cuda = lambda: 1
