"""A configuration as it crosses into the engine: read once at start, with what the environment adds."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.configuration import Configuration, shown_url
from conductor_fast.settings.proxy import environment_proxy, with_scheme

if TYPE_CHECKING:
    from conductor_fast import _core

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class ServerSettings:
    """What the engine reads, by these names (rust/bridge/src/convert/settings.rs)."""

    server_api_url: str
    headers: list[tuple[str, str]]
    key_id: str | None
    key_secret: str | None
    token_source: _core.TokenSource | None
    """Where the engine asks for tokens, instead of with a key."""
    token_ttl_millis: int
    verify_ssl: bool
    ca_file: str | None
    ca_origin: str
    """Who named `ca_file`, for errors: `ssl_ca_cert` or a variable."""
    ca_fallback: str | None
    """For a machine without CA certificates: certifi's, if it is installed."""
    cert_file: str | None
    key_file: str | None
    proxy: str | None
    proxy_origin: str
    spool_dir: str | None
    spool_origin: str
    """Who named `spool_dir`, for errors."""
    durability: str
    spool_max_bytes: int | None
    spool_max_bytes_origin: str
    """Who gave `spool_max_bytes`, for errors."""
    outbox_results: int
    outbox_bytes: int

    def __repr__(self) -> str:
        return f"ServerSettings(server_api_url={shown_url(self.server_api_url)!r})"


def server_settings(configuration: Configuration) -> ServerSettings:
    """`configuration` as it stands, checked; ConfigurationError names the attribute and the remedy."""
    url = configuration.host
    key_id, key_secret = _keys(configuration)
    proxy, proxy_origin = _proxy(configuration, url)
    ca_file, ca_origin = _ca_file(configuration)
    spool_dir, spool_origin = _spool_dir(configuration)
    spool_max_bytes, spool_max_bytes_origin = _spool_max_bytes(configuration)
    if configuration.assert_hostname not in (None, True):
        raise ConfigurationError(
            "assert_hostname is not supported: the host name in the URL is always checked against the "
            "server's certificate; write a name that the certificate holds, or give the server another one"
        )
    verify = bool(configuration.verify_ssl)
    uses_tls = url.startswith("https:") or (proxy or "").startswith("https:")
    if not verify:
        _logger.warning(
            "verify_ssl is False: the certificate of %s is not checked, and anybody on the way can read and "
            "change what is sent, tokens too; give its CA certificate as ssl_ca_cert instead",
            shown_url(url),
        )
    return ServerSettings(
        server_api_url=url,
        headers=_headers(configuration.headers),
        key_id=key_id,
        key_secret=key_secret,
        token_source=None,
        token_ttl_millis=_ttl_millis(configuration.auth_token_ttl_msec),
        verify_ssl=verify,
        ca_file=ca_file,
        ca_origin=ca_origin,
        ca_fallback=_certifi() if uses_tls and ca_file is None else None,
        cert_file=_path(configuration.cert_file, "cert_file"),
        key_file=_path(configuration.key_file, "key_file"),
        proxy=proxy,
        proxy_origin=proxy_origin,
        spool_dir=spool_dir,
        spool_origin=spool_origin,
        durability=configuration.durability,
        spool_max_bytes=spool_max_bytes,
        spool_max_bytes_origin=spool_max_bytes_origin,
        outbox_results=_outbox_limit(configuration.outbox_results, "outbox_results", 10_000),
        outbox_bytes=_outbox_limit(configuration.outbox_bytes, "outbox_bytes", 268_435_456),
    )


