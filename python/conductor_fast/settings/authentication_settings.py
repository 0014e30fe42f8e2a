"""The key with which tokens are asked for."""

from __future__ import annotations


class AuthenticationSettings:
    """Key and secret of an application, with the SDK's constructor.

    The secret never shows in a repr, a log line or an error; nor does the key.
    """

    __slots__ = ("key_id", "key_secret")

    def __init__(self, key_id: str, key_secret: str) -> None:
        self.key_id = key_id
        self.key_secret = key_secret

    def __repr__(self) -> str:
        return "AuthenticationSettings(key_id='***', key_secret='***')"
