"""The server program: the dev server, a queue that never empties, and an exact count.

Prints its URL, then answers every line on stdin with two numbers: the tasks that have ended as COMPLETED
since the start, each counted once however often its result came, and the requests answered.
"""

from __future__ import annotations

import sys
import threading

from conductor_fast.testing import DevServer

TASK_TYPE = "noop"
INPUT = {"a": 1, "b": "two", "c": True, "d": 4.5}

# Enough for both clients between two looks: 20,000 in 5 ms would be four million tasks a second.
QUEUED = 20_000
PAUSE = 0.005
# Dropping ended tasks walks over all of them.
MOST_ENDED = 200_000


class CountingServer:
    """A `DevServer` that is kept filled and counted."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self._forgotten = 0
        self._lock = threading.Lock()
        server.push_many(TASK_TYPE, INPUT, QUEUED)

    def refill(self) -> None:
        """Top the queue up, and drop ended tasks now and then, so that memory stays flat."""
        missing = QUEUED - self.server.count(TASK_TYPE, "SCHEDULED")
        if missing > QUEUED // 4:
            self.server.push_many(TASK_TYPE, INPUT, missing)
        if self.server.count(TASK_TYPE, "COMPLETED") > MOST_ENDED:
            with self._lock:
                self._forgotten += self.server.forget_terminal()

    def completed(self) -> int:
        """Tasks that have been completed since the start. RuntimeError if one ended in another way."""
        with self._lock:
            failed = sum(
                self.server.count(TASK_TYPE, status) for status in ("FAILED", "TIMED_OUT", "CANCELED")
            )
            if failed:
                raise RuntimeError(f"{failed} tasks did not end as COMPLETED")
            return self._forgotten + self.server.count(TASK_TYPE, "COMPLETED")


def main() -> None:
    """Serve until stdin is closed."""
    with DevServer(transcript_capacity=0) as server:
        counting = CountingServer(server)
        ended = threading.Event()

        def keep_filled() -> None:
            while not ended.wait(PAUSE):
                counting.refill()

        threading.Thread(target=keep_filled, daemon=True).start()
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(counting.completed(), server.requests, flush=True)
        ended.set()


if __name__ == "__main__":
    main()
