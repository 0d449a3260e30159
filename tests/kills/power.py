"""A disk of which the power is cut: what may be on it then, from a record of what it was asked for.

What was written to a file since it was last synced may be there or not, each write by itself, in
any order, and in part: some sectors of it. A new name, another one or none is there for sure once
its folder was synced; of the changes of names since then there is a beginning, as file systems with
a journal keep their order. A record is made by ``shim.c``.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("=QqIIII")


@dataclass(frozen=True)
class Event:
    """One call: ``kind`` is w(rite), t(runcate), s(ync), r(ename; to ``data``) or u(nlink)."""

    kind: str
    inode: int
    path: str
    at: int
    data: bytes


def events_of(recorded: Path) -> list[Event]:
    """Read a record."""
    content, events, place = recorded.read_bytes(), [], 0
    while place < len(content):
        inode, at, kind, n_path, n_data, _ = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        path = os.fsdecode(content[place : place + n_path])
        data = content[place + n_path : place + n_path + n_data]
        events.append(Event(chr(kind), inode, path, at, data))
        place += n_path + n_data
    return events


@dataclass
class _File:
    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[Event] = field(default_factory=list)


class Disk:
    """What was asked for so far. Files are numbered: the system gives inodes to others again."""

    def __init__(self) -> None:
        self._files: list[_File] = []
        self._by_inode: dict[int, int] = {}
        self._names: dict[str, int] = {}  # as the programs see them
        self._synced_names: dict[str, int] = {}
        self._unsynced_names: list[tuple[str, str, str, int]] = []  # kind, path, to, number

    def __call__(self, event: Event) -> None:
        """Do what is asked for."""
        if event.kind in "wt":
            self._file(event).unsynced.append(event)
        elif event.kind == "s" and event.path.endswith("/"):
            self._sync_names(event.path)
        elif event.kind == "s":
            file = self._file(event)
            for one in file.unsynced:
                _write(file.synced, one, one.data)
            file.unsynced.clear()
        else:
            self._rename(("r" if event.kind == "r" else "u", event.path, event.data.decode(), -1))

    def _file(self, event: Event) -> _File:
        if event.inode not in self._by_inode:  # it is new
            self._by_inode[event.inode] = len(self._files)
            self._rename(("c", event.path, "", len(self._files)))
            self._files.append(_File())
        return self._files[self._by_inode[event.inode]]

    def _rename(self, change: tuple[str, str, str, int]) -> None:
        self._unsynced_names.append(change)
        before = set(self._names.values())
        _change(self._names, change)
        gone = before - set(self._names.values())
        self._by_inode = {
            inode: number for inode, number in self._by_inode.items() if number not in gone
        }

    def _sync_names(self, folder: str) -> None:
        waiting = []
        for change in self._unsynced_names:
            if f"{os.path.dirname(change[2] or change[1])}/" == folder:  # noqa: PTH120
                _change(self._synced_names, change)
            else:
                waiting.append(change)
        self._unsynced_names = waiting

    def cut(self, draw: random.Random, root: Path, to: Path) -> Path:
        """Make at ``to`` what may be left of ``root`` when the power is cut now."""
        share = draw.choice([0.0, 0.5, 0.9])  # of the writes that are there
        names = dict(self._synced_names)
        n_names = draw.choice([0, draw.randint(0, len(self._unsynced_names))])
        for change in self._unsynced_names[:n_names]:
            _change(names, change)
        for path, number in names.items():
            file = self._files[number]
            content = bytearray(file.synced)
            for one in file.unsynced:
                if draw.random() < share:
                    for part in _torn(one, draw):
                        _write(content, part, part.data)
            made = to / Path(path).relative_to(root)
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(content)
        return to


def _torn(write: Event, draw: random.Random) -> Iterator[Event]:
    """Yield all of a write, or one by one the sectors of it that are there."""
    if write.kind == "t" or draw.random() < 0.7:
        yield write
        return
    begin, end = write.at, write.at + len(write.data)
    while begin < end:
        next_ = min(end, begin - begin % SECTOR + SECTOR)
        if draw.random() < 0.6:
            data = write.data[begin - write.at : next_ - write.at]
            yield Event("w", write.inode, write.path, begin, data)
        begin = next_


def _write(content: bytearray, event: Event, data: bytes) -> None:
    size = event.at if event.kind == "t" else max(len(content), event.at + len(data))
    del content[size:]
    content.extend(bytes(size - len(content)))
    content[event.at : event.at + len(data)] = data


def _change(names: dict[str, int], change: tuple[str, str, str, int]) -> None:
    kind, path, to, number = change
    if kind == "c":
        names[path] = number
    elif kind == "u":
        names.pop(path, None)
    else:  # a folder takes along what is in it
        for name in [one for one in names if one == path or one.startswith(f"{path}/")]:
            names[to + name.removeprefix(path)] = names.pop(name)
