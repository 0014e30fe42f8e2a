"""Retry-After, poison, breakers and back-pressure: rows 12, 13, 14, 16 and item 6."""

from __future__ import annotations

import email.utils
import logging
import time

import pytest

from conductor_fast import AuthenticationSettings, Configuration, WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder, posts
from tests.support.waiting import wait_until

TERMINAL = "FAILED_WITH_TERMINAL_ERROR"


@pytest.mark.parametrize("of", ["updates", "polls"])
def test_retry_after_is_a_lower_bound(
    server: DevServer, host: WorkerHost, recorder: Recorder, of: str
) -> None:
    """Row 12: nothing for that server earlier than it said."""
    server.add_fault(f"503 of={of} count=1 retry-after=3")
    task_id = server.push("work")
    host.start_worker("work", recorder.work, 1)
    assert server.wait_for(1, "work", "COMPLETED", 20)
    lines = server.transcript()
    refused = next(line for line in lines if line["status"] == 503)
    again = next(
        line
        for line in lines
        if line["sequence"] > refused["sequence"] and line["method"] == refused["method"]
    )
    assert again["elapsedMillis"] - refused["elapsedMillis"] >= 3_000
    assert recorder.ran_once([task_id])


@pytest.mark.parametrize("value", ["-1", "soon", ""])
def test_a_retry_after_that_says_nothing_is_ignored(
    server: DevServer, host: WorkerHost, recorder: Recorder, value: str
) -> None:
    answer = {"status": 503, "headers": {"Retry-After": value}}
    server.add_fault({"answer": answer, "of": "updates", "count": 1})
    server.push("work")
    host.start_worker("work", recorder.work, 1)
    assert server.wait_for(1, "work", "COMPLETED", 10)


def test_a_date_in_the_past_means_now(server: DevServer, host: WorkerHost, recorder: Recorder) -> None:
    date = email.utils.formatdate(time.time() - 3_600, usegmt=True)
    server.add_fault({"status": 503, "retryAfter": date, "of": "updates", "count": 1})
    server.push("work")
    host.start_worker("work", recorder.work, 1)
    assert server.wait_for(1, "work", "COMPLETED", 10)


def test_one_poisonous_result_among_good_ones_becomes_a_dead_letter(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    """Row 13: after ten attempts and other results accepted meanwhile."""
    server.add_fault("500 of=updates type=poison count=10")
    poison = server.push("poison")
    host.start_worker("poison", recorder.work, 1)
    host.start_worker("well", recorder.work, 1)
    wait_until(lambda: len(posts(server, poison)) > 0, "the first refusal", 10)
    server.push_many("well", {}, 20)
    assert server.wait_for(20, "well", "COMPLETED")
    assert server.wait_for(1, "poison", TERMINAL, 40)
    # The task has its state before the report is answered.
    wait_until(lambda: posts(server, poison)[-1][1] is not None, "the last answer", 10)
    assert [status for _, status in posts(server, poison)] == [500] * 10 + [200]


def test_an_outage_by_500_makes_no_dead_letter_and_few_requests(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 14, with 6 s of the outage; the driven clock does the half hour in core (it/outages.rs)."""
    task_ids = server.push_many("work", {}, 200)
    server.add_fault("500 of=updates")
    host.start_worker("work", recorder.work, 50)
    wait_until(lambda: any(status == 500 for _, status in posts(server)), "the outage to be seen", 10)
    wait_until(lambda: "no task of" in caplog.text, "the breaker to open", 10)
    # Then one result is tried every 0.5 to 1.5 s. A poll and posts in flight end first.
    time.sleep(0.5)
    before = server.requests
    time.sleep(3)
    assert server.requests - before <= 7
    server.clear_faults()
    assert server.wait_for(200, "work", "COMPLETED", 10)
    assert recorder.ran_once(task_ids)


def test_an_outage_of_503_fills_no_log_and_is_over_at_once(
    server: DevServer, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Item 6: at most 10 lines and 2 polls a second per process, whatever the number of types."""
    with caplog.at_level(logging.INFO), WorkerHost(server.url) as host:
        for number in range(20):
            host.start_worker(f"work-{number}", recorder.work, 4)
        wait_until(lambda: server.requests >= 40, "all to poll", 20)
        caplog.clear()
        server.add_fault("503 of=polls")

        def refused() -> int:
            return sum(line["status"] == 503 for line in server.transcript())

        wait_until(lambda: refused() >= 20, "all to find out", 20)
        before = refused()
        time.sleep(4)
        assert refused() - before <= 8, "2 a second"
        server.push("work-7")
        server.clear_faults()
        assert server.wait_for(1, "work-7", "COMPLETED", 5)
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("conductor_fast")]
        assert len(lines) <= 10, lines
        assert sum("works again" in line for line in lines) <= 1, lines
    transcript = server.transcript()
    last = max(line["elapsedMillis"] for line in transcript if line["status"] == 503)
    back = next(line for line in transcript if line["elapsedMillis"] > last)
    assert back["elapsedMillis"] - last < 2_000


def test_a_type_whose_update_path_is_down_takes_no_task(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise 1: no task is taken that we cannot report; the other types go on."""
    server.add_fault("503 of=updates type=sick")
    server.push_many("sick", {}, 10)
    host.start_worker("sick", recorder.work, 1)
    host.start_worker("well", recorder.work, 1)
    wait_until(lambda: 'no task of "sick" is taken' in caplog.text, "the breaker to open", 20)
    # Polls in flight are not cancelled; the server holds them for 0.1 s.
    time.sleep(1)
    taken = server.count("sick", "IN_PROGRESS")
    server.push_many("sick", {}, 50)
    server.push_many("well", {}, 200)
    assert server.wait_for(200, "well", "COMPLETED")
    assert server.count("sick", "IN_PROGRESS") == taken
    server.clear_faults()
    assert server.wait_for(60, "sick", "COMPLETED", 10)


def test_a_second_refusal_opens_the_auth_breaker_and_nothing_is_lost(recorder: Recorder) -> None:
    """Row 16, second half."""
    keys = AuthenticationSettings("key", "secret")
    with DevServer(auth=("key", "secret")) as server:
        with WorkerHost(Configuration(server_api_url=server.url, authentication_settings=keys)) as host:
            task_ids = server.push_many("work", {}, 64)
            server.add_fault("expired-token of=updates seconds=4")
            host.start_worker("work", recorder.work, 64)
            wait_until(lambda: any(status == 401 for _, status in posts(server)), "the refusals", 10)
            time.sleep(1)
            before = server.requests
            time.sleep(2)
            assert server.requests - before <= 6
            assert server.wait_for(64, "work", "COMPLETED", 20)
        assert recorder.ran_once(task_ids)
