"""Requests made from the OpenAPI description, good ones and hostile ones, and whether answers are what it says.

Names and ids come from small pools, so that calls meet: the same agent, the same file, a task that is there.
"""

import json
import random
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

Json = dict[str, Any]

AGENTS: Final = ("ada", "bob", "cyd", "system", "Ada")
POOLS: Final[dict[str, Sequence[Any]]] = {
    **dict.fromkeys(("agent_id", "from_agent", "to_agent", "owner_agent_id", "opened_by", "actor", "as"), AGENTS),
    **dict.fromkeys(("channel", "notice_channel", "name"), ("general", "room", "direct", "nowhere")),
    **dict.fromkeys(
        ("task_id", "message_id", "question_id", "event_id", "reply_to", "parent_task_id"), tuple(range(1, 40))
    ),
    **dict.fromkeys(("since_id", "after", "since", "before"), tuple(range(60))),
    **dict.fromkeys(
        ("file_path", "path"), ("src/a.py", "src/**", "*.py", "./src/a.py", "file:///x", "../x", "a/?/[b]")
    ),
    **dict.fromkeys(("as_of",), (0, 1, 2, 10, 30, "now", "2027-01-01T00:00:00Z")),
    "thread_id": ("t1", "t2"),
    "claim_key": ("k1", "k2", "task:3"),
    "fencing_token": range(1, 40),
    "q": ("hi", '"hi there"', "from:ada hi", "*", '"', "-x OR (", "hi NEAR/3 there", "\u65e5\u672c", "a" * 300),
    "harness": ("claude-code", "codex", "gemini", "cursor", "opencode", "qwen", "nobody"),
    "file": ("dashboard.js", "../app.py", "x"),
    "mode": ("exclusive", "shared", "guard", "off"),
    "limit": (1, 5, 500, 0, 10**9),
    "max_bytes": (0, 1, 1000),
}
KINDS: Final[dict[str, Any]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
WAITING: Final = frozenset({"timeout", "wait_sec"})
ODD: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, -(2**63) - 1, 10**30, "", " ", "\x00", "\u202e", "\ud800", "x" * 5000, "%00",
    "../../etc/passwd", "'; DROP TABLE events;--", [], [[]], [None], {}, {"": None}, {"a": {"b": [1, {}]}},
)  # fmt: skip


class Maker:
    """Makes values and requests by chance.

    Args:
        document: the description.
        seed: which ones; the same again for the same seed.
    """

    def __init__(self, document: Json, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - chance for tests, not for secrets
        self._document = document

    def request(self, path: str, method: str) -> tuple[str, bytes]:
        """Path and query, and the body, of one request."""
        operation = self._document["paths"][path][method]
        query: dict[str, Any] = {}
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] == "header" or not (parameter.get("required") or self.chance.random() < 0.4):
                continue
            value = _as_text(self.value(parameter["schema"], name))
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
            else:
                query[name] = value
        body = b""
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            body = self.body(content["application/json"]["schema"])
        elif method == "post":
            body = self.body({"type": "object"}) if self.chance.random() < 0.5 else b"{}"
        return f"{path}?{urlencode(query, errors='replace')}" if query else path, body

    def body(self, schema: Json) -> bytes:
        """A body as JSON, now and then with something wrong about it."""
        text = json.dumps(self.value(schema)).encode()
        if self.chance.random() < 0.08 and text:
            at = self.chance.randrange(len(text))
            text = text[:at] + self.chance.randbytes(self.chance.randint(0, 3)) + text[at + self.chance.randint(0, 3) :]
        return text

    def value(self, schema: Json, name: str = "") -> Any:
        """A value that the schema describes, or one from the pool of its name, or any other."""
        if name in WAITING:
            return self.chance.choice((0, 0.001, "0", None, -1, "x"))
        dice = self.chance.random()
        if dice < 0.05:
            return self.chance.choice(ODD)
        if name in POOLS and dice < 0.85:
            return self.chance.choice(POOLS[name])
        schema = resolve(self._document, schema)
        if "anyOf" in schema:
            return self.value(self.chance.choice(schema["anyOf"]), name)
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return self._of_type(schema, name)

    def _of_type(self, schema: Json, name: str) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return [self.value(schema.get("items", {}), name) for _ in range(self.chance.randint(0, 3))]
            case "string":
                return "".join(self.chance.choices("ab /*?-_.:\u00e9\U0001f600", k=self.chance.randint(0, 12)))
            case "integer":
                return self.chance.choice((0, 1, 2, 7, 60, -1, 2**53))
            case "number":
                return self.chance.choice((0, 0.5, 5, 300, 1e9, -1))
            case "boolean":
                return self.chance.random() < 0.5
            case _:
                return self.chance.choice(ODD)

    def _object(self, schema: Json) -> Json:
        made: Json = {}
        required = schema.get("required", ())
        for name, inner in schema.get("properties", {}).items():
            if self.chance.random() < (0.97 if name in required else 0.3):
                made[name] = self.value(inner, name)
        if self.chance.random() < 0.05:
            made["unknown"] = self.chance.choice(ODD)
        return made


def resolve(document: Json, schema: Json) -> Json:
    """The schema itself, where there is only a reference."""
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def misfit(document: Json, schema: Json, value: Any, where: str = "") -> str | None:
    """What about a value is not as the schema has it; None when all is."""
    schema = resolve(document, schema)
    if "anyOf" in schema:
        tried = [misfit(document, choice, value, where) for choice in schema["anyOf"]]
        return None if None in tried else f"{where}: none of {tried}"
    if "const" in schema and value != schema["const"]:
        return f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    if isinstance(kind, str) and (
        not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind in {"integer", "number"})
    ):
        return f"{where}: {value!r} is no {kind}"
    if isinstance(value, dict) and "properties" in schema:
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            return f"{where}: {missing} are missing"
        for name, inner in schema["properties"].items():
            found = misfit(document, inner, value[name], f"{where}.{name}") if name in value else None
            if found:
                return found
    if isinstance(value, list) and "items" in schema:
        for place, one in enumerate(value):
            found = misfit(document, schema["items"], one, f"{where}[{place}]")
            if found:
                return found
    return None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
