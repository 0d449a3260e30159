"""Where source files come from: a user's folder, or a download that is checked by its hash."""

from __future__ import annotations

import dataclasses
import errno
import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.tasks.datasets.catalog import DATASETS, Dataset, downloads_root
from actsearch.tasks.datasets.sources import source_files
from tests.tasks.small_sets import (
    archive_of,
    downloads,
    files_of,
    small_cifar,
    small_idx,
    write,
)


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("plain", [False, True])
def test_found_in_place(tmp_path: Path, plain: bool) -> None:
    dataset = small_idx()
    root = write(dataset, tmp_path, plain=plain)
    paths = source_files(dataset, root)
    assert [path.name.removesuffix(".gz") for path in paths] == [f.name for f in dataset.files]
    assert not (tmp_path / "cache").exists()


def test_found_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = small_cifar()
    monkeypatch.setenv("ACTSEARCH_DATA", str(write(dataset, tmp_path)))
    assert len(source_files(dataset, None)) == 6


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere does not exist; --data .* holds MNIST/raw"):
        source_files(DATASETS["mnist"], tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file is not a folder"):
        source_files(DATASETS["mnist"], tmp_path / "file")


def test_missing_files_are_named(tmp_path: Path) -> None:
    dataset = small_idx("fashion-mnist")
    root = write(dataset, tmp_path)
    (root / dataset.folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(BadInput) as caught:
        source_files(dataset, root)
    message = str(caught.value)
    assert "lacks 1 of 4 files of fashion-mnist: t10k-labels-idx1-ubyte (looked in" in message
    assert str(root / "FashionMNIST" / "raw") in message
    assert "--data" in message


@pytest.mark.parametrize("inner", ["MNIST", "MNIST/raw"])
def test_a_folder_too_deep_is_guessed(tmp_path: Path, inner: str) -> None:
    dataset = small_idx()
    root = write(dataset, tmp_path)
    with pytest.raises(BadInput, match=rf"did you mean --data {root}\?"):
        source_files(dataset, root / inner)


def test_pickled_cifar_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(BadInput, match=r"pickled version, which is never opened.*tar\.gz"):
        source_files(DATASETS["cifar10"], tmp_path)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what its server holds, and counts the requests."""

    def do_GET(self) -> None:
        served: dict[str, bytes] = self.server.served  # type: ignore[attr-defined]
        self.server.requests.append(self.path)  # type: ignore[attr-defined]
        content = served.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    """A web server on the loopback with ``served`` (path to content) and ``url``."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.served, server.requests = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_from_the_second_mirror(server: Any, capfd: pytest.CaptureFixture[str]) -> None:
    dataset = small_idx()
    files = files_of(dataset)
    server.served = {f"/good/{name}": content for name, content in files.items()}
    server.served |= {f"/bad/{name}": b"something else" for name in list(files)[:1]}
    mirrors = (f"{server.url}/bad/", f"{server.url}/good/")
    dataset = dataclasses.replace(dataset, downloads=downloads(files, mirrors))
    paths = source_files(dataset, None)
    assert [path.read_bytes() for path in paths] == list(files.values())
    assert {path.parent for path in paths} == {downloads_root() / "MNIST" / "raw"}
    n_requests = len(server.requests)
    assert source_files(dataset, None) == paths
    assert len(server.requests) == n_requests  # nothing is downloaded twice
    assert capfd.readouterr().out == ""


def test_download_of_an_archive(server: Any, tmp_path: Path) -> None:
    dataset = small_cifar()
    served = {"cifar-10-binary.tar.gz": archive_of(dataset)}
    server.served = {f"/{name}": content for name, content in served.items()}
    parts = downloads(served, (f"{server.url}/",))
    dataset = dataclasses.replace(dataset, downloads=parts)
    paths = source_files(dataset, None)
    assert {path.name: path.read_bytes() for path in paths} == files_of(dataset)
    left = {path.name for path in downloads_root().rglob("*")}
    assert left == {"cifar-10-batches-bin", *files_of(dataset)}
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("made", [small_idx, small_cifar])
def test_download_where_the_mask_lets_the_group_write(
    server: Any, made: Callable[[], Dataset]
) -> None:
    dataset = made()
    cifar = dataset.format == "cifar"
    served = {"cifar-10-binary.tar.gz": archive_of(dataset)} if cifar else files_of(dataset)
    server.served = {f"/{name}": content for name, content in served.items()}
    dataset = dataclasses.replace(dataset, downloads=downloads(served, (f"{server.url}/",)))
    mask = os.umask(0o002)
    try:
        paths = source_files(dataset, None)
    finally:
        os.umask(mask)
    assert source_files(dataset, None) == paths
    folders = [path for path in downloads_root().rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in (downloads_root(), *folders)} == {0o700}


def test_download_that_fails_says_what_to_do(server: Any) -> None:
    dataset = small_idx()
    files = files_of(dataset)
    dead = "http://127.0.0.1:9/"
    mirrors = (f"{server.url}/", dead)
    dataset = dataclasses.replace(dataset, downloads=downloads(files, mirrors))
    with pytest.raises(BadInput) as caught:
        source_files(dataset, None)
    message = str(caught.value)
    assert "can't download train-images-idx3-ubyte.gz of mnist" in message
    assert server.url in message
    assert dead in message
    assert "--data" in message
    assert [path for path in downloads_root().rglob("*") if path.is_file()] == []


def test_full_disk_while_downloading(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset = small_idx()
    files = files_of(dataset)
    server.served = {f"/{name}": content for name, content in files.items()}
    dataset = dataclasses.replace(dataset, downloads=downloads(files, (f"{server.url}/",)))

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "move", full)  # pooch's last act on a download
    with pytest.raises(ActsearchError) as caught:
        source_files(dataset, None)
    assert not isinstance(caught.value, BadInput)
    assert caught.value.exit_code == 1
    assert str(tmp_path / "cache") in str(caught.value)
    assert "No space left" in str(caught.value)
    assert "ACTSEARCH_CACHE" in str(caught.value)
