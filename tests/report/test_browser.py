"""The page in a real browser: Chromium shows it as meant, in any width, light, dark and printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import MISSING, Browser, browser, is_there

pytestmark = pytest.mark.skipif(not is_there(), reason=MISSING)

WIDTHS = [390, 1440]
KINDS = ["won", "open", "empty", "hostile"]
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example-report.html"

#: The lightness of text against what lies behind it, as WCAG 2.1 counts it; the least of the page.
CONTRAST = """
const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
function behind(node) {
  for (let one = node; one; one = one.parentElement) {
    const colour = parse(getComputedStyle(one).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return parse(getComputedStyle(document.documentElement).backgroundColor);
}
let least = [99, ""];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !node.checkVisibility()) continue;
  if (node.closest("script, style, svg")) continue;
  const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < least[0]) least = [ratio, node.tagName + "." + node.className];
}
return least;
"""
COLUMN = """
const [id, title] = arguments;
const table = document.getElementById(id);
const place = [...table.tHead.rows[0].cells].findIndex((h) => h.textContent.startsWith(title));
return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
"""
SORTED = """
return [...document.querySelectorAll(`#${arguments[0]} th[aria-sort]`)].map(
  (head) => [head.textContent, head.getAttribute("aria-sort")]);
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a browser for all tests of this file."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def files(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the pages as files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages} | {"example": EXAMPLE}


