"""A hook that hears what the interpreter does, and notes what hostile input must never make it do.

It can't be removed again, so it lives in a process of its own (``tests.security.audited``). Events
are Python's audit events; what C does by itself, as SQLite does, is told by looking at the files.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Stands in hostile formulas and texts: nothing that is compiled or executed may have it.
CANARY = "zkanarienz"

ROOT = Path(__file__).resolve().parents[2]
#: Where the code of this program and of its dependencies lies.
CODE = tuple(
    str(Path(str(place)).resolve())
    for place in (
        ROOT / "actsearch",
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        *site.getsitepackages(),
        Path(os.__file__).parent,
    )
)
#: Who may read a text as Python, without running it: the parser of formulas, that of headers.
READERS = (
    str(ROOT / "actsearch" / "expressions" / "parser.py"),
    str(ROOT / "actsearch" / "tasks" / "datasets" / "npz.py"),
)
#: Runs straight-line Python that it prints itself from a tree, and nothing else.
PRINTER = str(ROOT / "actsearch" / "kernels" / "eager.py")
LOADER = str(ROOT / "actsearch" / "kernels" / "native" / "library.py")
#: matplotlib asks the system for its fonts, once, before it draws for the first time.
FONTS = "font_manager.py"
LISTS_FONTS = ([["fc-list", "--help"]], [["fc-list", "--format=%{file}\\n"]])
COMPILER = str(ROOT / "actsearch" / "kernels" / "native" / "compiler.py")

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Event -> which of its arguments are paths that it changes.
_CHANGES = {
    "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.mkdir": (0,), "os.link": (0, 1),
    "os.symlink": (1,), "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,),
    "shutil.rmtree": (0,), "shutil.move": (0, 1), "shutil.copyfile": (1,), "shutil.copytree": (1,),
    "tempfile.mkstemp": (0,), "tempfile.mkdtemp": (0,), "sqlite3.connect": (0,),
    "os.setxattr": (0,), "shutil.chown": (0,), "shutil.unpack_archive": (1,),
}  # fmt: skip
_STARTS = {
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
    "subprocess.Popen", "os.startfile",
}  # fmt: skip
_NEVER = (
    "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname",
    "urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect", "webbrowser.open",
    "pickle.find_class", "builtins.input", "os.kill", "os.killpg", "sys.setprofile_all",
    "cpython.run_file", "cpython.run_command", "ctypes.dlsym/handle", "resource.setrlimit",
)  # fmt: skip


class Audit:
    """Notes violations while it is on.

    Args:
        own: Folders that may be written into.
    """

    def __init__(self, own: tuple[Path, ...] = ()) -> None:
        self.own = tuple(str(folder.resolve()) for folder in own)
        self.found: list[str] = []
        self.n_events = 0
        self._is_on = False
        sys.addaudithook(self._hear)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Listen in a ``with`` block."""
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_on:
            return
        self._is_on = False  # what is done here is not heard
        try:
            self.n_events += 1
            what = self._wrong(event, arguments)
            if what is not None:
                where = " < ".join(f"{Path(f).name}:{n}" for f, n in _stack()[:5])
                self.found.append(f"{event}: {what} ({where})")
        finally:
            self._is_on = True

    def _wrong(self, event: str, arguments: tuple[Any, ...]) -> str | None:
        if event == "import":
            return self._wrong_import(*arguments[:2])
        if event == "exec":
            return _wrong_code(arguments[0])
        if event == "compile":
            return _wrong_source(arguments[0])
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITING) or any(ch in str(mode or "") for ch in "wxa+")
            return self._wrong_place(path) if writes else None
        if event in _CHANGES:
            places = (_in_open_folder(arguments, k) for k in _CHANGES[event] if k < len(arguments))
            wrong = (self._wrong_place(place) for place in places)
            return next((one for one in wrong if one is not None), None)
        if event in _STARTS:
            lists_fonts = list(arguments[1:2]) in LISTS_FONTS and _caller_is(FONTS)
            return None if _is_by(COMPILER) or lists_fonts else f"{arguments[:2]!r:.200}"
        if event == "ctypes.dlopen":
            return self._wrong_library(arguments[0])
        return f"{arguments!r:.200}" if event in _NEVER else None

    def _wrong_import(self, name: object, file: object) -> str | None:
        top = str(name).partition(".")[0]
        spec = sys.modules.get(top)
        places = [str(file)] if file else []
        if spec is not None and getattr(spec, "__file__", None):
            places.append(str(spec.__file__))
        bad = [one for one in places if not _is_code(one)]
        return f"{name} from {bad[0]}" if bad else None

    def _wrong_place(self, path: Any) -> str | None:
        if isinstance(path, int) or path is None:  # what was opened, and heard, before
            return None
        text = os.fsdecode(path)
        if text.startswith("file:"):
            text = text[len("file:") :].partition("?")[0].replace("//", "/", 1)
        if text in (":memory:", "", "/dev/null"):
            return None
        # The folder's links are followed, the last name's not: it is what would be changed.
        path = Path(os.path.abspath(text))  # noqa: PTH100
        if not path.parent.is_dir():  # then nothing can be made there
            return None
        whole = str(path.parent.resolve() / path.name)
        inside = any(whole == own or whole.startswith(own + os.sep) for own in self.own)
        return None if inside else text

    def _wrong_library(self, name: Any) -> str | None:
        if name is None or (isinstance(name, str) and "/" not in name):
            return None
        real = os.path.realpath(os.fsdecode(name))
        own_kernel = any(real.startswith(own + os.sep) for own in self.own) and _is_by(LOADER)
        return None if _is_code(real) or own_kernel else str(name)


