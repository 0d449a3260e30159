"""The connection to a scheduler, and the cluster on this machine where that was asked for.

Dask speaks of its own troubles on standard error, over the progress and in tracebacks; what matters
of them to a user is said by this program, so Dask's loggers are silent while a link is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from actsearch.errors import ActsearchError, BadInput, shorten
from actsearch.workers.cluster.address import Cluster

#: How long a scheduler may take to answer, and to come back where the connection broke.
CONNECT_S = 8.0
#: How long a cluster of N processes here may take to start.
START_S = 60.0
#: The resource of a worker that has a GPU of its own.
GPU = "GPU"
LOOPBACK = "127.0.0.1"

_OPENSSL = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
    *("-subj", "/CN=actsearch", "-keyout", "-", "-out", "-"),
)
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n", re.DOTALL)
_ROLES = ("client", "scheduler", "worker")
_LOGGERS = ("distributed", "tornado", "asyncio")


class Link:
    """A client of a scheduler. A context manager; nothing of it is left after ``close``.

    Args:
        cluster: where to.

    Raises:
        BadInput: Dask is not installed.
        ActsearchError: nobody answers there, or not as wanted.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._stack = contextlib.ExitStack()
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise BadInput(
                f"a cluster needs Dask ({error}); install it: pip install 'actsearch[dask]'"
            ) from None
        self._stack.enter_context(_silent())
        try:
            self.client = self._stack.enter_context(self._connected())
        except BaseException:
            self._stack.close()
            raise

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        from distributed import Client

        with contextlib.ExitStack() as stack:
            target: Any = self.cluster.address
            security: Any = None
            if self.cluster.n_local is not None:
                target = stack.enter_context(_started(self.cluster.n_local))
            if self.cluster.n_local is None:
                security = _security(self.cluster)
            try:
                if self.cluster.n_local is None:
                    _knock(self.cluster.address, security)
                client = Client(
                    target,
                    security=security,
                    timeout=CONNECT_S,
                    set_as_default=False,
                    name="actsearch",
                )
            except TimeoutError as error:
                raise self._unanswered(f"no answer within {CONNECT_S:g} s") from error
            except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
                raise self._unanswered(str(error) or type(error).__name__) from error
            stack.callback(_closed, client)
            yield client

    def _unanswered(self, why: str) -> ActsearchError:
        return ActsearchError(
            f"no Dask scheduler answers at {self.cluster}: {shorten(why, 200)}; start one (dask "
            "scheduler) and give the address that it prints, with tls:// where it has certificates"
        )

    @property
    def is_up(self) -> bool:
        """Whether the scheduler can be spoken to at this moment."""
        return bool(self.client.status == "running")

    @property
    def is_lost(self) -> bool:
        """Whether the connection is given up."""
        return self.client.status in ("closing", "closed")

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return what the scheduler says of each worker, by its address."""
        identity = self.client.sync(
            self.client.scheduler.identity, n_workers=-1, callback_timeout=CONNECT_S
        )
        return dict(identity["workers"])

    def wait_for_workers(self) -> dict[str, dict[str, Any]]:
        """Return the workers as soon as there is one.

        Raises:
            ActsearchError: there is none after the time that the cluster is waited for.
        """
        end = time.monotonic() + self.cluster.wait_s
        while not (found := self.workers()):
            if time.monotonic() > end:
                raise ActsearchError(
                    f"the scheduler at {self.cluster} has no workers after "
                    f"{self.cluster.wait_s:g} s; start some (dask worker {self.cluster}), or wait "
                    "longer for those to come: --cluster-wait 10m"
                )
            time.sleep(0.1)
        return found

    def facts(self) -> dict[str, Any]:
        """Return what a run keeps of the cluster."""
        workers = self.workers().values()
        return {
            "address": self.cluster.address,
            "workers": len(workers),
            "threads": sum(int(worker["nthreads"]) for worker in workers),
            "hosts": sorted({str(worker["host"]) for worker in workers})[:100],
        }

    def close(self) -> None:
        """End the connection, and the processes of a cluster that was started here."""
        self._stack.close()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _started(n: int) -> Iterator[Any]:
    """Run a scheduler and ``n`` workers of one thread each, that nobody reaches from outside."""
    import dask
    from distributed import LocalCluster

    settings = {
        "distributed.admin.tick.limit": "1h",  # a slow moment of the driver's is no news
        "distributed.worker.profile.enabled": False,
        "distributed.comm.timeouts.connect": f"{START_S:g}s",
    }
    with dask.config.set(settings):
        try:
            cluster = LocalCluster(
                n_workers=n,
                threads_per_worker=1,
                host=LOOPBACK,
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"},  # not the usual port
                security=certified(),
                memory_limit=0,  # trainings are what needs memory, and they have a limit of theirs
                preload=["actsearch.workers.cluster.deaf"],
                silence_logs=logging.CRITICAL,
            )
        except (OSError, RuntimeError, TimeoutError) as error:
            raise ActsearchError(
                f"can't start a cluster of {n} processes: {shorten(str(error), 200)}; try fewer, "
                "or --workers without --cluster. A script that searches on one needs its "
                "if __name__ == '__main__': for each process imports it"
            ) from error
        try:
            yield cluster
        finally:
            with contextlib.suppress(Exception):
                cluster.close(timeout=10)


def _knock(address: str, security: Any) -> None:
    """Ask for a scheduler, and raise where none answers; Dask's client would wait without end."""
    from distributed.core import rpc

    async def ask() -> Any:
        arguments = security.get_connection_args("client")
        async with rpc(address, timeout=CONNECT_S, connection_args=arguments) as other:
            return await other.identity()

    async def ask_in_time() -> Any:
        return await asyncio.wait_for(ask(), CONNECT_S)

    parts = urlsplit(address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), CONNECT_S):
        pass  # else it would be tried again and again until the time is over
    with ThreadPoolExecutor(
        1
    ) as pool:  # there may be an event loop in this thread, as in notebooks
        identity = pool.submit(asyncio.run, ask_in_time()).result()
    if identity.get("type") != "Scheduler":
        raise ValueError(
            f"a {str(identity.get('type')).lower()} of Dask answers there, no scheduler"
        )


