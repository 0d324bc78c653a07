"""A headless Chromium that tells what it asked for and what it complained of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WHY_NOT = "" if CHROMIUM and DRIVER else "no chromium and chromedriver: Debian's packages have them"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-quic", "--disable-dev-shm-usage"),
)


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """Yield a driver with an empty profile of its own, which keeps what the page does."""
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.get("about:blank")
        yield driver
    finally:
        driver.quit()


def ready(driver: Any) -> None:
    """Wait until the report's script has unpacked its data and set up its controls."""
    driver.execute_async_script(
        """
        const done = arguments[0];
        const { dataset } = document.documentElement;
        const look = () => "ready" in dataset ? done() : setTimeout(look, 5);
        look();
        """
    )


def resize(driver: Any, width: int, height: int = 1000) -> None:
    """Give the page a window of some size, a phone's where it is narrow."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def dark(driver: Any, wanted: bool) -> None:
    """Say which colours the system's user prefers."""
    value = "dark" if wanted else "light"
    features = [{"name": "prefers-color-scheme", "value": value}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requests(driver: Any) -> list[str]:
    """Return what was asked for since the last call: every address but those of data within."""
    events = (json.loads(one["message"])["message"] for one in driver.get_log("performance"))
    sent = (one["params"] for one in events if one["method"] == "Network.requestWillBeSent")
    urls = [one["request"]["url"] for one in sent]
    return [one for one in urls if not one.startswith(("data:", "blob:", "chrome:", "about:"))]


def complaints(driver: Any) -> list[str]:
    """Return what the page wrote to the console since the last call."""
    return [one["message"] for one in driver.get_log("browser")]


def choose_row(driver: Any, place: int) -> None:
    """Show a row of the content in the figures, whichever the page opened on."""
    driver.execute_script(
        "const one = document.getElementById('row'); if (one) { one.value = String(arguments[0]);"
        "one.dispatchEvent(new Event('change')); }",
        place,
    )
