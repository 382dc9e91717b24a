"""The client and the hub agree on what holds where nothing is said, though neither knows the other."""

import pytest

from arc import defaults, urls
from arclog import limits


@pytest.mark.parametrize("name", ["MAX_BODY_CHARS", "MAX_ATTACHMENT_CHARS", "MAX_ATTACHMENTS", "PRESENCE_TTL_SEC"])
def test_a_default_is_the_same_for_the_client_and_the_hub(name: str) -> None:
    assert getattr(defaults, name) == getattr(limits, name)


def test_the_client_and_the_hub_call_the_same_names_loopback() -> None:
    assert set(urls.LOOPBACK_NAMES) == limits.LOOPBACK_NAMES
