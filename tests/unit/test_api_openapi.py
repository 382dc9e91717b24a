"""The OpenAPI description is the routes, no more and no less."""

import json
from typing import Any

import msgspec
import pytest

from api.app import ROUTES
from api.http.errors import STATUS_OF
from api.http.openapi import describe
from api.http.routes import ChangeRoute, ReadRoute


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(msgspec.json.encode(describe(ROUTES, "1.2.3")))
    return described


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method.lower()]
    return found


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value))
    return set()


def test_it_is_openapi_3_1_of_this_version(document: dict[str, Any]) -> None:
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", "1.2.3")


def test_it_describes_every_route_and_nothing_else(document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [found["operationId"] for methods in document["paths"].values() for found in methods.values()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_id_in_a_path_is_a_parameter(document: dict[str, Any], route: Any) -> None:
    parameters = operation(document, route.method, route.path).get("parameters", [])
    in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    assert in_path == {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    assert all(parameter["required"] for parameter in parameters if parameter["in"] == "path")


@pytest.mark.parametrize("route", [r for r in ROUTES if isinstance(r, ChangeRoute)], ids=lambda route: route.path)
def test_a_change_takes_a_key_and_the_fields_of_its_struct(document: dict[str, Any], route: Any) -> None:
    found = operation(document, route.method, route.path)
    assert "Idempotency-Key" in {parameter["name"] for parameter in found["parameters"]}
    fields = msgspec.structs.fields(route.body)
    if not fields:
        assert "requestBody" not in found
        return
    name = found["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert list(document["components"]["schemas"][name]["properties"]) == [field.encode_name for field in fields]
    assert set(map(str, route.statuses)) | {"default"} == set(found["responses"])


@pytest.mark.parametrize("route", [r for r in ROUTES if isinstance(r, ReadRoute)], ids=lambda route: route.path)
def test_a_read_takes_the_parameters_of_its_struct(document: dict[str, Any], route: Any) -> None:
    parameters = operation(document, route.method, route.path).get("parameters", [])
    assert [p["name"] for p in parameters] == [f.encode_name for f in msgspec.structs.fields(route.query)]


def test_a_refusal_names_every_code(document: dict[str, Any]) -> None:
    said = document["components"]["responses"]["Refusal"]["description"]
    assert all(code in said for code in STATUS_OF)
