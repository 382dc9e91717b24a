"""What a text holds: a key for certain, something that looks like one, or neither."""

import pytest

from arclog.deciders.fields import Limits
from arclog.deciders.messages import Posting, PostMessage, decide_post
from arclog.deciders.secrets import MASKED, _checksum, check, find_certain, has_one_by_looks, mask
from arclog.errors import LooksLikeASecret

RANDOM = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"
TOKEN = f"ghp_{RANDOM}{_checksum(RANDOM)}"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----"
BY_LOOKS = [
    f"ghp_{'a' * 36}",
    "arc_" + "0f" * 32,
    "sk-ant-api03-abcdefghijklmnopqrst",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "a" * 35,
    "xoxb-123456789012-abcdefghij",
    "glpat-abcdefghijklmnopqrst",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2lnbg",
]
HARMLESS = [
    "fix src/auth.py and tests/test_auth.py",
    "the token ghp_… is in the vault",
    "-----BEGIN CERTIFICATE-----",
    "see skip_list, sk-learn and the AKIA prefix",
    "digest d0e2a4f1" + "0f" * 28,
    "risk-assessment-of-the-new-deployment",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx",
]


def test_the_checksum_is_the_one_that_github_describes() -> None:
    assert find_certain(TOKEN) == "an access token"
    assert find_certain(f"npm_{RANDOM}{_checksum(RANDOM)}") == "an access token"
    assert find_certain(TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")) is None


@pytest.mark.parametrize("text", [PEM, f"use {TOKEN}, please", f"x={TOKEN}"])
def test_what_is_certain_is_refused_or_marked(text: str) -> None:
    with pytest.raises(LooksLikeASecret):
        check("body", [text], "refuse")
    assert check("body", [text], "mark")
    assert not check("body", [text], "off")


@pytest.mark.parametrize("text", BY_LOOKS)
def test_what_only_looks_like_one_is_taken_and_marked(text: str) -> None:
    assert find_certain(text) is None
    assert has_one_by_looks(text)
    assert check("body", [f"here: {text}."], "refuse")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none_is_let_through(text: str) -> None:
    assert not check("body", [text], "refuse")
    assert mask(text) == text


def test_a_message_says_so_and_its_sender_may_insist() -> None:
    def decide(**given: object) -> bool:
        command = PostMessage(from_agent="a", **given)  # type: ignore[arg-type]
        handling = decide_post(Posting(limits=Limits()), command, 0).handling
        return handling is not None and handling.looks_like_a_secret

    with pytest.raises(LooksLikeASecret) as refused:
        decide(body=TOKEN)
    assert TOKEN not in str(refused.value)
    assert not decide(body=TOKEN, allow_secret=True)
    assert decide(body=BY_LOOKS[0])
    assert decide(body="x", metadata={"deep": [{"er": BY_LOOKS[2]}]})
    assert not decide(body="hello")


def test_the_hub_masks_what_it_quotes() -> None:
    assert mask(f"failed: {BY_LOOKS[2]}!") == f"failed: {MASKED}!"
