"""The dev server as a program: prints its URL, then answers each line on stdin with a line of JSON.

`push TYPE INPUT`: one task. `fill N TYPE…`: keep that many ready of each type from now on; `fill 0` ends it.
`count`: tasks completed since the start, each once. `count TYPE`, `tasks`: of those not yet forgotten to save
memory, how many of a type are completed, and all.
"""

from __future__ import annotations

import json
import sys
import threading

from conductor_fast.testing import DevServer

# Enough for either engine: 4,000 of each of ten types in 5 ms would be eight million a second.
_PAUSE = 0.005
_MOST_ENDED = 200_000
_INPUT = {"number": 1}


class Filled:
    """A dev server whose queues do not run empty, and its count."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self._forgotten = 0
        self._ready: tuple[int, list[str]] = (0, [])
        self._lock = threading.Lock()
        threading.Thread(target=self._keep, daemon=True).start()

    def fill(self, ready: int, task_types: list[str]) -> None:
        self._ready = (ready, task_types)

    def completed(self) -> int:
        with self._lock:
            return self._forgotten + self.server.count(None, "COMPLETED")

    def _keep(self) -> None:
        pause = threading.Event()
        while not pause.wait(_PAUSE):
            ready, task_types = self._ready
            for task_type in task_types:
                missing = ready - self.server.count(task_type, "SCHEDULED")
                if missing > ready // 4:
                    self.server.push_many(task_type, _INPUT, missing)
            if self.server.count(None, "COMPLETED") > _MOST_ENDED:
                with self._lock:
                    self._forgotten += self.server.forget_terminal()


def main() -> None:
    """Serve until stdin is closed."""
    with DevServer(transcript_capacity=0) as server:
        filled = Filled(server)
        print(server.url, flush=True)
        for line in sys.stdin:
            order, *words = line.split()
            answer: object = None
            if order == "push":
                answer = server.push(words[0], json.loads(" ".join(words[1:]) or "{}"))
            elif order == "fill":
                filled.fill(int(words[0]), words[1:])
            elif order == "count":
                answer = server.count(words[0], "COMPLETED") if words else filled.completed()
            elif order == "tasks":
                answer = server.tasks()
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
