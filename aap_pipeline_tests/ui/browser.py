"""A person's browser: the machine's own Chromium without a window, led by Playwright."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


def chromium() -> str | None:
    """Path of the browser; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def missing() -> str | None:
    """What the machine lacks and how to get it, in a sentence; None where a browser can be opened."""
    if chromium() is None:
        return "There is no browser: apt install chromium (Debian, Ubuntu), then make test."
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is missing: make test brings it where chromium is; else pip install -e '.[browser]'."
    return None


@contextmanager
def browser(profile: Path, width: int = 1400, height: int = 900) -> Iterator[Page]:
    """An empty page of a browser with the fresh profile folder `profile`; the browser ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium(), args=_FLAGS, viewport={"width": width, "height": height}
        )
        try:
            yield context.pages[0]
        finally:
            context.close()
