"""Which proxy the environment wants for a URL, as curl and requests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def environment_proxy(url: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """The proxy for `url` and the variable that names it; None if NO_PROXY takes the host out."""
    parts = urlsplit(url)
    for name in _names(parts.scheme, environment):
        if proxy := environment.get(name, "").strip():
            host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
            excluded = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
            return None if _is_excluded(host, port, excluded) else (with_scheme(proxy), name)
    return None


def with_scheme(proxy: str) -> str:
    """`proxy:3128` is written everywhere, and means http."""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _names(scheme: str, environment: Mapping[str, str]) -> Iterator[str]:
    yield f"{scheme}_proxy"
    # In a CGI script HTTP_PROXY is the header Proxy of whoever asks (httpoxy).
    if scheme != "http" or "REQUEST_METHOD" not in environment:
        yield f"{scheme.upper()}_PROXY"
    yield "all_proxy"
    yield "ALL_PROXY"


def _is_excluded(host: str, port: int, excluded: str) -> bool:
    return any(_fits(entry, host, port) for entry in re.split(r"[\s,]+", excluded.lower()) if entry)


def _fits(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry or entry.count(":") > 1:
        return _is_in_network(entry, host)
    name, _, wanted_port = entry.partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    name = name.removeprefix("*").removeprefix(".")
    return host == name or host.endswith(f".{name}")


def _is_in_network(entry: str, host: str) -> bool:
    import ipaddress  # rarely needed, and not free

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
