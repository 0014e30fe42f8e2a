"""conductor-python's settings as ours."""

from __future__ import annotations

from typing import Any

from conductor_fast.interop.sdk import is_one
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.configuration import Configuration

_READ_AS_THEY_ARE = ("verify_ssl", "ssl_ca_cert", "cert_file", "key_file", "assert_hostname", "logger_format")


def configuration_of(given: Any) -> Any:
    """Ours for conductor-python's `Configuration` as it stands now; anything else is given back.

    ConfigurationError for what cannot be done here. The environment's proxies are not used, as there: only
    `proxy` counts.
    """
    if not is_one(given, "configuration.configuration", "Configuration"):
        return given
    if given.http_connection is not None:
        raise ConfigurationError(
            "http_connection is conductor-python's own HTTP client, which cannot be used here; set proxy, "
            "ssl_ca_cert, cert_file and key_file of the Configuration instead"
        )
    made = Configuration(
        server_api_url=given.host,
        debug=given.debug,
        authentication_settings=given.authentication_settings,
        register_schema=given.register_schema,
        log_level=given.log_level,
        token_provider=_token_provider(given),
    )
    # Not what the environment says now: the configuration was made with what it said then.
    made.authentication_settings = given.authentication_settings
    made.register_schema = given.register_schema
    made.auth_token_ttl_msec = given.auth_token_ttl_msec
    made.proxy = given.proxy or ""
    for name in _READ_AS_THEY_ARE:
        setattr(made, name, getattr(given, name))
    return made


def _token_provider(given: Any) -> Any:
    """The way to a token that the program sets itself, with `update_token`."""
    if given.authentication_settings is not None or not given.AUTH_TOKEN:
        return None
    return lambda: given.AUTH_TOKEN
