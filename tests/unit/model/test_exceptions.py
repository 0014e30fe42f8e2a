"""Who catches what."""

from __future__ import annotations

import pytest

from conductor_fast.model.exceptions import (
    ConductorFastError,
    ConfigurationError,
    InternalError,
    NonRetryableException,
)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (ConfigurationError, ConductorFastError),
        (ConfigurationError, ValueError),
        (InternalError, ConductorFastError),
        (NonRetryableException, Exception),
    ],
)
def test_is_caught_as(raised: type[Exception], caught: type[Exception]) -> None:
    with pytest.raises(caught, match="why"):
        raise raised("why")


def test_a_worker_function_can_tell_its_own_exception_from_ours() -> None:
    assert not issubclass(NonRetryableException, ConductorFastError)
