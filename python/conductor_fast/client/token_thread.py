"""The thread that calls a user's `token_provider`, so that the engine never waits in Python."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from typing import Any

from conductor_fast import _core
from conductor_fast.settings.configuration import Configuration
from conductor_fast.settings.server_settings import ServerSettings, server_settings

_lock = threading.Lock()


def start_settings(configuration: Configuration) -> ServerSettings:
    """What a host or client starts with; all of one configuration share its token provider's thread."""
    settings = server_settings(configuration)
    if configuration.token_provider is None:
        return settings
    return dataclasses.replace(settings, token_source=_source(configuration, configuration.token_provider))


def _source(configuration: Configuration, provider: Callable[[], str]) -> _core.TokenSource:
    with _lock:
        held = configuration._token_source  # pyright: ignore[reportPrivateUsage]
        # The thread of a parent does not exist in its fork.
        if held is not None and held[0] == os.getpid() and held[1] is provider:
            return held[2]
        source = _core.TokenSource()
        # Daemon, and without an end: it waits outside of Python, for as long as there is a process.
        threading.Thread(target=_answer, args=(source, provider), name="conductor-token", daemon=True).start()
        configuration._token_source = (os.getpid(), provider, source)  # pyright: ignore[reportPrivateUsage]
        return source


def _answer(source: _core.TokenSource, provider: Callable[[], Any]) -> None:
    while True:
        source.wait()
        try:
            token = provider()
        except BaseException as error:  # a SystemExit must not end the thread either
            # Its class only: the message may quote a token or a URL with a password.
            source.fail(f"it raised {type(error).__name__}")
            continue
        if isinstance(token, str):
            source.give(token)
        else:
            source.fail(f"it returned {type(token).__name__}, not a string")
