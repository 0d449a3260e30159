"""A headless Chromium for the tests: started once, driven through ChromeDriver."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromedriver")
MISSING = "no headless Chromium here (on Debian: apt-get install chromium chromium-driver)"

# Without these it asks the network for its own purposes at every start.
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip

_END = "that is all that the console has to say"


def is_there() -> bool:
    """Tell whether this machine has what the tests drive."""
    return all(shutil.which(program) for program in PROGRAMS)


class Browser:
    """A browser with one page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, file: Path, width: int = 1440, *, dark: bool = False, script: bool = True
    ) -> None:
        """Open a file in a window of a width, light or dark, with script or without."""
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send("Emulation.setEmulatedMedia", media="screen", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ])  # fmt: skip
        self.resize(width)
        self.driver.get_log("browser")  # what was said of an earlier page
        self.driver.get(file.as_uri())

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page a size in CSS pixels."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip

    def send(self, command: str, **arguments: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def messages(self) -> list[str]:
        """Return what the console said since the page was opened, refused content included.

        What it said comes with a delay; so we say something too, and wait until that has come.
        """
        from selenium.webdriver.support.wait import WebDriverWait

        said: list[str] = []

        def all_has_come(driver: Any) -> bool:
            said.extend(str(entry["message"]) for entry in driver.get_log("browser"))
            return any(_END in one for one in said)

        self.run(f"console.log('{_END}')")
        WebDriverWait(self.driver, 30, poll_frequency=0.05).until(all_has_come)
        return [one for one in said if _END not in one]

    def pdf(self) -> bytes:
        """Return the page as it prints."""
        self.send("Emulation.setEmulatedMedia", media="")
        printed = self.send("Page.printToPDF", printBackground=True)
        return base64.b64decode(printed["data"])

    def shot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps its profile in an empty folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
        service.stop()
