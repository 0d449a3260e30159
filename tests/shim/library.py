"""The library of ``shim.c``, which stands between a process and the operating system."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def compiled(folder: Path) -> Path | None:
    """Compile it into a folder; None where there is no compiler, or no Linux."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library, source = folder / "shim.so", Path(__file__).with_name("shim.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"],
        check=True,
    )
    return library
