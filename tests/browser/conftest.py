"""Debian's chromium, driven by playwright: the tests of pages skip where either is missing."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def idle(browser: Any) -> dict[str, list[Any]]:
    """Return empty pages that no test has at the moment, by the options they were made with."""
    return defaultdict(list)


@pytest.fixture
def opened(browser: Any, idle: dict[str, list[Any]]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a file; nothing may leave the disk, fail or open a dialog.

    A page takes a process and its start, so the next test gets it, emptied.
    """
    outside: list[str] = []
    told = {
        "request": lambda request: _leaves(request.url) and outside.append(request.url),
        "dialog": lambda dialog: (outside.append(dialog.message), dialog.dismiss()),
        "pageerror": lambda error: outside.append(str(error)),
        "console": lambda message: outside.append(message.text),
    }
    lent = []

    def opened(path: Path, view: str = "", **options: Any) -> Any:
        key = repr(sorted(options.items()))
        page = idle[key].pop() if idle[key] else browser.new_context(**options).new_page()
        lent.append((key, page))
        for event, tell in told.items():
            page.on(event, tell)
        page.goto(f"{path.as_uri()}{view}")
        return page

    yield opened
    for key, page in lent:
        page.emulate_media(media="null")
        page.goto("about:blank")
        for event, tell in told.items():
            page.remove_listener(event, tell)
        idle[key].append(page)
    assert outside == []


def _leaves(url: str) -> bool:
    return not url.startswith(("file://", "data:", "blob:", "about:blank"))
