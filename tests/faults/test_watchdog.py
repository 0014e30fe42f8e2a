"""Item 8: a poll that stays without an answer is noticed and its loop goes on."""

from __future__ import annotations

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder


def test_a_half_open_poll_is_replaced_in_time(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    """Today it is given up 10 s after its hold time; a watchdog promises poll timeout + 12 s also for a loop
    that is stuck elsewhere (inject by a client port that never answers, in core)."""
    server.add_fault("hang of=polls count=1")
    host.start_worker("work", recorder.work, 1)
    task_id = server.push("work")
    assert server.wait_for(1, "work", "COMPLETED", 17)
    assert recorder.ran_once([task_id])
