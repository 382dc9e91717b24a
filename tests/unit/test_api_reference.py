"""The reference page of the HTTP interface leaves nothing out."""

from pathlib import Path

import msgspec
import pytest

from api.app import ROUTES
from api.http.errors import STATUS_OF
from api.http.routes import ChangeRoute, Route
from api.hub import EXTENSIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "http.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_it_names_every_route_with_all_its_fields(page: str, route: Route) -> None:
    heading = f"\n### `{route.method} {route.path}`\n"
    assert heading in page
    section = page.split(heading, 1)[1].split("\n##", 1)[0]
    asked = (route.ids, route.body) if isinstance(route, ChangeRoute) else (route.query,)
    for struct in asked:
        for field in msgspec.structs.fields(struct):
            assert f"`{field.encode_name}`" in section or f"{{{field.encode_name}}}" in route.path, field


@pytest.mark.parametrize("code", STATUS_OF)
def test_it_names_every_error_code_with_its_status(page: str, code: str) -> None:
    assert f"| `{code}` | {STATUS_OF[code]} |" in page


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_it_names_every_extension(page: str, extension: str) -> None:
    assert f"`{extension}`" in page


@pytest.mark.parametrize(
    "header",
    [
        "X-Arc-Instance",
        "X-Arc-Event",
        "Idempotency-Key",
        "Last-Event-ID",
        "Retry-After",
        "Allow",
        "X-Arc-As-Of",
        "X-Arc-Integrity",
    ],
)
def test_it_names_every_header(page: str, header: str) -> None:
    assert f"`{header}`" in page
