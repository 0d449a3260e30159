"""What users are told when a faster backend can't be used: once a process for each reason."""

from __future__ import annotations

import warnings

_said: set[str] = set()


class KernelWarning(UserWarning):
    """A backend can't be used here and another takes its place, with the same results."""


def warn_once(reason: str) -> None:
    """Warn, unless the same was said before in this process."""
    if reason not in _said:
        _said.add(reason)
        warnings.warn(reason, KernelWarning, stacklevel=2)


def forget() -> None:
    """Say everything once more."""
    _said.clear()
