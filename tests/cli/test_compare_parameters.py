"""How a comparison shows what networks of unequal size cost, and is silent of equal ones."""

from __future__ import annotations

import pytest

from actsearch.cli.compare import columns_of, print_comparison, remarks
from actsearch.trials.compare import Comparison
from actsearch.trials.entries import Entry


def comparison(*counts: int | None) -> Comparison:
    entries = [
        Entry(f"f{k}", f"f{k}", 0.5, 0.01, 3, 0, n_parameters=count)
        for k, count in enumerate(counts)
    ]
    return Comparison(
        task="t",
        split="validation",
        score_name="validation accuracy",
        seeds=(1, 2, 3),
        reference="f0",
        chosen_baseline=True,
        until=None,
        learning_rates=(),
        entries=tuple(entries),
    )


@pytest.mark.parametrize("counts", [(100, 100), (None, None), (100, None)])
def test_equal_or_unknown_counts_are_not_shown(counts: tuple[int | None, ...]) -> None:
    found = comparison(*counts)
    assert "n_parameters" not in [column.key for column in columns_of(found)]
    assert "parameters" not in " ".join(remarks(found))


def test_unequal_counts_are_shown_with_the_way_to_equal_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_comparison(comparison(29_410, 15_210))
    out = capsys.readouterr().out
    assert "29,410" in out
    assert "15,210 to 29,410" in out
    assert "@equal-parameters" in out


def test_nearly_equal_ones_need_no_way() -> None:
    said = " ".join(remarks(comparison(15_210, 14_926)))
    assert "14,926 to 15,210" in said
    assert "@equal-parameters" not in said
