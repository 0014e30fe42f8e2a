"""Where metrics go, as the SDK's `MetricsSettings` takes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from conductor_fast.model.exceptions import ConfigurationError

Catalogue = Literal["canonical", "legacy", "go"]
"""Names and labels: those that all SDKs are to share, conductor-python's default, the Go worker guide's."""

_CANONICAL_FOLDER = "canonical"


class MetricsSettings:
    """The SDK's constructor (configuration/settings/metrics_settings.py), and `catalogue` on top.

    `http_port`: this process answers there, see `provide_metrics`. Without one, and if a `directory` is
    given, the text is written to `file_name` in it, anew every `update_interval` seconds. Nothing else is
    written, and there are no files to clean.
    `catalogue`: "canonical", "legacy" or "go"; left out, what WORKER_CANONICAL_METRICS says: the first for
    true, 1 or yes, else the second.
    """

    def __init__(
        self,
        directory: str | None = None,
        file_name: str = "metrics.log",
        update_interval: float = 0.1,
        http_port: int | None = None,
        clean_directory: bool = False,
        clean_dead_pids: bool = False,
        *,
        catalogue: Catalogue | None = None,
    ) -> None:
        check_catalogue(catalogue)
        self.directory = _default_directory() if directory is None else directory
        self.file_name = file_name
        self.update_interval = update_interval
        self.http_port = http_port
        self.clean_directory = clean_directory
        self.clean_dead_pids = clean_dead_pids
        self.catalogue = catalogue
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


@dataclass(frozen=True)
class MetricsExport:
    """What `MetricsSettings` ask for, checked."""

    catalogue: Catalogue | None
    """None if only a default was said; then `default_catalogue` counts."""
    default_catalogue: Catalogue
    http_port: int | None
    file: str | None
    update_interval: float
    """Seconds."""


def metrics_export(settings: Any) -> MetricsExport:
    """Of ours or the SDK's `MetricsSettings`; ConfigurationError names what cannot be used."""
    try:
        directory, file_name = settings.directory, settings.file_name
        interval, port = settings.update_interval, settings.http_port
        canonical, folder = settings.is_canonical, settings.metrics_directory
    except AttributeError:
        raise ConfigurationError(
            f"metrics_settings: expected MetricsSettings, not {type(settings).__name__}"
        ) from None
    catalogue = check_catalogue(getattr(settings, "catalogue", None))
    writes: bool = port is None and directory != _default_directory()
    if not isinstance(interval, (int, float)) or not 0.01 <= interval <= 3600:
        raise ConfigurationError(
            f"update_interval: {interval!r} is not between 0.01 and 3600 seconds; the SDK's default is 0.1"
        )
    return MetricsExport(
        catalogue=catalogue,
        default_catalogue="canonical" if canonical else "legacy",
        http_port=None if port is None else checked_port(port),
        file=os.path.join(str(folder), str(file_name)) if writes else None,
        update_interval=float(interval),
    )


def checked_port(port: object) -> int:
    """`port`; ConfigurationError if it is none. 0: any that is free."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise ConfigurationError(f"http_port: {port!r} is no port; give a number up to 65535")
    return port


def check_catalogue(name: str | None) -> Catalogue | None:
    """`name`; ConfigurationError names those that there are."""
    for known in get_args(Catalogue):
        if name == known:
            catalogue: Catalogue = known
            return catalogue
    if name is None:
        return None
    raise ConfigurationError(f'catalogue: {name!r} is none; there are "canonical", "legacy" and "go"')


def _default_directory() -> str:
    return f"{Path.home()}/tmp/"  # noqa: S108 - the SDK's
