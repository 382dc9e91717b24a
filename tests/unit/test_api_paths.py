"""A path leads to its endpoint, and an id in it is given as it came."""

import pytest

from api.http.asgi import Receive, Scope, Send
from api.http.errors import UnknownRoute
from api.http.paths import Paths


class Endpoint:
    """An endpoint that is only to be found."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


LISTED = ("/", "/v1/tasks", "/v1/tasks/next", "/v1/tasks/{task_id}", "/v1/tasks/{task_id}/fail", "/files/{file}")
ENDPOINTS = {path: Endpoint() for path in LISTED}
PATHS = Paths(ENDPOINTS)


@pytest.mark.parametrize(
    ("path", "listed", "ids"),
    [
        ("/", "/", {}),
        ("/v1/tasks", "/v1/tasks", {}),
        ("/v1/tasks/7", "/v1/tasks/{task_id}", {"task_id": "7"}),
        ("/v1/tasks/7/fail", "/v1/tasks/{task_id}/fail", {"task_id": "7"}),
        ("/v1/tasks/fail/fail", "/v1/tasks/{task_id}/fail", {"task_id": "fail"}),
        ("/v1/tasks/a%2Fb", "/v1/tasks/{task_id}", {"task_id": "a%2Fb"}),
        ("/files/tasks", "/files/{file}", {"file": "tasks"}),
    ],
)
def test_a_path_leads_to_the_one_that_is_listed_like_it(path: str, listed: str, ids: dict[str, str]) -> None:
    assert PATHS.find(path) == (ENDPOINTS[listed], ids)


def test_a_path_that_is_listed_as_it_is_counts_more_than_one_with_an_id() -> None:
    assert PATHS.find("/v1/tasks/next") == (ENDPOINTS["/v1/tasks/next"], {})


@pytest.mark.parametrize(
    "path",
    ["", "v1/tasks", "/v1/tasks/", "/v1/tasks//fail", "/v1/tasks/7/", "/v1/tasks/7/fail/", "/v1/tasks/7/8", "/v1/7"],
)
def test_a_path_like_none_is_unknown(path: str) -> None:
    with pytest.raises(UnknownRoute):
        PATHS.find(path)
