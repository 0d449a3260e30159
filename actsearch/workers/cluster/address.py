"""Where a cluster is, as a user says it: checked before anything is connected or started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from actsearch.errors import BadInput, shorten

LOCAL = "local"
#: How long to wait for the first worker of a cluster; those of a batch system come later.
WAIT_S = 10.0
#: What else may be done where a cluster trains no more; the command that goes on follows.
ELSEWHERE = "or leave out --cluster to train here"

_ACCEPTED = (
    "tcp://HOST:PORT or tls://HOST:PORT of a Dask scheduler, or local:N for N processes here"
)
_MAX_LOCAL = 1024


@dataclass(frozen=True)
class Cluster:
    """A cluster that trains.

    Args:
        address: ``tcp://HOST:PORT`` or ``tls://HOST:PORT`` of a Dask scheduler, or ``local:N`` for
            a scheduler and N worker processes on this machine, which are ended with the search.
        wait_s: how long to wait for the first worker.
        tls: for ``tls://`` the PEM files of the authority, of this side's certificate, and of its
            key, which may also lie in the second; () takes what Dask's own configuration says.

    Raises:
        BadInput: the address is none, a file is missing, or files without ``tls://``.
    """

    address: str
    wait_s: float = WAIT_S
    tls: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        _check(self.address)
        if not self.wait_s > 0:
            raise BadInput(f"a cluster is waited for above 0 seconds, got {self.wait_s}")
        if self.tls and not self.address.startswith("tls://"):
            raise BadInput(
                f"TLS files are for a cluster at tls://HOST:PORT, got {shorten(self.address)}"
            )
        if self.tls and len(self.tls) not in (2, 3):
            raise BadInput(
                f"TLS takes two or three files, CA.pem,CERT.pem,KEY.pem; got {len(self.tls)}"
            )
        for file in self.tls:
            if not file.is_file():
                raise BadInput(f"there is no TLS file {shorten(str(file), 200)}")

    @property
    def n_local(self) -> int | None:
        """How many processes on this machine, None for a cluster that is there already."""
        kind, _, number = self.address.partition(":")
        return int(number) if kind == LOCAL else None

    def __str__(self) -> str:
        return self.address


def cluster_of(cluster: str | Cluster) -> Cluster:
    """Return what was given as a ``Cluster``. Raises BadInput as ``Cluster`` does."""
    return Cluster(cluster.strip()) if isinstance(cluster, str) else cluster


def _check(address: str) -> None:
    wrong = BadInput(f"unknown cluster '{shorten(address, 60)}'; it is {_ACCEPTED}")
    kind, _, rest = address.partition(":")
    if kind == LOCAL:
        number = int(rest) if re.fullmatch("[0-9]{1,8}", rest) else 0
        if not 1 <= number <= _MAX_LOCAL:
            raise BadInput(
                f"--cluster is '{shorten(address, 60)}'; local takes a number of processes from 1 "
                f"to {_MAX_LOCAL}, as in local:4"
            )
        return
    try:
        parts = urlsplit(address)
        there = parts.hostname and parts.port
    except ValueError:
        raise wrong from None
    # Other schemes of Dask's would be taken by its client, and mean something else.
    if kind not in ("tcp", "tls") or not there or not re.fullmatch(r"//[^\s/?#@]+", rest):
        raise wrong
