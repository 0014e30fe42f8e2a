"""The metrics of this process in a registry of prometheus_client, beside the application's own.

Imports prometheus_client, which takes 90 ms: imported by those who ask for a collector alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from conductor_fast import _core
from conductor_fast.settings.metrics_settings import Catalogue, MetricsSettings, check_catalogue

_BARE_COUNTER = re.compile(r"^(# TYPE \w+(?<!_total)) counter$", re.MULTILINE)


@dataclass(frozen=True)
class ConductorCollector(Collector):
    """Tells at each collection what the engine has counted; nothing is counted twice.

    In a forked child it tells the child's counts. With prometheus_client's multiprocess mode, register it
    in the registry that each process exposes by itself: its values are not in that mode's files.
    """

    catalogue: Catalogue

    def collect(self) -> Iterator[Metric]:
        text = _core.render_metrics(self.catalogue)
        # prometheus_client adds _total to the names of counters; the Go guide's have none.
        yield from text_string_to_metric_families(_BARE_COUNTER.sub(r"\1 untyped", text))

    def describe(self) -> Iterator[Metric]:
        """The same families; without series, as a registry wants them to find names that are taken."""
        for family in self.collect():
            family.samples = []
            yield family


def register_collector(
    registry: CollectorRegistry = REGISTRY, *, catalogue: Catalogue | None = None
) -> ConductorCollector:
    """Let `registry` tell the metrics of all workers of this process; `registry.unregister` ends it.

    `catalogue` left out: what WORKER_CANONICAL_METRICS says, as in `MetricsSettings`. ValueError, from
    prometheus_client, if the registry has one of the names already.
    """
    chosen = check_catalogue(catalogue) or ("canonical" if MetricsSettings().is_canonical else "legacy")
    collector = ConductorCollector(chosen)
    registry.register(collector)
    return collector
