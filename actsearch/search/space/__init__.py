"""Space files: what they may say, checked in full, as plain data; breeding gives it meaning."""

from actsearch.search.space.model import (
    SearchSpace,
    load_space,
    read_space,
    space_files,
    space_from,
    space_path,
)

__all__ = ["SearchSpace", "load_space", "read_space", "space_files", "space_from", "space_path"]
