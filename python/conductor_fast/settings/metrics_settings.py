"""Where metrics go, as the SDK's `MetricsSettings` takes it."""

from __future__ import annotations

import os
from pathlib import Path

_CANONICAL_FOLDER = "canonical"


class MetricsSettings:
    """The SDK's constructor (configuration/settings/metrics_settings.py).

    The values are kept; this version has no metrics yet, and whoever is given these settings says so.
    Nothing is written: `directory` is not made, and there are no files to clean.
    """

    def __init__(
        self,
        directory: str | None = None,
        file_name: str = "metrics.log",
        update_interval: float = 0.1,
        http_port: int | None = None,
        clean_directory: bool = False,
        clean_dead_pids: bool = False,
    ) -> None:
        self.directory = f"{Path.home()}/tmp/" if directory is None else directory  # noqa: S108 - the SDK's
        self.file_name = file_name
        self.update_interval = update_interval
        self.http_port = http_port
        self.clean_directory = clean_directory
        self.clean_dead_pids = clean_dead_pids
        named = os.environ.get("WORKER_CANONICAL_METRICS", "").strip().lower()
        self._canonical = named in {"true", "1", "yes"}

    @property
    def is_canonical(self) -> bool:
        """Are metrics named as in the other SDKs? As WORKER_CANONICAL_METRICS said at construction."""
        return self._canonical

    @property
    def metrics_directory(self) -> str:
        """`directory`, or its folder for canonical names."""
        return os.path.join(self.directory, _CANONICAL_FOLDER) if self._canonical else self.directory

    def clean_metrics_directory(self) -> None:
        """Do nothing: the SDK's files are those of its worker processes, of which there are none here."""
