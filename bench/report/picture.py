"""The picture of the demo's report that the README shows: `make picture`."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDTH, HEIGHT, SHOWN = 1400, 1000, 3050
PAGE, PICTURE = Path("results/demo.html"), Path("docs/output/report.png")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-quic", "--disable-dev-shm-usage"),
)
# A figure is drawn when it comes near the window, and seen in the frame after.
DRAWN = """
const done = arguments[arguments.length - 1];
const first = document.querySelector(".figure");
first.scrollIntoView({ behavior: "instant" });
const look = () => first.querySelector(".main-svg")
  ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))
  : requestAnimationFrame(look);
look();
"""
# All figures that are seen, once they no longer change their size.
SETTLED = """
const done = arguments[arguments.length - 1];
const isSeen = (one) => one.getBoundingClientRect().top < innerHeight;
const seen = [...document.querySelectorAll(".figure")].filter(isSeen);
const isDrawn = (one) => one.querySelector(".main-svg");
const look = () => seen.every(isDrawn) ? setTimeout(done, 1000) : requestAnimationFrame(look);
look();
"""


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a headless browser with a new profile, Debian's or whichever is on the path."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}"):
            options.add_argument(flag)
        binary, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
        if binary is None or driver_path is None:
            raise SystemExit("no chromium and chromedriver: apt-get install chromium-driver")
        options.binary_location = binary
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            yield driver
        finally:
            driver.quit()


def opened(driver: Any, page: Path) -> float:
    """Open a page and go to its first figure; return the seconds until that is drawn."""
    driver.get(page.absolute().as_uri())
    return float(driver.execute_async_script(DRAWN)) / 1000


def main() -> None:
    """Write the picture: the top of the page, in a palette of 256 colours."""
    if not PAGE.exists():
        raise SystemExit(f"no {PAGE}: type  make demo")
    with chromium() as driver:
        opened(driver, PAGE)
        driver.execute_script("scrollTo({ top: 0, behavior: 'instant' })")
        size = {"width": WIDTH, "height": SHOWN, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.execute_async_script(SETTLED)
        shown = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    shown.quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {shown.width} x {shown.height}, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
