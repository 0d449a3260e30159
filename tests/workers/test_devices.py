"""What ``--workers`` and ``--devices`` become, on machines that are made up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actsearch.errors import BadInput
from actsearch.workers import Slots, resolve

NONE: list[str] = []
TWO = ["cuda:0", "cuda:1"]


def slots(workers: str | int, devices: str | Sequence[str], cuda: list[str]) -> Slots:
    return resolve(workers, devices, cuda=lambda: cuda, cpus=lambda: 6)


@pytest.mark.parametrize(
    ("workers", "devices", "cuda", "expected"),
    [
        ("auto", "auto", NONE, Slots(6, ("cpu",))),
        ("auto", "auto", TWO, Slots(2, ("cuda:0", "cuda:1"))),
        ("auto", "cpu", TWO, Slots(6, ("cpu",))),
        (3, "cpu", NONE, Slots(3, ("cpu",))),
        ("12", "CPU ", NONE, Slots(12, ("cpu",))),
        ("1", "auto", TWO, Slots(1, ("cuda:0",))),
        ("auto", "cuda", TWO, Slots(2, ("cuda:0", "cuda:1"))),
        ("AUTO", "cuda:1", TWO, Slots(1, ("cuda:1",))),
        (2, " cuda:1 , cuda:0 ", TWO, Slots(2, ("cuda:1", "cuda:0"))),
        ("auto", ("cuda:0",), TWO, Slots(1, ("cuda:0",))),
    ],
)
def test_what_is_asked_for_is_given(
    workers: str | int, devices: str | Sequence[str], cuda: list[str], expected: Slots
) -> None:
    assert slots(workers, devices, cuda) == expected


@pytest.mark.parametrize(
    ("devices", "cuda", "why"),
    [
        ("cuda:7", TWO, r"unknown device 'cuda:7'.*\(known: auto, cpu, cuda:0, cuda:1\)"),
        ("cuda", NONE, r"--devices cuda: torch sees no CUDA device here .*actsearch doctor"),
        ("cuda:0,cuda:1", NONE, "torch sees no CUDA device here"),
        ("cpu,cuda:0", NONE, "torch sees no CUDA device here"),
        ("cudo", NONE, r"unknown device 'cudo'.*\(known: auto, cpu\)"),
        ("gpu", TWO, "unknown device 'gpu'"),
        ("cup", NONE, "did you mean 'cpu'"),
        ("", TWO, "unknown device ''"),
        ("cuda:0,", TWO, "unknown device ''"),
        ((), TWO, "--devices is empty; there is auto, cpu, cuda:0, cuda:1"),
        ("auto,cuda:0", TWO, "unknown device 'auto'"),
        ("cuda:0,cuda:0", TWO, "names one twice"),
        ("cpu,cpu", NONE, "names one twice"),
        ("cpu,cuda:0", TWO, "mixes cpu with others"),
    ],
)
def test_devices_that_are_not_there(
    devices: str | Sequence[str], cuda: list[str], why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        slots("auto", devices, cuda)


@pytest.mark.parametrize(
    "workers", ["0", "-1", "1.5", "two", "", "1e3", "1_0", "١", 0, -3, "1025", "9" * 5000]
)
def test_numbers_of_workers_that_cannot_be(workers: str | int) -> None:
    with pytest.raises(
        BadInput, match=r"--workers is .* auto, inline, or a number from 1 to 1024"
    ) as caught:
        slots(workers, "cpu", NONE)
    assert len(str(caught.value)) < 200


def test_more_workers_than_devices() -> None:
    with pytest.raises(
        BadInput, match=r"--workers 3 with 2 device.*at most 2; or use --devices cpu"
    ):
        slots(3, "auto", TWO)


def test_the_processor_alone_needs_no_look_at_cuda() -> None:
    def look() -> list[str]:
        raise AssertionError("looked")

    assert resolve(2, "cpu", cuda=look, cpus=look) == Slots(2, ("cpu",))  # type: ignore[arg-type]


def test_this_machine_has_something() -> None:
    found = resolve()
    assert found.workers >= 1
    assert found.devices
