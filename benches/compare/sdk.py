"""The client program on conductor-python.

`python -m benches.compare.sdk URL FUNCTION SLOTS TASK_TYPES [metrics]`
"""

import sys
import tempfile

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.configuration.settings.metrics_settings import MetricsSettings
from conductor.client.worker.worker import Worker

from benches.compare.work import FUNCTIONS


def main() -> None:
    """Work until SIGTERM."""
    url, function, slots, task_types, *metrics = sys.argv[1:]
    # WARNING: without a log line per poll, in the SDK's favour.
    configuration = Configuration(server_api_url=url, log_level="WARNING")
    workers = [
        Worker(f"bench_{number}", FUNCTIONS[function], thread_count=int(slots))
        for number in range(int(task_types))
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = MetricsSettings(directory=folder) if metrics else None
        with TaskHandler(workers, configuration, settings, scan_for_annotated_workers=False) as handler:
            handler.start_processes()
            handler.join_processes()


if __name__ == "__main__":
    main()
