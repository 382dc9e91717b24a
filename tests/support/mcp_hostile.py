"""Messages that no good MCP host sends: broken, wrong, odd, huge, and well-formed with nonsense inside."""

import json
import random
from collections.abc import Iterator
from typing import Any

SEED = 20_261_122
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**53,
    2**63 - 1,
    2**64,
    10**400,
    1.5,
    1e300,
    "",
    " ",
    "x" * 70_000,
    "\x00\x1b[31m",
    "é\u202e",
    [],
    [[]],
    {},
    {"a": {}},
)
BROKEN = (
    b"{",
    b"}",
    b"[",
    b"nul",
    b"\xff\xfe",
    b"\x00",
    b"'single'",
    b"{'a':1}",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b"\xed\xa0\x80",
    b'"\\ud800"',
    b'{"jsonrpc":"2.0","id":1,"method":"ping"',
    b"Content-Length: 40\r",
    b"GET / HTTP/1.1\r",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"1e999",
    b"-",
    b"\x1b]0;title\x07",
    b'{"jsonrpc":"2.0","id":1,"method":"ping"}}',
    b"{}{}",
)
METHODS = (
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "server/discover",
    "subscriptions/listen",
    "resources/subscribe",
    "tasks/get",
    "sampling/createMessage",
    "rpc.discover",
    "",
    "\x00",
    "../../etc/passwd",
    "tools/call\n",
)
TOOLS = (
    "arc_post_message",
    "arc_poll_messages",
    "arc_dm",
    "arc_rpc_call",
    "arc_acquire_lock",
    "arc_complete_task",
    "arc_get_thread",
    "arc_list_tasks",
    "arc_inbox",
    "arc_read_messages",
    "arc_create_channel",
    "arc_nothing",
)
ARGUMENTS = (
    "channel",
    "body",
    "kind",
    "thread_id",
    "to_agent",
    "attachments",
    "timeout",
    "file_path",
    "ttl_sec",
    "task_id",
    "limit",
    "since_id",
    "name",
    "status",
    "__class__",
)


PARAMETERS = ("name", "uri", "arguments", "cursor", "_meta", "level")


def hostile_messages(count: int) -> Iterator[bytes]:
    """The same messages in every run; each is owed an answer."""
    chance = random.Random(SEED)  # noqa: S311 - chance for tests, not for secrets
    makers = (_broken, _no_call, _odd_envelope, _odd_method, _odd_tool, _mutilated)
    for number in range(count):
        yield makers[number % len(makers)](chance, number)


def _broken(chance: random.Random, number: int) -> bytes:
    return chance.choice(BROKEN)


def _no_call(chance: random.Random, number: int) -> bytes:
    value = chance.choice([*ODD_VALUES, [{"jsonrpc": "2.0", "id": number, "method": "ping"}]])
    return _json(value)


def _odd_envelope(chance: random.Random, number: int) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": "ping", "params": {}}
    message[chance.choice(["jsonrpc", "method", "params"])] = chance.choice(ODD_VALUES)
    if chance.random() < 0.3:
        message["id"] = chance.choice([None, True, 1.5, 2**64, [], {}])
    return _json(message)


def _odd_method(chance: random.Random, number: int) -> bytes:
    params = {name: chance.choice(ODD_VALUES) for name in chance.sample(PARAMETERS, 2)}
    return _json({"jsonrpc": "2.0", "id": number, "method": chance.choice(METHODS), "params": params})


def _odd_tool(chance: random.Random, number: int) -> bytes:
    arguments = {name: chance.choice(ODD_VALUES) for name in chance.sample(ARGUMENTS, 3)} | {"timeout": 0}
    params = {"name": chance.choice(TOOLS), "arguments": arguments}
    return _json({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


def _mutilated(chance: random.Random, number: int) -> bytes:
    line = bytearray(_odd_tool(chance, number)[:2_000])
    for _ in range(chance.randint(1, 5)):
        line[chance.randrange(len(line))] = chance.choice(b'\x00{}[]":,\xff\\x')
    return bytes(line)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
