"""A worker as a process of its own: `python -m tests.faults.worker '{"server": URL, ...}'`.

`runs`: a file that gets the id of each task that is run, a line each; `threads`, `prefetch`, `poll_timeout`,
`drain_timeout`, `key`, `metrics_port`. A secret is read from stdin. Everything from DEBUG on goes to stdout.
Exits with 4 if tasks are left, as `conductor-fast run`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

from conductor_fast import AuthenticationSettings, Configuration, MetricsSettings, Task, WorkerHost


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
    logging.info("with %r and %r", keys, configuration.authentication_settings)
    port = options.get("metrics_port")
    host = WorkerHost(
        configuration,
        drain_timeout=options.get("drain_timeout", 25.0),
        metrics_settings=None if port is None else MetricsSettings(http_port=port),
    )
    with host:
        host.start_worker(
            "work",
            work,
            options.get("threads", 10),
            lease_extend_enabled=True,
            prefetch=options.get("prefetch", "auto"),
            poll_timeout=options.get("poll_timeout"),
        )
        left = host.wait()
    logging.info("left %s", left)
    sys.exit(4 if left else 0)


if __name__ == "__main__":
    main()
