"""Debian's chromium, driven by playwright: the tests of pages skip where either is missing."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a file; nothing may leave the disk, fail or open a dialog."""
    outside: list[str] = []
    contexts = []

    def leaves(url: str) -> bool:
        return not url.startswith(("file://", "data:", "blob:"))

    def opened(path: Path, view: str = "", **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: leaves(request.url) and outside.append(request.url))
        page.on("dialog", lambda dialog: (outside.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: outside.append(str(error)))
        page.on("console", lambda message: outside.append(message.text))
        page.goto(f"{path.as_uri()}{view}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert outside == []
