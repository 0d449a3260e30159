"""Where trainings run and what each may take, as a user asks for it: one value."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actsearch.workers.limits import AUTO

if TYPE_CHECKING:
    from actsearch.workers.cluster.address import Cluster


@dataclasses.dataclass(frozen=True)
class Where:
    """What was asked for; ``reached`` finds out what there is.

    Args:
        workers: "auto", "inline", or how many trainings run at once; on a cluster at most.
        devices: "auto", "cpu", "cuda", or names as in "cuda:0,cuda:1", which a cluster has not.
        training_limit: how long one may take: seconds, a time as text, "auto" or "none".
        memory_limit: how much memory one may take: "4GB", "auto" or "none".
        cluster: the cluster, or its address; None: this machine.
    """

    workers: str | int = AUTO
    devices: str | Sequence[str] = AUTO
    training_limit: str | float = AUTO
    memory_limit: str | int = AUTO
    cluster: str | Cluster | None = None

    def options(self) -> dict[str, Any]:
        """Return it as ``search`` and all others that train take it: by the names of options."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
