"""Where a log on PostgreSQL is: a URL as libpq takes it, which holds no secret.

A command's arguments can be seen by every user of the machine, and a storage's options lie in a file. So a password
comes from where libpq looks for it by itself: a password file, a service file, or the environment.
"""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from arclog.errors import InvalidInput

SCHEMES: Final = frozenset({"postgresql", "postgres"})
SECRETS: Final = frozenset({"password", "sslpassword", "passfile_password", "oauth_client_secret"})
_USUAL: Final = {
    "connect_timeout": "3",
    "target_session_attrs": "read-write",
    "application_name": "arc",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
"""What holds where the URL says nothing else; how long a dead line takes to be known is a matter of seconds."""


class Address(Struct, frozen=True):
    """Where a log is.

    Attributes:
        url: what was given; without a password.
    """

    url: str

    @property
    def shown(self) -> str:
        """Where it is, for people: without options."""
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc}{parts.path}"

    @property
    def usual(self) -> dict[str, str]:
        """The options of libpq that are to hold, but for those that the URL has."""
        given = {name for name, _value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True)}
        return {name: value for name, value in _USUAL.items() if name not in given}


def read_address(url: str) -> Address:
    """The address that a URL means.

    Raises:
        InvalidInput: it is no such URL, or has a password in it.
    """
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError as error:
        raise InvalidInput("log", f"is no URL: {error}") from None
    if parts.scheme not in SCHEMES:
        raise InvalidInput("log", "must be a URL such as postgresql://user@host/database")
    if has_password or any(name in SECRETS for name, _value in parse_qsl(parts.query, keep_blank_values=True)):
        raise InvalidInput(
            "log",
            "must not hold a password, which other users of this machine could see: put it in a password file "
            "(PGPASSFILE), a service file, or PGPASSWORD",
        )
    return Address(url)
