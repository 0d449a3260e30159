"""The page as a file: whole in itself, nothing from outside unescaped, the same bytes each time."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import os
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.report.facts import facts_of
from actsearch.report.page import render, report, write_report
from actsearch.trials.account import Account, read_account
from tests.report.runs import NEW, WINS, make_run

KINDS = ["won", "lost", "open", "unconfirmed", "empty", "hostile"]
#: Elements that close themselves.
VOID = {"meta", "img", "br", "link", "input", "hr"}


@dataclass
class Page(HTMLParser):
    """A page as a parser reads it: its elements, what they nest in, its texts."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open_: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open_ or self.open_.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open_[-1:] not in (["script"], ["style"]):
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


@pytest.mark.parametrize("kind", KINDS)
def test_every_element_is_closed_and_every_id_is_one_of_a_kind(
    pages: dict[str, str], kind: str
) -> None:
    page = read(pages[kind])
    assert page.faults == []
    assert page.open_ == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("href", "aria-labelledby"):
            value = str(attributes.get(name, "data:"))
            assert value.startswith("data:") or value.removeprefix("#") in ids


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_fetched_and_the_policy_lets_only_its_own_run(
    pages: dict[str, str], kind: str
) -> None:
    text = pages[kind]
    page = read(text)
    (policy,) = [
        str(meta["content"])
        for meta in page.named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img"}
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"src", "href"}:
                assert str(value).startswith(("#", "data:"))


@pytest.mark.parametrize("kind", KINDS)
def test_headings_are_in_order_and_tables_say_what_they_are(
    pages: dict[str, str], kind: str
) -> None:
    page = read(pages[kind])
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(head["scope"] == "col" for head in page.named("th"))
    assert page.named("html")[0]["lang"] == "en"
    assert all(svg.get("aria-label") for svg in page.named("svg"))


def test_hostile_text_is_text_alone(pages: dict[str, str]) -> None:
    text = pages["hostile"]
    page = read(text)
    assert len(page.named("script")) == 1
    assert len(page.named("style")) == 1
    assert len(page.named("title")) == 1
    for sign in ("<img", 'onerror="', "\x00", "\x1b", "\u202e", "49"):
        outside = re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
        if sign == "49":  # what a template would make of {{7*7}}
            assert "{{7*7}}" in outside
        else:
            assert sign not in outside
    assert "<script>window.hacked" in "".join(page.texts)
    assert len(text) < 600_000


def test_a_long_text_is_cut_where_it_would_hide_others(pages: dict[str, str]) -> None:
    sentence = re.search(r'<p class="sentence">(.*?)</p>', pages["hostile"], re.DOTALL)
    assert sentence is not None
    assert len(sentence.group(1)) < 1500
    assert "95\u00a0% interval" in sentence.group(1)


def test_the_same_run_gives_the_same_bytes(runs: dict[str, Path], pages: dict[str, str]) -> None:
    assert report(read_account(runs["won"])) == pages["won"]
    assert pages["won"].count("<figure") >= 5


def test_a_running_search_is_said_to_run(runs: dict[str, Path]) -> None:
    account = read_account(runs["unconfirmed"])
    running = dataclasses.replace(account.run, writer="process 7 on <host>")
    text = render(facts_of(Account(running, None)))
    assert "still being written (by process 7 on &lt;host&gt;)" in text


def test_formulas_stand_as_mathematics_beside_their_text(pages: dict[str, str]) -> None:
    page = read(pages["won"])
    assert len(page.named("math")) == 3  # in the verdict; with its derivative below
    assert NEW in "".join(page.texts)


def test_what_is_to_be_copied_has_plain_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "100 % ± 1"
    folder.mkdir()
    run = make_run(folder / "won", finalists=(NEW,), trials=WINS)
    text = render(facts_of(read_account(run)))
    assert f"actsearch export won 3 --runs-dir &#39;{folder}&#39;" in text


def test_the_file_replaces_an_earlier_one_and_is_all_there(
    runs: dict[str, Path], pages: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(pages["lost"], encoding="utf-8")
    assert write_report(runs["won"], file) == file
    assert file.read_text(encoding="utf-8") == pages["won"]
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o444 == 0o444


def test_a_file_that_is_no_report_is_replaced_by_force_alone(
    runs: dict[str, Path], tmp_path: Path, without_pictures: None
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(BadInput, match=r"exists already and is no report.*--force"):
        write_report(runs["won"], notes)
    assert notes.read_text() == "mine"
    assert write_report(runs["won"], notes, force=True) == notes
    assert write_report(runs["won"], notes) == notes  # it begins as a report does now


@pytest.mark.parametrize("name", ["run.sqlite", "run.sqlite-wal", "config.json", "writer.lock"])
def test_no_file_of_a_store_becomes_a_report(
    tmp_path: Path, name: str, without_pictures: None
) -> None:
    run = make_run(tmp_path / "run")
    before = {file: file.read_bytes() for file in run.iterdir()}
    with pytest.raises(BadInput, match="belongs to a run's store"):
        write_report(run, run / name, force=True)
    assert {file: file.read_bytes() for file in run.iterdir()} == before


def test_links_and_devices_are_no_files_for_a_report(
    runs: dict[str, Path], pages: dict[str, str], tmp_path: Path
) -> None:
    there = tmp_path / "there.html"
    there.write_text(pages["lost"], encoding="utf-8")
    link = tmp_path / "link.html"
    link.symlink_to(there)
    os.mkfifo(tmp_path / "pipe")
    for file in (link, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(BadInput, match="is no regular file"):
            write_report(runs["won"], file, force=True)
    assert there.read_text(encoding="utf-8") == pages["lost"]


def test_columns_have_names_and_examples_stand_apart(pages: dict[str, str]) -> None:
    heads = re.findall(r"<th [^>]*>(.*?)</th>", pages["won"], re.DOTALL)
    assert heads
    assert all(head.strip() for head in heads)
    assert "<code>1</code>\n<code>2</code>" in pages["won"]


def test_one_step_is_one_step(runs: dict[str, Path]) -> None:
    found = facts_of(read_account(runs["won"]))
    for n, said in ((1, "and 1 step more"), (2, "and 2 steps more")):
        (one,) = found.finalists
        changed = dataclasses.replace(found, finalists=(dataclasses.replace(one, further=n),))
        assert said in render(changed)