def _is_code(file: str) -> bool:
    real = os.path.realpath(file)
    return any(real.startswith(place + os.sep) for place in CODE)


def _stack() -> list[tuple[str, int]]:
    """Return file and line of the calls that led here, the innermost first, without this file."""
    frame: types.FrameType | None = sys._getframe()
    found = []
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            found.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return found


def _is_by(wanted: str) -> bool:
    return any(file == wanted for file, _ in _stack())


def _caller_is(name: str) -> bool:
    """Tell whether a file of a dependency with this name asked for a process."""
    files = (file for file, _ in _stack() if Path(file).name != "subprocess.py")
    first = next(files, "")
    return Path(first).name == name and _is_code(first)


def _in_open_folder(arguments: tuple[Any, ...], k: int) -> Any:
    """Return a path, where it is a name in an open folder with that folder before it."""
    path, folder = arguments[k], arguments[-1]
    if len(arguments) < 2 or not isinstance(folder, int) or isinstance(path, int) or folder < 0:
        return path
    try:
        return str(Path(f"/proc/self/fd/{folder}").readlink() / os.fsdecode(path))
    except OSError:  # the last argument is no folder but a mode
        return path


def _caller() -> str:
    """Return the file that asked for code to be compiled or run, importlib aside."""
    return next((file for file, _ in _stack() if not file.startswith("<")), "")


def _wrong_code(code: Any) -> str | None:
    if _has_canary(code):
        return f"code with the text of the input, from {code.co_filename}"
    if _is_code(code.co_filename):
        return None
    if code.co_filename.startswith("<actsearch ") and _caller() == PRINTER:
        return None
    # Generated: by a dependency (a dataclass, a template), and never by this program.
    by = _caller()
    is_generated = code.co_filename.startswith("<") or not Path(code.co_filename).is_absolute()
    ours = by.startswith(str(ROOT / "actsearch"))
    return None if is_generated and _is_code(by) and not ours else f"{code.co_filename}, by {by}"


def _wrong_source(source: Any) -> str | None:
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    if not isinstance(source, str) or CANARY not in source:
        return None
    callers = [file for file, _ in _stack() if Path(file).name != "ast.py"]
    return None if callers[:1] and callers[0] in READERS else f"{source!r:.80}"


def _has_canary(code: types.CodeType) -> bool:
    words = [*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars]
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            if _has_canary(const):
                return True
        elif isinstance(const, str | bytes | tuple | frozenset):
            words.append(repr(const))
    return any(CANARY in word for word in words)
