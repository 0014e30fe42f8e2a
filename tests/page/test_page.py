"""The page at the metrics port's `/`, as people see it in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_fast import (
    MetricsEndpoint,
    MetricsSettings,
    NonRetryableException,
    WorkerHost,
    provide_metrics,
)
from conductor_fast.testing import DevServer
from tests.page.browser import Browser
from tests.support.debian import needed
from tests.support.waiting import wait_until

REFUSED = {"status": 503, "body": ""}
CELLS = """
const rows = [...document.querySelectorAll("tbody tr")];
return rows.map(row => [...row.cells].map(cell => cell.innerText));
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests of this file: it takes seconds to start."""
    driver, browser = needed("chromedriver", "chromium-driver"), needed("chromium", "chromium")
    with Browser(tmp_path_factory.mktemp("profile"), driver, browser) as chromium:
        yield chromium


@pytest.fixture
def metrics() -> Iterator[MetricsEndpoint]:
    with provide_metrics(MetricsSettings(http_port=0)) as metrics:
        yield metrics


@pytest.fixture
def browser(chromium: Browser, metrics: MetricsEndpoint) -> Iterator[Browser]:
    """On the page; at the end nothing has gone wrong in it."""
    chromium.screen(1280, 800)
    chromium.scheme("light")
    chromium.open(page(metrics))
    chromium.complaints()
    yield chromium
    assert not [each for each in chromium.complaints() if "net::ERR_" not in each]
    chromium.open("about:blank")


def page(metrics: MetricsEndpoint) -> str:
    return metrics.url.removesuffix("metrics")


def row(browser: Browser, task_type: str) -> list[str]:
    """The cells of a worker's row: its name, and a cell under each heading after that."""
    rows: list[list[str]] = browser.run(CELLS)
    return next((cells for cells in rows if cells[0].startswith(task_type)), [])


def inverse(number: int) -> float:
    if not number:
        raise NonRetryableException("no such number")
    return 1 / number


def test_it_shows_what_workers_do_without_a_reload(
    browser: Browser, server: DevServer, host: WorkerHost
) -> None:
    assert browser.text("#none") == "No worker runs in this process."
    browser.run("window.loaded = 'once'")
    host.start_worker("page_live", inverse, batch_size=3, poll_interval=0.1)
    wait_until(lambda: row(browser, "page_live")[1:5] == ["running", "0 of 3", "0", "0"], "the worker", 10)
    assert row(browser, "page_live")[6:] == ["–", "–"], "nothing has run yet"
    for number in (*range(1, 20), 0):
        server.push("page_live", {"number": number})
    assert server.wait_for(20, "page_live")
    cells = wait_until(
        lambda: (cells := row(browser, "page_live"))[4] == "1" and cells[3] != "0" and cells, "the tasks", 10
    )
    assert isinstance(cells, list)
    _, state, slots, per_second, _, poll, median, high = cells
    assert (state, slots) == ("running", "0 of 3")
    assert float(per_second) > 0
    assert poll.endswith("s ago")
    assert {"–"}.isdisjoint((median, high))
    assert browser.text("#failures") == "1"
    assert browser.text("#done") == "20 in all"
    assert browser.text("#outbox") == "0"
    wait_until(lambda: row(browser, "page_live")[3] == "0", "the rate of a worker without tasks", 15)
    assert browser.run("return window.loaded") == "once"
    assert server.url in browser.text("#about")


def test_it_shows_the_outbox_and_polls_that_fail_and_a_drain(
    browser: Browser, server: DevServer, host: WorkerHost
) -> None:
    host.start_worker("page_trouble", inverse, poll_interval=0.1)
    server.add_fault({"method": "POST", "path": "/api/tasks", "answer": REFUSED})
    server.push("page_trouble", {"number": 4})
    wait_until(lambda: browser.text("#outbox") == "1", "the result that waits", 10)
    assert "oldest" in browser.text("#oldest")
    wait_until(lambda: browser.text("#state") == "results fail", "the failing results", 15)
    assert row(browser, "page_trouble")[1] == "results fail"
    server.clear_faults()
    wait_until(lambda: browser.text("#outbox") == "0", "the delivery", 15)
    server.add_fault({"path": "/api/tasks/poll", "answer": REFUSED})
    wait_until(lambda: browser.text("#state") == "polls fail", "the failing polls", 10)
    assert row(browser, "page_trouble")[1] == "polls fail"
    server.clear_faults()
    wait_until(lambda: (browser.text("#state"), browser.text("#outbox")) == ("running", "0"), "its end", 15)
    host.runtime.stop_polling()
    wait_until(lambda: browser.text("#state") == "draining", "the drain", 10)


def test_it_says_that_its_data_is_stale(browser: Browser, metrics: MetricsEndpoint, host: WorkerHost) -> None:
    host.start_worker("page_stale", inverse)
    wait_until(lambda: row(browser, "page_stale"), "the worker", 10)
    assert browser.text("#stale") == ""
    metrics.close()
    wait_until(lambda: "No answer from this process: the data is stale" in browser.text("#stale"), "it", 15)
    assert row(browser, "page_stale"), "the last that was known"
    port = int(page(metrics).rstrip("/").rpartition(":")[2])
    with provide_metrics(MetricsSettings(http_port=port)):
        wait_until(lambda: browser.text("#stale") == "", "its return", 15)


def test_task_types_are_texts(browser: Browser, host: WorkerHost) -> None:
    name = "<img src=x onerror=window.harmed=1><b>page_html"
    host.start_worker(name, inverse, domain="<i>x")
    wait_until(lambda: row(browser, name), "the worker", 10)
    assert row(browser, name)[0].split("\n") == [name, "domain <i>x"]
    assert browser.run("return [window.harmed ?? 0, document.querySelectorAll('img, b, i').length]") == [0, 0]


def test_it_fits_a_phone_and_stays_a_table(browser: Browser, host: WorkerHost) -> None:
    browser.screen(375, 667, phone=True)
    name = "page_phone_of_a_worker_with_a_name_that_is_far_longer_than_its_screen_is_wide"
    host.start_worker(name, inverse)
    wait_until(lambda: row(browser, name), "the worker", 10)
    assert browser.run("return document.documentElement.scrollWidth") == 375
    roles = browser.run("return [...document.querySelectorAll('table, table [role]')].map(each => each.role)")
    assert {*roles} == {"table", "rowgroup", "row", "columnheader", "rowheader", "cell"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_texts_can_be_read(
    scheme: str, browser: Browser, metrics: MetricsEndpoint, server: DevServer, host: WorkerHost
) -> None:
    browser.scheme(scheme)
    host.start_worker("page_contrast", inverse)
    host.start_worker("page_contrast_paused", inverse)
    host.pause("page_contrast_paused")
    server.add_fault({"taskType": "page_contrast", "answer": REFUSED})
    wait_until(lambda: row(browser, "page_contrast_paused")[1:2] == ["paused"], "the workers", 10)
    metrics.close()
    wait_until(lambda: browser.text("#stale"), "the warning", 15)
    contrasts = browser.run(Path(__file__).with_name("contrasts.js").read_text())
    assert len(contrasts) > 30
    assert [each for each in contrasts if each[1] < 4.5] == []