@pytest.mark.parametrize("kind", [*KINDS, "example"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_loads_without_a_word_and_nothing_sticks_out(
    chromium: Browser, files: dict[str, Path], kind: str, width: int
) -> None:
    chromium.open(files[kind], width)
    assert chromium.messages() == []
    wide, room = chromium.run(
        "const page = document.scrollingElement; return [page.scrollWidth, page.clientWidth]"
    )
    assert wide <= room == width
    assert chromium.run("return window.hacked") is None
    assert chromium.run("return document.images.length") == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_are_whole_on_a_small_screen(
    chromium: Browser, files: dict[str, Path], width: int
) -> None:
    chromium.open(files["won"], width)
    ends = chromium.run(
        "return [...document.querySelectorAll('figure svg')].map("
        "svg => svg.getBoundingClientRect().right)"
    )
    assert ends
    assert max(ends) <= width


def test_a_policy_that_is_broken_would_be_heard_of(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "broken.html"
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    file.write_text(f"<!DOCTYPE html>{policy}<p style='color: red'>a</p><script>1</script>")
    chromium.open(file)
    assert len(chromium.messages()) >= 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["won", "unconfirmed"])
def test_text_is_readable_by_day_and_by_night(
    chromium: Browser, files: dict[str, Path], kind: str, dark: bool
) -> None:
    chromium.open(files[kind], dark=dark)
    paper = chromium.run("return getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert lightness < 40 if dark else lightness > 240
    ratio, where = chromium.run(CONTRAST)
    assert ratio >= 4.5, where


def head(chromium: Browser, table: str, title: str) -> Any:
    """Return the button in the head of a column."""
    for button in chromium.driver.find_elements("css selector", f"#{table} th button"):
        if button.text.startswith(title):
            return button
    raise AssertionError(f"{table} has no head {title}")


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("−", "-").split()[0].replace("\xa0%", "")) for text in texts]


def test_tables_sort_by_mouse_numbers_as_numbers(chromium: Browser, files: dict[str, Path]) -> None:
    chromium.open(files["won"])
    before = chromium.run(COLUMN, "comparison", "difference")
    head(chromium, "comparison", "difference").click()
    (found,) = chromium.run(SORTED, "comparison")
    assert found[1] == "descending"
    texts = chromium.run(COLUMN, "comparison", "difference")
    assert sorted(texts) == sorted(before)
    assert texts[-1] == ""  # the leader has no difference to itself: what is empty stays below
    assert numbers(texts[:-1]) == sorted(numbers(texts[:-1]), reverse=True)
    head(chromium, "comparison", "difference").click()
    assert chromium.run(SORTED, "comparison")[0][1] == "ascending"
    texts = chromium.run(COLUMN, "comparison", "difference")
    assert numbers(texts[:-1]) == sorted(numbers(texts[:-1]))
    assert texts[-1] == ""


def test_tables_sort_by_keyboard_words_as_words(chromium: Browser, files: dict[str, Path]) -> None:
    from selenium.webdriver.common.keys import Keys

    chromium.open(files["won"])
    button = head(chromium, "hall", "formula")
    chromium.run("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    assert chromium.run(SORTED, "hall")[0][1] == "ascending"
    texts = chromium.run(COLUMN, "hall", "formula")
    assert texts == sorted(texts)
    button.send_keys(Keys.SPACE)
    assert chromium.run(COLUMN, "hall", "formula") == sorted(texts, reverse=True)
    head(chromium, "hall", "rank").click()
    head(chromium, "hall", "rank").click()
    assert len(chromium.run(SORTED, "hall")) == 1
    ranks = numbers(chromium.run(COLUMN, "hall", "rank"))
    assert ranks == sorted(ranks)


def test_a_value_shows_its_digits_on_hover(chromium: Browser, files: dict[str, Path]) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.support.ui import WebDriverWait

    def shown(driver: Any) -> bool:
        # The scrolling that brings the cell into view hides the tip when it ends.
        ActionChains(driver).move_to_element(body).move_to_element(cell).perform()
        return bool(tip.is_displayed())

    chromium.open(files["won"])
    body = chromium.driver.find_element("css selector", "#hall caption")
    cell = chromium.driver.find_element("css selector", "#hall tbody td[data-value*='0.6']")
    chromium.run("arguments[0].scrollIntoView({block: 'center'})", cell)
    tip = chromium.driver.find_element("css selector", ".tip")
    assert WebDriverWait(chromium.driver, 10).until(shown)
    assert tip.text == cell.get_attribute("data-value")
    assert chromium.messages() == []


def test_a_formula_can_be_copied(chromium: Browser, files: dict[str, Path]) -> None:
    chromium.open(files["won"])
    button = chromium.driver.find_element("css selector", ".finalist .copyable button")
    button.click()
    assert chromium.run("return getSelection().toString()") == "x*sin(x)"


def test_it_is_whole_without_script(chromium: Browser, files: dict[str, Path]) -> None:
    chromium.open(files["won"], 390, script=False)
    assert chromium.driver.find_elements("css selector", "button") == []
    text = chromium.driver.find_element("css selector", "main").text
    for said in ("beats all 3 known activations", "Hall of fame", "Words used"):
        assert said in text
    opened = chromium.driver.find_elements("css selector", "figure svg")
    assert opened
    assert all(figure.size["height"] > 60 for figure in opened)
    chromium.send("Emulation.setScriptExecutionDisabled", value=False)


def test_mathematics_is_set_and_not_spelled(chromium: Browser, files: dict[str, Path]) -> None:
    chromium.open(files["won"])
    maths = chromium.driver.find_elements("css selector", "math")
    assert len(maths) == 3
    assert {one.value_of_css_property("display") for one in maths} == {"block math"}
    assert all(one.size["height"] > 15 for one in maths)


def test_it_prints_on_pages(chromium: Browser, files: dict[str, Path]) -> None:
    chromium.open(files["won"], dark=True)
    printed = chromium.pdf()
    assert printed.startswith(b"%PDF-")
    counts = [int(n) for n in re.findall(rb"/Type /Pages\s.*?/Count (\d+)", printed, re.DOTALL)]
    assert 3 <= max(counts) <= 30


def test_what_is_long_and_for_reference_stays_off_paper(
    chromium: Browser, files: dict[str, Path]
) -> None:
    chromium.open(files["hostile"])  # of two functions, the second folded away
    closed = "return document.querySelectorAll('details:not([open])').length"
    before = chromium.run(closed)
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    n_long = chromium.run("return document.querySelectorAll('.long').length")
    assert chromium.run(closed) == n_long < before
    chromium.send("Emulation.setEmulatedMedia", media="print")
    shown = (
        "return [...document.querySelectorAll('.long')].filter((d) => d.checkVisibility()).length"
    )
    assert chromium.run(shown) == 0
    heights = chromium.run(
        "return [...document.querySelectorAll('figure svg')].map((one) => one.clientHeight)"
    )
    millimetre = 96 / 25.4
    assert max(heights) <= 150 * millimetre + 1
    assert sorted(heights)[len(heights) // 2] <= 92 * millimetre + 1  # two on a page
    chromium.send("Emulation.setEmulatedMedia", media="")
    chromium.run("dispatchEvent(new Event('afterprint'))")
    assert chromium.run(closed) == before


def test_the_keyboard_stops_only_where_something_scrolls(
    chromium: Browser, files: dict[str, Path]
) -> None:
    stops = """return [...document.querySelectorAll("[tabindex='0']")].map(
      (one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)"""
    chromium.open(files["won"], 390)
    narrow = chromium.run(stops)
    assert narrow
    assert all(narrow)
    chromium.open(files["won"], 1440)
    assert len(chromium.run(stops)) < 5


def test_a_copy_button_covers_no_text(chromium: Browser, files: dict[str, Path]) -> None:
    for width in WIDTHS:
        chromium.open(files["won"], width)
        covered = chromium.run("""
        const meet = (a, b) => a.left < b.right && b.left < a.right
          && a.top < b.bottom && b.top < a.bottom;
        const words = (node) => {
          const range = document.createRange();
          range.selectNodeContents(node);
          return range.getBoundingClientRect();
        };
        return [...document.querySelectorAll(".copyable")].filter((frame) => {
          const button = frame.querySelector("button").getBoundingClientRect();
          const line = frame.querySelector("code");
          const seen = line.getBoundingClientRect();
          const room = parseFloat(getComputedStyle(line).paddingRight);
          const text = words(line);
          const right = Math.min(text.right, line.scrollWidth > line.clientWidth
            ? seen.right : seen.right - room);
          const box = { left: text.left, right, top: text.top, bottom: text.bottom };
          const before = frame.previousElementSibling;
          return meet(button, box) || (before && meet(button, words(before)));
        }).map((frame) => frame.textContent);
        """)
        assert covered == [], width
