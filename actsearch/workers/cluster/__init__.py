"""Workers on other machines, by Dask: who they are, what they are sent, and what becomes of it.

Dask's own client is used rather than joblib's backend for it (docs/decisions.md says why). What
needs Dask imports it where it is used, for it is an extra.
"""

from __future__ import annotations

from actsearch.workers.cluster.address import LOCAL, Cluster

__all__ = ["LOCAL", "Cluster"]
