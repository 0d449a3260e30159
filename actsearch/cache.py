"""Where the program keeps what it can make again: downloads, converted arrays, compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "ACTSEARCH_CACHE"


def cache_root() -> Path:
    """Return the cache folder: ``ACTSEARCH_CACHE`` or the user's."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("actsearch"))
