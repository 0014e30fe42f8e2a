"""Item 8: a poll that stays without an answer is noticed, and polling goes on."""

from __future__ import annotations

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder


def test_a_poll_without_an_answer_holds_its_worker_up_no_longer_than_promised(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    """The client gives it up; loops that hang for another reason are in core's `watchdog.rs`."""
    server.add_fault("hang of=polls count=1")
    host.start_worker("work", recorder.work, 1, poll_timeout=100)
    task_id = server.push("work")
    assert server.wait_for(1, "work", "COMPLETED", 0.1 + 12 + 2)
    assert recorder.ran_once([task_id])
