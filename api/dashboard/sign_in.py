"""The page that takes the hub's token from a person, and the cookie that a browser gets for it.

It is one answer with nothing else to fetch, since those who see it may fetch nothing yet. It has no script: a form is
sent, and the browser follows to the dashboard.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from api.dashboard.files import PAGE_HEADERS
from api.http.bodies import read_body
from api.http.errors import STATUS_OF
from api.http.gate import COOKIE, SIGNED_IN_SEC
from api.http.headers import HEADERS
from api.http.responses import refusal
from api.http.security import Guard
from arclog.errors import ArcError

PATH: Final = "/sign-in"
MAX_FORM_BYTES: Final = 4096
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}"
    "input,button{font:inherit;padding:.4rem .6rem;width:100%;box-sizing:border-box;margin:.3rem 0}"
)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Arc: sign in</title>
<style>{style}</style>
<h1>Arc</h1>
<p>From other machines this hub wants a token: its own, of which <code>arc ensure</code> says where
it is, or one from <code>arc token issue</code>.
<p role="alert">{said}
<form method="post" action="sign-in">
<label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Sign in</button>
</form>
</html>
"""
_POLICY: Final = (
    b"default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest())
    + b"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A browser that is to send no referrer sends no origin with a form either, and without one the form is refused.
_HEADERS: Final = (
    *(header for header in PAGE_HEADERS if header[0] not in {b"content-security-policy", b"referrer-policy"}),
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"same-origin"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
)


def wants_page(scope: Scope) -> bool:
    """Whether a person asks, with a browser, for the dashboard."""
    return scope["method"] == "GET" and scope["path"] == "/" and b"text/html" in scope[HEADERS].get(b"accept", b"")


async def send_page(send: Send, error: ArcError | None = None) -> None:
    """Ask for the token.

    Args:
        send: where to.
        error: why the person is asked, or asked again.
    """
    body = _PAGE.format(style=_STYLE, said="" if error is None else escape(str(error))).encode()
    status = 401 if error is None else STATUS_OF[error.code]
    more = () if error is None else refusal(error).headers
    await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, *more, _length(body)]})
    await send({"type": "http.response.body", "body": body})


class SignIn:
    """The endpoint of `POST /sign-in`.

    Args:
        guard: whose gate the token opens.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await send_page(send)
            return
        form = parse_qs((await read_body(scope, receive, MAX_FORM_BYTES)).decode("latin-1"))
        token = form.get("token", [""])[0].strip().encode("latin-1")
        try:
            value = self._guard.gate.sign_in(self._guard.address_of(scope, scope[HEADERS]), token)
        except ArcError as error:
            await send_page(send, error)
            return
        cookie = COOKIE + b"=" + value + b"; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d" % SIGNED_IN_SEC
        if scope["scheme"] == "https":
            cookie += b"; Secure"
        headers = [(b"location", b"./"), (b"set-cookie", cookie), (b"cache-control", b"no-store"), _length(b"")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)
