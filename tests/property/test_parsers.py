"""Whatever bytes come, a parser gives what it is for or refuses in its own words; it never fails and never hangs."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.hooks.route import HARNESSES
from api.hooks.shell.script import find_deeds
from api.mcp import jsonrpc
from api.mcp.jsonrpc import ProtocolError, RpcRequest
from arclog.errors import InvalidInput, OutsideRoot
from arclog.patterns import find_witness, overlap
from projections.hub.roots import Roots
from tests.support.served_hub import served_hub

TOKENS = (
    "git", "stash", "reset", "--hard", "checkout", "--", ".", "clean", "-fdx", "rm", "-rf", "sudo", "env",
    "X=1", "cd", "sub", "&&", "||", ";", "|", "&", "(", ")", "{", "}", "$(", "`", "'", '"', "\\", "\n",
    "<<EOF", "EOF", "<<<", ">", ">>", "2>&1", "$X", "${X:-git stash}", "$((1+1))", "if", "then", "fi", "for",
    "in", "do", "done", "while", "case", "esac", "eval", "bash", "-c", "xargs", "find", "-exec", "function",
    "f()", "alias", "pkill", "python", "#", "*", "?", "[a", "!", "~",
)  # fmt: skip
scripts = st.lists(st.sampled_from(TOKENS) | st.text(max_size=4), max_size=25).map(" ".join) | st.text(max_size=200)
segments = st.text("ab*?.[]{}\u00e9", min_size=1, max_size=6) | st.just("**")
patterns = st.lists(segments, min_size=1, max_size=5).map("/".join)


class Nowhere:
    """Surroundings in which every file is a script, and every word an alias, of the same command."""

    def __init__(self, said: str) -> None:
        self._said = said

    def read_script(self, folder: str, path: str) -> str | None:
        return self._said if len(path) % 2 else None

    def find_alias(self, folder: str, name: str) -> str | None:
        return self._said if len(name) % 3 == 1 else None

    def exists(self, folder: str, path: str) -> bool:
        return len(path) % 2 == 0


@given(scripts, scripts)
@settings(deadline=10_000)
def test_every_shell_script_can_be_read_or_is_called_unreadable(script: str, aside: str) -> None:
    for found in find_deeds(script, Nowhere(aside)):
        assert found.verb


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("jsonrpc", "id", "method", "params", "x")), inner)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_every_line_of_a_host_is_a_message_or_a_protocol_error(line: bytes) -> None:
    reply = {"jsonrpc": "2.0"}
    try:
        message = jsonrpc.decode(line)
        request = jsonrpc.to_request(message) if not isinstance(message, list) else None
    except ProtocolError as error:
        request, reply = None, error.reply()
    assert request is None or isinstance(request, RpcRequest)
    assert json.loads(jsonrpc.encode(reply))["jsonrpc"] == "2.0"


@given(st.text(max_size=60) | patterns)
def test_every_path_has_one_key_which_is_its_own_key_or_is_refused(path: str) -> None:
    roots = Roots(Path("/nowhere/at/all"))
    try:
        key = roots.key_of("path", path)
    except (InvalidInput, OutsideRoot):
        return
    assert roots.key_of("path", key) == key
    assert roots.key_of("path", f"/nowhere/at/all/{key}") == key


@given(patterns, patterns)
def test_patterns_overlap_both_ways_or_neither_and_have_a_witness_when_they_do(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)
    witness = find_witness(one, other)
    if overlap(one, other):
        assert witness is not None
        assert overlap(one, witness)
        assert overlap(other, witness)


HEAD = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
    b'Content-Length: 31\r\nConnection: close\r\n\r\n{"from_agent":"a","body":"x"}  '
)
STATUSES = {
    b"200",
    b"201",
    b"400",
    b"403",
    b"404",
    b"405",
    b"408",
    b"411",
    b"413",
    b"414",
    b"415",
    b"422",
    b"431",
    b"501",
    b"505",
}


def mutated(chance: random.Random) -> bytes:
    """A request of which some bytes are others, missing, doubled or moved."""
    made = bytearray(HEAD)
    for _ in range(chance.randint(1, 5)):
        at, size = chance.randrange(len(made)), chance.choice((0, 1, 1, 2, 8, 40))
        piece = bytes(made[at : at + size])
        match chance.randrange(4):
            case 0:
                made[at : at + size] = chance.randbytes(size)
            case 1:
                del made[at : at + size]
            case 2:
                made[at:at] = piece * chance.randint(1, 50)
            case _:
                to = chance.randrange(len(made) + 1)
                made[to:to] = piece
    return bytes(made)


@pytest.mark.parametrize("count", [500, pytest.param(100_000, marks=pytest.mark.soak)])
def test_every_mutated_request_is_answered_or_cut_off_and_the_next_one_is_served(tmp_path: Path, count: int) -> None:
    chance = random.Random(20_261_129)  # noqa: S311 - chance for tests, not for secrets
    with served_hub(tmp_path) as hub:
        for _ in range(count):
            request = mutated(chance)
            answer = hub.exchange(request, timeout=10)
            first = answer.split(b"\r\n", 1)[0]
            assert not answer or first.startswith(b"HTTP/1.1 "), (request, answer)
            assert not answer or first.split(b" ")[1] in STATUSES, (request, answer)
        assert hub.say("still here") > 0


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.soak)])
def test_every_payload_of_a_hook_is_answered(tmp_path: Path, count: int) -> None:
    chance = random.Random(20_261_129)  # noqa: S311 - chance for tests, not for secrets
    events = ("SessionStart", "PreToolUse", "PostToolUse", "Stop", "BeforeTool", "beforeShellExecution", "x", None, 7)
    tools: tuple[object, ...] = ("Bash", "Edit", "Write", "Read", "apply_patch", "shell", "", None, [])
    odd: tuple[object, ...] = (None, True, 0, "", [], {}, "x" * 3000, "\x00", "../..", "/etc/passwd", {"a": 1})
    with served_hub(tmp_path) as hub:
        for number in range(count):
            script = " ".join(chance.choices(TOKENS, k=chance.randint(0, 12)))
            given_to = {
                "file_path": chance.choice(("a.py", str(tmp_path / "a.py"), *odd)),
                "command": chance.choice((script, *odd)),
            }
            body = {
                "session_id": chance.choice(("s1", "s2", *odd)),
                "hook_event_name": chance.choice(events),
                "cwd": chance.choice((str(tmp_path), *odd)),
                "tool_name": chance.choice(tools),
                "tool_input": chance.choice((given_to, given_to, *odd)),
            }
            for name in list(body):
                if chance.random() < 0.1:
                    del body[name]
            harness = chance.choice(sorted(HARNESSES))
            answer = hub.exchange(
                b"POST /v1/hooks/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                % (harness.encode(), len(text := json.dumps(body).encode()), text)
            )
            assert answer.split(b" ")[1] in {b"200", b"400"}, (number, harness, body, answer)
        assert hub.say("still here") > 0
