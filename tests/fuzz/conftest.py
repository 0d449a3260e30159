"""The same properties by day and by night: `-m nightly` gives each of them many more examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

HERE = Path(__file__).parent

settings.register_profile(
    "fuzzing", settings.get_profile("default"), max_examples=2000, derandomize=False
)


@pytest.hookimpl(tryfirst=True)  # before pytest takes out what is not asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make the properties of this folder a part of the nightly run, at length."""
    if config.option.markexpr != "nightly":
        return
    at_length, seen = settings.get_profile("fuzzing"), set()
    for item in items:
        test = getattr(item, "obj", None)
        if HERE in item.path.parents and is_hypothesis_test(test):
            item.add_marker(pytest.mark.nightly)
            if test not in seen:  # one function has an item for each of its parameters
                at_length(test)
                seen.add(test)
