"""The OpenAPI description of the hub, made from the Structs that parse its requests and write its answers."""

from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.as_of import Dated
from api.http.errors import STATUS_OF
from api.http.responses import Envelope
from api.http.routes import ChangeRoute, NoQuery, ReadRoute, Route, Site, SpecialRoute

Json = dict[str, Any]

TITLE: Final = "Arc"
SUMMARY: Final = "An event-sourced coordination hub for AI agents."
_REFS: Final = "#/components/schemas/{name}"
_INSTANCE: Final = {"description": "an id of the storage", "schema": {"type": "string"}}
_EVENT: Final = {
    "description": "the event that the call led to, or that had made things so already",
    "schema": {"type": "integer"},
}
_AS_OF: Final = {
    "description": "with as_of: the event that the answer is of the moment right after",
    "schema": {"type": "integer"},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same key with the same request gets the same answer again, and nothing is done twice",
    "schema": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]+$"},
}
_LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "go on after this message; goes before `since_id`",
    "schema": {"type": "integer", "minimum": 0},
}


def route(routes: tuple[Route, ...]) -> SpecialRoute[NoQuery]:
    """The route that describes `routes`, and itself."""
    this: SpecialRoute[NoQuery] = SpecialRoute(
        does="Describe every route, as OpenAPI 3.1.",
        path="/openapi.json",
        query=NoQuery,
        media_type="application/json",
        start=lambda site: _endpoint(site, (*routes, this)),
    )
    return this


def _endpoint(site: Site, routes: tuple[Route, ...]) -> ASGIApp:
    document: list[bytes] = []

    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        if not document:
            document.append(msgspec.json.encode(describe(routes, site.hub.settings.version)))
        await site.responder.send(send, 200, document[0])

    return show


def describe(routes: tuple[Route, ...], version: str) -> Json:
    """The description of `routes` as a JSON object.

    Args:
        routes: what there is.
        version: the hub's version.
    """
    types = [Envelope, *(kind for listed in routes for kind in _types(listed))]
    described, components = msgspec.json.schema_components(types, ref_template=_REFS)
    schemas = dict(zip(map(str, types), described, strict=True))
    for listed in routes:
        if isinstance(listed, ChangeRoute):
            _allow_null(listed.body, components)
    paths: dict[str, Json] = {}
    for listed in routes:
        paths.setdefault(listed.path, {})[listed.method.lower()] = _operation(listed, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "summary": SUMMARY, "version": version or "0"},
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                "Refusal": {
                    "description": f"A refusal; `code` is one of {', '.join(sorted(STATUS_OF))}.",
                    "headers": {"X-Arc-Instance": _INSTANCE},
                    "content": {"application/json": {"schema": schemas[str(Envelope)]}},
                }
            },
        },
    }


def _allow_null(body: type[Struct], components: Json) -> None:
    """Say of a body's fields that have a default that they may be null too."""
    described = components[body.__name__]
    for name, schema in described["properties"].items():
        if name in described.get("required", ()) or {"type": "null"} in schema.get("anyOf", ()):
            continue
        around = {key: schema.pop(key) for key in ("description", "default") if key in schema}
        described["properties"][name] = {"anyOf": [schema, {"type": "null"}], **around}


def _types(listed: Route) -> tuple[Any, ...]:
    match listed:
        case ChangeRoute():
            return listed.ids, listed.body, listed.result
        case ReadRoute():
            return listed.query, listed.result
        case SpecialRoute():
            return (listed.query,)


def _operation(listed: Route, schemas: Json, components: Json) -> Json:
    operation: Json = {"operationId": _name(listed), "summary": listed.does}
    asked = listed.ids if isinstance(listed, ChangeRoute) else listed.query
    parameters = _parameters(asked, listed.path, components)
    statuses: tuple[int, ...] = (200,)
    if isinstance(listed, ChangeRoute):
        parameters.append(_KEY)
        statuses = listed.statuses
        headers = {"X-Arc-Instance": _INSTANCE, "X-Arc-Event": _EVENT}
        answer = _json_answer(listed.does, schemas[str(listed.result)], headers, listed.beside)
        if listed.body.__struct_fields__:
            operation["requestBody"] = {
                "required": any(field.required for field in msgspec.structs.fields(listed.body)),
                "content": {"application/json": {"schema": schemas[str(listed.body)]}},
            }
    elif isinstance(listed, ReadRoute):
        headers = {"X-Arc-Instance": _INSTANCE}
        if issubclass(listed.query, Dated):
            headers["X-Arc-As-Of"] = _AS_OF
        answer = _json_answer(listed.does, schemas[str(listed.result)], headers, listed.beside)
    else:
        if listed.takes_key:
            parameters.append(_KEY)
        if listed.media_type == "text/event-stream":
            parameters.append(_LAST_EVENT_ID)
        answer = {
            "description": listed.does,
            "headers": {"X-Arc-Instance": _INSTANCE},
            "content": {listed.media_type: {"schema": {}}},
        }
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = {str(status): answer for status in statuses}
    operation["responses"]["default"] = {"$ref": "#/components/responses/Refusal"}
    return operation


_BESIDE: Final[Json] = {
    "holder_left_at": {"type": "string", "format": "date-time"},
    "place": {"type": "integer"},
    "position": {"type": "integer"},
    "ahead": {"type": "array", "items": {"type": "string"}},
    "locks": {"type": "array", "items": {"$ref": "#/components/schemas/Lock"}},
}
"""What may stand beside `ok`, where it is no flag."""


def _json_answer(does: str, result: Json, headers: Json, beside: tuple[str, ...]) -> Json:
    properties: Json = {"ok": {"const": True}, "result": result}
    properties.update({name: _BESIDE.get(name, {"type": "boolean"}) for name in beside})
    schema = {"type": "object", "properties": properties, "required": ["ok", "result"]}
    return {"description": does, "headers": headers, "content": {"application/json": {"schema": schema}}}


def _parameters(asked: type[Struct], path: str, components: Json) -> list[Json]:
    described = components[asked.__name__]
    parameters = []
    for name, schema in described["properties"].items():
        in_path = f"{{{name}}}" in path
        parameters.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": name in described.get("required", ()),
                "schema": _without_null(schema),
            }
        )
    return parameters


def _without_null(schema: Json) -> Json:
    """A parameter that may be absent: a query has no null."""
    if "anyOf" not in schema:
        return schema
    return next(choice for choice in schema["anyOf"] if choice != {"type": "null"})


def _name(listed: Route) -> str:
    """A name for generated clients, such as `post_v1_claims_refresh`."""
    words = listed.path.replace("{", "").replace("}", "").replace("-", "_").replace(".", "_").split("/")
    return "_".join([listed.method.lower(), *(word for word in words if word)])
