"""`ArcClient` gives what its agent holds to another one, and tells how an agent was called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arc import ArcClient, ArcError
from tests.support.served_hub import served_hub


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[tuple[ArcClient, ArcClient]]:
    """Two registered agents at one hub."""
    with served_hub(tmp_path) as hub, ArcClient("ada", hub.url) as ada, ArcClient("bob", hub.url) as bob:
        ada.register()
        bob.register()
        yield ada, bob


def test_a_claim_that_is_handed_over_is_the_other_agents_under_a_new_token(agents: tuple[ArcClient, ArcClient]) -> None:
    ada, bob = agents
    held = ada.claim("parser")
    given = ada.hand_over_claim("parser", "bob")
    assert given["owner_agent_id"] == "bob"
    assert given["fencing_token"] > held["fencing_token"]
    assert given["expires_at"] == held["expires_at"]
    assert bob.release("parser")["owner_agent_id"] == "bob"
    with pytest.raises(ArcError) as refused:
        ada.hand_over_claim("parser", "bob")
    assert refused.value.status == 404


def test_a_lock_that_is_handed_over_is_the_other_agents_under_a_new_token(agents: tuple[ArcClient, ArcClient]) -> None:
    ada, bob = agents
    held = ada.lock("src/a.py")
    given = ada.hand_over_lock("src/a.py", "bob")
    assert given["agent_id"] == "bob"
    assert given["fencing_token"] > held["fencing_token"]
    assert given["expires_at"] == held["expires_at"]
    assert ada.lock("src/a.py")["agent_id"] == "bob"
    assert bob.unlock("src/a.py")["agent_id"] == "bob"


def test_whoever_calls_an_agent_tells_how(agents: tuple[ArcClient, ArcClient]) -> None:
    ada, bob = agents
    wake = ada.wake("bob")
    told = bob.report_wake(wake["wake_id"], wake["turn"], "a-road")
    assert (told["state"], told["road"]) == ("sent", "a-road")
    with pytest.raises(ArcError) as refused:
        bob.report_wake(wake["wake_id"], "watch" if wake["turn"] == "harness" else "harness", "a-road")
    assert refused.value.status == 409
