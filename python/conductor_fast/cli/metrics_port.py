"""`--metrics-port`: where a command tells its metrics."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def metrics_port_option(command: Command) -> Command:
    """The option, for a command that takes `metrics_port`."""
    option = click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        help="Tell metrics, a page and probes at this port of 127.0.0.1, or of CONDUCTOR_FAST_METRICS_HOST.",
    )
    return option(command)


@contextmanager
def told_metrics(port: int | None) -> Generator[str | None]:
    """The metrics' URL while they are told there; a port that cannot be had is a usage error."""
    if port is None:
        yield None
        return
    from conductor_fast.model.exceptions import ConfigurationError
    from conductor_fast.observe.endpoint import provide_metrics
    from conductor_fast.settings.metrics_settings import MetricsSettings

    try:
        metrics = provide_metrics(MetricsSettings(http_port=port))
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--metrics-port") from None
    with metrics:
        yield metrics.url
