"""A worker as a process of its own: `python -m tests.faults.worker '{"server": URL, ...}'`.

`runs`: a file that gets the id of each task that is run, a line each; `threads`, `key`, `secret`.
Everything from DEBUG on goes to stdout.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

from conductor_fast import AuthenticationSettings, Configuration, Task, WorkerHost


def main() -> None:
    options: dict[str, Any] = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    runs = os.open(options["runs"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    secret = sys.stdin.readline().strip()
    keys = AuthenticationSettings(options["key"], secret) if "key" in options else None

    def work(task: Task) -> dict[str, Any]:
        os.write(runs, f"{task.task_id}\n".encode())
        given = task.input_data or {}
        time.sleep(given.get("seconds", 0))
        if given.get("fails"):
            raise ValueError(f"{task.task_id} fails as it was told")
        return {"value": given.get("value")}

    configuration = Configuration(server_api_url=options["server"], authentication_settings=keys)
    logging.info("started for %r", configuration)
    with WorkerHost(configuration, drain_timeout=options.get("drain_timeout", 25.0)) as host:
        host.start_worker("work", work, options.get("threads", 10), lease_extend_enabled=True)
        logging.info("left %s", host.wait())


if __name__ == "__main__":
    main()