def certified() -> Any:
    """Return certificates that were made just now and are never written, None without OpenSSL.

    Another user of this machine reaches its loopback, too, and whoever speaks to a scheduler may
    run code.
    """
    from distributed.security import Security

    try:
        done = subprocess.run(_OPENSSL, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = {match[1]: match[0] for match in _PEM.finditer(done.stdout)}
    certificate, key = found.get("CERTIFICATE"), found.get("PRIVATE KEY")
    if certificate is None or key is None:
        return None
    both = {f"tls_{role}_cert": certificate for role in _ROLES}
    keys = {f"tls_{role}_key": key for role in _ROLES}
    return Security(require_encryption=True, tls_ca_file=certificate, **both, **keys)


def _closed(client: Any) -> None:
    with contextlib.suppress(Exception):  # whatever is wrong with it, it is gone
        client.close(timeout=2)


def _security(cluster: Cluster) -> Any:
    from distributed.security import Security

    if not cluster.tls:
        ours = Security()  # what Dask's own configuration says: its files and DASK_ variables
        is_set = ours.get_connection_args("client").get("ssl_context") is not None
        if cluster.address.startswith("tls://") and not is_set:
            raise BadInput(
                f"{cluster} wants certificates: name them (--cluster-tls CA.pem,CERT.pem,KEY.pem), "
                "or set them in Dask's configuration (distributed.comm.tls)"
            )
        return ours
    authority, certificate, key = (*cluster.tls, cluster.tls[1])[:3]
    return Security(
        require_encryption=True,
        tls_ca_file=str(authority),
        tls_client_cert=str(certificate),
        tls_client_key=str(key),
    )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    # Dask gives some of those below a level of their own, which counts in the place of that above.
    known = [*_LOGGERS, *logging.root.manager.loggerDict]
    names = {name for name in known if name.partition(".")[0] in _LOGGERS}
    loggers = [logging.getLogger(name) for name in sorted(names)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