def _keys(configuration: Configuration) -> tuple[str | None, str | None]:
    keys = configuration.authentication_settings
    provider: Any = configuration.token_provider
    if provider is not None:
        if not callable(provider) or inspect.iscoroutinefunction(provider):
            raise ConfigurationError(
                f"token_provider {type(provider).__name__} is not usable; give a function without parameters "
                "that returns the token, not a coroutine"
            )
        if keys is not None:
            raise ConfigurationError(
                "token_provider: authentication_settings is set too (perhaps from CONDUCTOR_AUTH_KEY and "
                "CONDUCTOR_AUTH_SECRET); set one of them to None"
            )
    if keys is None:
        return None, None
    # Anything with the two attributes will do: conductor-python's class has them too.
    key_id, key_secret = getattr(keys, "key_id", None), getattr(keys, "key_secret", None)
    if not (isinstance(key_id, str) and isinstance(key_secret, str) and key_id and key_secret):
        raise ConfigurationError(
            f"authentication_settings {type(keys).__name__} does not hold a key: key_id and key_secret must "
            "be non-empty strings; give AuthenticationSettings(key_id, key_secret)"
        )
    return key_id, key_secret


def _proxy(configuration: Configuration, url: str) -> tuple[str | None, str]:
    given: Any = configuration.proxy
    if given is None:
        return environment_proxy(url, os.environ) or (None, "proxy")
    if not isinstance(given, str):
        raise ConfigurationError(
            f"proxy {type(given).__name__} is not a string; give a URL such as http://proxy:3128, or '' for "
            "none"
        )
    return with_scheme(given) or None, "proxy"


def _ca_file(configuration: Configuration) -> tuple[str | None, str]:
    if (given := _path(configuration.ssl_ca_cert, "ssl_ca_cert")) is not None:
        return given, "ssl_ca_cert"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if path := os.environ.get(name):
            return path, name
    return None, "ssl_ca_cert"


def _spool_dir(configuration: Configuration) -> tuple[str | None, str]:
    given: Any = configuration.spool_dir
    if given is None:
        return os.environ.get("CONDUCTOR_FAST_SPOOL_DIR") or None, "CONDUCTOR_FAST_SPOOL_DIR"
    try:
        return os.fsdecode(given) or None, "spool_dir"
    except TypeError:
        raise ConfigurationError(
            f"spool_dir {type(given).__name__} is not a path; give a directory, or '' for none"
        ) from None


def _spool_max_bytes(configuration: Configuration) -> tuple[int | None, str]:
    given: Any = configuration.spool_max_bytes
    origin = "spool_max_bytes"
    if given is None:
        origin = "CONDUCTOR_FAST_SPOOL_MAX_BYTES"
        if not (text := os.environ.get(origin, "").strip()):
            return None, origin
        given = int(text) if text.isascii() and text.isdecimal() else text
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**63:
        raise ConfigurationError(
            f"{origin} {given!r} is no size; give a whole number of bytes, such as 268435456"
        )
    return given, origin


def _outbox_limit(value: Any, name: str, default: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**63:
        raise ConfigurationError(
            f"{name} {value!r} is no limit; give a whole number above 0, such as {default}"
        )
    return value


def _path(value: Any, name: str) -> str | None:
    if value is None:
        return None
    try:
        return os.fsdecode(value)
    except TypeError:
        raise ConfigurationError(
            f"{name} {type(value).__name__} is not a path; give the path of a PEM file"
        ) from None


def _headers(given: Any) -> list[tuple[str, str]]:
    if not _is_text_to_text(given):
        raise ConfigurationError(
            "headers must be a dict of strings to strings, such as {'X-Gateway-Key': 'the key'}"
        )
    return list(given.items())


def _is_text_to_text(given: object) -> bool:
    mapping: Any = given
    return isinstance(given, Mapping) and all(
        isinstance(name, str) and isinstance(value, str) for name, value in mapping.items()
    )


def _ttl_millis(given: float) -> int:
    # Tokens of Conductor servers live for hours at most; and NaN is not greater than anything.
    if not 0 < given < 365 * 86_400_000:
        raise ConfigurationError(
            f"auth_token_ttl_min {given / 60_000:g} is no lifetime; give minutes above 0, such as 45"
        )
    return max(1, int(given))


def _certifi() -> str | None:
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()
