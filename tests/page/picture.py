"""`python -m tests.page.picture`: takes the pictures of the page that the README shows.

Sample workers run against the dev server for a while, with failures, a paused one and one whose polls fail.
"""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from conductor_fast import MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.page.browser import Browser
from tests.support.debian import needed
from tests.support.waiting import wait_until

DOCS = Path(__file__).parents[2] / "docs"
# Task type, slots, seconds that a task takes, tasks a second.
WORKERS = [
    ("charge_card", 10, 0.120, 40),
    ("send_email", 20, 0.080, 90),
    ("resize_image", 4, 0.400, 9),
    ("score_order", 8, 0.002, 250),
]
SECONDS = 8
TICKS_PER_SECOND = 5


def _function(takes: float) -> Callable[[int], dict[str, int]]:
    def function(number: int) -> dict[str, int]:
        time.sleep(takes * random.uniform(0.7, 1.6))
        if number % 97 == 0:
            raise ValueError(number)
        return {"number": number}

    return function


def main() -> None:
    logging.disable()  # the failures are on purpose
    with (
        tempfile.TemporaryDirectory() as profile,
        DevServer() as server,
        WorkerHost(server.url) as host,
        provide_metrics(MetricsSettings(http_port=0)) as metrics,
        Browser(
            Path(profile), needed("chromedriver", "chromium-driver"), needed("chromium", "chromium")
        ) as browser,
    ):
        server.add_fault({"taskType": "ship_parcel", "answer": {"status": 503, "body": ""}})
        for task_type, slots, takes, _ in WORKERS:
            host.start_worker(task_type, _function(takes), batch_size=slots)
        host.start_worker("ship_parcel", _function(0.1), batch_size=5)
        host.start_worker("ship_parcel", _function(0.1), batch_size=5, domain="returns")
        host.start_worker("nightly_report", _function(0.1))
        host.pause("nightly_report")
        browser.open(metrics.url.removesuffix("metrics"))
        wait_until(lambda: browser.text("tbody"), "the workers", 20)
        for tick in range(SECONDS * TICKS_PER_SECOND):
            for task_type, _, _, rate in WORKERS:
                for number in range(rate // TICKS_PER_SECOND):
                    server.push(task_type, {"number": tick * 100 + number})
            time.sleep(1 / TICKS_PER_SECOND)
        for name, scheme, width, height in (("desktop", "light", 1120, 720), ("phone", "dark", 375, 700)):
            browser.screen(width, height, phone=name == "phone")
            browser.scheme(scheme)
            (DOCS / f"page-{name}.png").write_bytes(browser.picture())


if __name__ == "__main__":
    main()
