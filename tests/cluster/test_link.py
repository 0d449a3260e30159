"""Addresses, connections that can't be had, certificates, and what a cluster here listens on."""

from __future__ import annotations

import contextlib
import logging
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.workers import Cluster, Where, reached
from actsearch.workers.cluster.link import Link, certified
from tests.cluster.conftest import wait_for_workers
from tests.cluster.dask_processes import Dask


@pytest.mark.parametrize(
    "address",
    [
        "",
        "local",
        "local:",
        "local:0",
        "local:-1",
        "local:1_0",
        "local:٢",
        "local:100000",
        "local:2 ",
        "tcp://",
        "tcp://host",
        "tcp://:8786",
        "tcp://host:0",
        "tcp://host:99999",
        "tcp://host:8786/x",
        "tcp://host:8786?x=1",
        "tcp://user@host:8786",
        "tcp://a b:8786",
        "udp://host:8786",
        "inproc://host:8786",
        "http://host:8786",
        "host:8786",
        "\x1b[31m" * 50,
    ],
)
def test_what_is_no_address_is_bad_input(address: str) -> None:
    with pytest.raises(BadInput) as caught:
        Cluster(address)
    assert "local:" in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "address", ["tcp://host:8786", "tls://10.0.0.1:1", "tcp://[::1]:8786", "local:1"]
)
def test_addresses(address: str) -> None:
    assert str(Cluster(address)) == address
    assert Cluster(address).n_local == (1 if address == "local:1" else None)


def test_other_settings_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.touch()
    with pytest.raises(BadInput, match="above 0 seconds"):
        Cluster("local:1", wait_s=0)
    with pytest.raises(BadInput, match="TLS files are for a cluster at tls://"):
        Cluster("tcp://host:1", tls=(file, file))
    with pytest.raises(BadInput, match="two or three files"):
        Cluster("tls://host:1", tls=(file,))
    with pytest.raises(BadInput, match="no TLS file"):
        Cluster("tls://host:1", tls=(file, tmp_path / "b.pem"))
    with pytest.raises(BadInput, match=r"wants certificates: name them \(--cluster-tls"):
        Link(Cluster("tls://127.0.0.1:1"))
    with pytest.raises(BadInput, match="name one"), reached(Where("inline", cluster="local:1")):
        pass
    with (
        pytest.raises(BadInput, match="on a cluster it is auto, cpu or cuda"),
        reached(Where(devices="cuda:1", cluster="local:1")),
    ):
        pass


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'actsearch\[dask\]'"):
        Link(Cluster("local:1"))


def _silent(connection: socket.socket) -> None:
    time.sleep(3)


def _talking(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("answer", [None, _silent, _talking])
def test_who_is_no_scheduler_is_told_soon(
    answer: Callable[[socket.socket], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.link.CONNECT_S", 1.0)
    with contextlib.closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        if answer is not None:
            server.listen()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(
            ActsearchError, match="no Dask scheduler answers at tcp://127"
        ) as caught:
            Link(Cluster(address))
        assert time.monotonic() - begin < 15
    assert caught.value.exit_code == 1


def test_dask_itself_says_nothing_while_a_link_is_open(dask: Dask) -> None:
    import distributed  # it gives its client's logger a level of its own

    logger = logging.getLogger(distributed.client.__name__)
    before = logger.level
    assert before != logging.NOTSET
    with Link(Cluster(dask.address, wait_s=60)):
        assert not logger.isEnabledFor(logging.CRITICAL)
    assert logger.level == before


def test_a_worker_is_no_scheduler(dask: Dask, link: Link) -> None:
    worker = next(iter(link.workers()))
    with pytest.raises(ActsearchError, match="a worker of Dask answers there"):
        Link(Cluster(worker))


def test_no_gpu_is_bad_input(dask: Dask, link: Link) -> None:
    with (
        pytest.raises(BadInput, match=r"none of the 2 workers .* has the resource GPU"),
        reached(Where(devices="cuda", cluster=dask.address)),
    ):
        pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes no certificates")
def test_a_cluster_here_is_for_nobody_else() -> None:
    psutil: Any = pytest.importorskip("psutil")  # comes with Dask
    me = psutil.Process()
    before = set(me.children(recursive=True))
    with Link(Cluster("local:1")) as link:
        wait_for_workers(link, 1)
        address = link.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        children = {
            process
            for process in set(me.children(recursive=True)) - before
            if not any("tracker" in word for word in process.cmdline())  # Python's own
        }
        listening = [
            one.laddr.ip
            for process in (me, *children)
            for one in process.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert set(listening) == {"127.0.0.1"}
        with pytest.raises((BadInput, ActsearchError)):
            Link(Cluster(address))  # nobody has its certificates
    assert not psutil.wait_procs(children, timeout=10)[1]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes no certificates")
def test_certificates_of_ones_own(tmp_path: Path, pool_on: Any, jobs: Any, hand_out: Any) -> None:
    made = certified()
    files = []
    for name, text in (
        ("ca", made.tls_ca_file),
        ("cert", made.tls_client_cert),
        ("key", made.tls_client_key),
    ):
        files.append(tmp_path / f"{name}.pem")
        files[-1].write_text(text)
    with contextlib.closing(Dask(tmp_path / "dask", tls=files)) as dask:
        dask.work()
        assert dask.address.startswith("tls://")
        with Link(Cluster(dask.address, wait_s=60, tls=tuple(files))) as link:
            wait_for_workers(link, 1)
            ((_, record),) = pool_on(link).stream(hand_out(jobs(["x"])))
            assert record.status == "ok"
        others = [tmp_path / name for name in ("other-cert.pem", "other-key.pem")]
        other = certified()
        others[0].write_text(other.tls_client_cert)
        others[1].write_text(other.tls_client_key)
        with pytest.raises(ActsearchError, match="no Dask scheduler answers"):
            Link(Cluster(dask.address, tls=(files[0], *others)))
        with pytest.raises(ActsearchError, match=r"no Dask scheduler answers .* tls:// where"):
            Link(Cluster(dask.address.replace("tls://", "tcp://")))
