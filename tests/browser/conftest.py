"""A real browser, and the example shop it visits: both run as users run them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Require

SHOP = Path(__file__).parents[2] / "examples" / "django_shop"
PATIENCE = 30


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="session")
def chromium(require: Require) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        require("a browser: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may be missing
    except ImportError:
        require("a hand for the browser: pip install playwright")
    with sync_playwright() as playwright:
        # Its sandbox wants privileges that a test's container has not; all it sees is our own page.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, chromium: Any, require: Require) -> Iterator[str]:
    """The example shop, brought up as its README says; gives its address."""
    if find_spec("django") is None:
        require("Django: pip install -e '.[django]'")
    folder, port = tmp_path_factory.mktemp("shop"), _free_port()
    environment = {
        **os.environ,
        "SHOP_FILE": str(folder / "shop.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    subprocess.run([sys.executable, "bring_up.py"], cwd=SHOP, env=environment, check=True, capture_output=True)
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
        cwd=SHOP,
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, folder / "server.log")
        yield address
    finally:
        server.terminate()
        server.wait(PATIENCE)
        log.close()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/admin/login/", timeout=PATIENCE).close()  # noqa: S310 - our own
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"The shop did not start: {log.read_text()[-2000:]}")


def _is_ours(said: Any) -> bool:
    """Leaves out what Django's own select2 does to its own box, and the picture no shop of ours has."""
    where = str(said.location.get("url", ""))
    return said.type in ("error", "warning") and "/static/admin/js/vendor/" not in where and "favicon" not in where


@pytest.fixture
def enter(shop: str, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a window for somebody and logs in. Whatever a window complains of fails the test at its end."""
    complaints: list[str] = []
    windows = []

    def opened(name: str, **options: Any) -> Any:
        window = chromium.new_context(base_url=shop, **{"viewport": {"width": 1280, "height": 1400}, **options})
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda said: complaints.append(f"{said.text} ({said.location})") if _is_ours(said) else None)
        page.on("pageerror", lambda broken: complaints.append(str(broken)))
        page.goto("/admin/login/?next=/admin/shop/customer/")
        page.fill("#id_username", name)
        page.fill("#id_password", "shop")
        page.click("[type=submit]")
        page.wait_for_selector("#result_list")
        return page

    yield opened
    for window in windows:
        window.close()
    assert complaints == []


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Any, str], Path]:
    """Takes a picture of a whole page; they are kept where ``OWNERSHIP_PICTURES`` says, else with the test."""
    folder = Path(os.environ.get("OWNERSHIP_PICTURES") or tmp_path)

    def taken(page: Any, name: str) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=str(path), full_page=True)
        assert path.stat().st_size > 0
        return path

    return taken
