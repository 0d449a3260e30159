"""Tasks of a user's own, loaded from a file: ``path/to/file.py:make_task``.

The file runs as any script of the user's does. What comes out is held against the Task protocol, so
that a missing method is told at once and by name. Pickling a loaded task sends the path, and the
worker loads the file itself: its classes need not be importable there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from actsearch.errors import BadInput, nearest, shorten
from actsearch.paths import typed_path
from actsearch.tasks import consent
from actsearch.tasks.protocol import (
    CompilesAhead,
    Record,
    Rung,
    Task,
    Training,
    inputs_of,
    names_channels,
)


class UserTask:
    """A user's task with the place that it came from; all else is passed on to ``task``."""

    def __init__(
        self, path: Path, function: str, data: Path | None, source_sha256: str, task: Task
    ) -> None:
        self.task = task
        self.name = task.name
        self.score_name = task.score_name
        self.inputs = inputs_of(task)
        self.rungs: tuple[Rung, ...] = tuple(task.rungs)
        self._origin = (path, function, data, source_sha256)

    @property
    def n_places(self) -> int | None:
        """How many activation layers the task's network has; None if it does not say.

        Raises:
            BadInput: the network can't be built; the message says where.
        """
        path, *_ = self._origin
        try:
            found: int | None = getattr(self.task, "n_places", None)
        except Exception as error:
            raise _explained(f"building the network of the task in {path}", path, error) from error
        return found

    @property
    def names_channels(self) -> bool:
        """Whether the task's network says at each activation how many channels there are."""
        return names_channels(self.task)

    def prepare(self) -> None:
        """Let the user's task get its data ready.

        Raises:
            BadInput: it raised; the message says where.
        """
        path, *_ = self._origin
        try:
            self.task.prepare()
        except Exception as error:
            raise _explained(f"prepare() of the task in {path}", path, error) from error

    def settings(self) -> dict[str, Any]:
        """Return the task's own settings and a hash of its file.

        Raises:
            BadInput: they are no JSON object.
        """
        path, _, _, source_sha256 = self._origin
        try:
            settings = {**self.task.settings(), "source_sha256": source_sha256}
            json.dumps(settings, allow_nan=False)
        except Exception as error:
            raise _explained(f"settings() of the task in {path}", path, error) from error
        return settings

    def __getattr__(self, name: str) -> Any:
        """Compile ahead where the user's task does, and be known to do so."""
        task = self.__dict__.get("task")
        if name == "compile" and isinstance(task, CompilesAhead):
            return task.compile
        raise AttributeError(f"a task loaded from a file has no '{name}'")

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train by the user's task."""
        return self.task.train(trainings, device=device, deadline=deadline)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_again, self._origin


def load_user_task(
    spec: str, data: Path | None = None, *, named: bool = True, data_named: bool = True
) -> UserTask:
    """Load ``path/to/file.py:function`` and call the function.

    Args:
        spec: the path and the function's name.
        data: the user's data folder; handed over if the function has an argument ``data``.
        named: whether the user named it; else it has to be one that they named before.
        data_named: whether the user named the data; else it has to be what they named before.

    Raises:
        NotNamed: they did not; the file was not run, or its function not called.
        BadInput: no such file or function, the file or the function raises, or what it returns is
            no task; the message lists what is missing.
    """
    name, _, function = spec.rpartition(":") if not spec.endswith(".py") else (spec, "", "")
    try:
        path = typed_path(name).resolve()
    except (OSError, RuntimeError) as error:  # links in a circle
        raise BadInput(f"no task file '{shorten(name)}': {shorten(str(error))}") from error
    if not path.is_file():
        raise BadInput(
            f"no task file {shorten(str(path), 300)}; a task is given as path/to/file.py:make_task"
        )
    source = _read(path)
    if named:
        consent.remember(path, source, function)
    else:
        consent.check_named(path, source, function)
    return _made(path, function, data, source, data_named)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror or error}") from error


def _made(
    path: Path, function: str, data: Path | None, source: bytes, data_named: bool | None
) -> UserTask:
    """Run a file and call its function; ``data_named`` is None where nobody has to be asked."""
    make_task = _function(path, _run(path, source), function)
    wants_data = _takes_data(make_task)
    if wants_data and data is not None and data_named is not None:
        ask = consent.remember_data if data_named else consent.check_data_named
        ask(path, function, data)
    try:
        task = make_task(data=data) if wants_data else make_task()
    except (Exception, SystemExit) as error:
        raise _explained(f"{function}() in {path}", path, error) from error
    lacking = missing_members(task)
    if lacking:
        raise BadInput(
            f"{function}() in {path} returned {shorten(repr(task), 60)}, which is no task: it "
            f"lacks {', '.join(lacking)} (see the Task protocol in actsearch/tasks/protocol.py)"
        )
    return UserTask(path, function, data, hashlib.sha256(source).hexdigest(), task)


_MEMBERS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a string", lambda value: isinstance(value, str) and bool(value)),
    "score_name": ("a string", lambda value: isinstance(value, str)),
    "rungs": (
        "one Rung or more",
        lambda value: (
            isinstance(value, tuple | list)
            and len(value) > 0
            and all(isinstance(rung, Rung) and rung.seeds for rung in value)
        ),
    ),
    "prepare": ("a method", callable),
    "settings": ("a method", callable),
    "train": ("a method", callable),
}


def missing_members(task: object) -> list[str]:
    """Return what ``task`` lacks of the Task protocol, each with what it should be."""
    lacking = []
    for name, (wanted, accepts) in _MEMBERS.items():
        if not hasattr(task, name) or not accepts(getattr(task, name)):
            lacking.append(f"{name} ({wanted})")
    return lacking


def _takes_data(function: Callable[..., Any]) -> bool:
    try:
        return "data" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # there is nothing to look at, as with some of Python's own
        return False


def _load_again(path: Path, function: str, data: Path | None, source_sha256: str) -> UserTask:
    """Load in another process what the driver loaded, and run nothing else."""
    source = _read(path)
    if hashlib.sha256(source).hexdigest() != source_sha256:
        raise BadInput(f"{path} was changed while it was in use; start again")
    return _made(path, function, data, source, None)


def _run(path: Path, source: bytes) -> ModuleType:
    """Run the file as a module, which may import its neighbours."""
    name = f"actsearch_task_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # at the end: it must not shadow what is installed
    sys.modules[name] = module  # dataclasses and pickle look a class up by its module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the user's own file
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _explained(f"the task file {path}", path, error) from error
    return module


def _function(path: Path, module: ModuleType, name: str) -> Callable[..., Any]:
    found = getattr(module, name, None) if name else None
    if callable(found):
        return found
    own = [
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    guess = nearest(name, own)
    hint = f"; did you mean '{guess}'?" if guess else ""
    what = f"no function '{shorten(name)}'{hint}" if name else "to be followed by :FUNCTION"
    raise BadInput(f"{path}: {what} (functions there: {', '.join(own) or 'none'})")


def _explained(what: str, path: Path, error: BaseException) -> BadInput:
    """Return an error that names the line of the user's file where it happened."""
    if isinstance(error, BadInput):
        return error
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]  # fmt: skip
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f", line {lines[-1]}" if lines and lines[-1] else ""
    text = shorten(f"{type(error).__name__}: {error}", 300)
    return BadInput(f"{what} raised {text}{where}")
