"""The metrics of this process, by HTTP or in a file."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from types import TracebackType

from conductor_fast import _core
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.metrics_settings import (
    Catalogue,
    MetricsExport,
    check_catalogue,
    metrics_export,
)

DEFAULT_PORT = 2112
"""The Go guide's."""

_logger = logging.getLogger("conductor_fast.metrics")


@dataclass
class _Shared:
    """A listener and how many use it."""

    listener: _core.MetricsListener
    catalogue: Catalogue
    users: int


_lock = threading.Lock()
# By process and port: a forked child does not have its parent's threads.
_listeners: dict[tuple[int, int], _Shared] = {}


class MetricsEndpoint:
    """Where this process tells its metrics, until `close`. A context manager."""

    def __init__(self, port: int, catalogue: Catalogue) -> None:
        self._key = os.getpid(), port
        with _lock:
            shared = _listeners.get(self._key) if port else None
            if shared is None:
                shared = _Shared(_listen(port, catalogue), catalogue, 0)
                # Under its real port, which 0 leaves open.
                self._key = os.getpid(), int(shared.listener.url.rpartition(":")[2])
                _listeners[self._key] = shared
                _logger.info("metrics (%s) at %s/metrics", catalogue, shared.listener.url)
            elif shared.catalogue != catalogue:
                raise ConfigurationError(
                    f"http_port: {port} tells the {shared.catalogue} catalogue already, and is to tell "
                    f"{catalogue}; give another port, or ask there for /metrics?catalogue={catalogue}"
                )
            shared.users += 1
            self.url = f"{shared.listener.url}/metrics"
        self._open = True

    def close(self) -> None:
        """Close the port, if nobody else of this process uses it. Calling it again changes nothing."""
        with _lock:
            if not self._open or self._key[0] != os.getpid():
                return
            self._open = False
            shared = _listeners[self._key]
            shared.users -= 1
            if shared.users == 0:
                del _listeners[self._key]
                shared.listener.close()

    def __enter__(self) -> MetricsEndpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _listen(port: int, catalogue: Catalogue) -> _core.MetricsListener:
    host = os.environ.get("CONDUCTOR_FAST_METRICS_HOST", "").strip() or "127.0.0.1"
    return _core.MetricsListener(host, port, catalogue)


def provide_metrics(settings: object | None = None, *, catalogue: Catalogue = "go") -> MetricsEndpoint:
    """Tell the metrics of all workers of this process at http://127.0.0.1:2112/metrics, as in the Go guide.

    Before or after workers are started. `settings`: `MetricsSettings` with another `http_port`, or with a
    `catalogue`, which goes before the one given here. CONDUCTOR_FAST_METRICS_HOST in the environment says
    where else to listen than on this machine alone. ConfigurationError names a port that is taken.

    The port also answers /workers.json and a page at /, and probes: /livez, /readyz, /health.
    """
    check_catalogue(catalogue)
    port = DEFAULT_PORT
    if settings is not None:
        export = metrics_export(settings)
        port = DEFAULT_PORT if export.http_port is None else export.http_port
        catalogue = export.catalogue or catalogue
    return MetricsEndpoint(port, catalogue)


def start_export(export: MetricsExport) -> MetricsEndpoint | _core.MetricsFile | None:
    """What a host's `MetricsSettings` ask for, started; None if that is only to count."""
    catalogue = export.catalogue or export.default_catalogue
    if export.http_port is not None:
        return MetricsEndpoint(export.http_port, catalogue)
    if export.file is not None:
        return _core.MetricsFile(export.file, export.update_interval, catalogue)
    return None
