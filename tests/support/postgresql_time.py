"""A log on PostgreSQL whose server has the time of the test."""

from typing import Any

import pytest

from tests.support.fake_time import BEGINNING, ELAPSED, FakeTime
from tests.support.postgresql import HUB, Server

_FAKE_TIME = (
    "CREATE TABLE arc.fake_time AS SELECT 0::bigint AS now",
    f"GRANT SELECT ON arc.fake_time TO {HUB}",
    "CREATE OR REPLACE FUNCTION arc.arc_now() RETURNS bigint LANGUAGE sql AS 'SELECT now FROM arc.fake_time'",
)


class FakeServerTime:
    """One empty log on a server, again and again, whose clock is the test's and nobody sets.

    Args:
        server: the server.
    """

    def __init__(self, server: Server) -> None:
        psycopg = pytest.importorskip("psycopg")
        self.server = server
        self._owner: Any = psycopg.connect(server.url(), autocommit=True)

    def close(self) -> None:
        self._owner.close()

    def begin(self) -> None:
        """Make the log anew."""
        from arclog.postgresql.opening import make_log

        self.server.sql("arc", "DROP SCHEMA IF EXISTS arc CASCADE")
        make_log(self.server.url(), HUB)
        self.server.sql("arc", *_FAKE_TIME)

    def join(self, time: FakeTime) -> Any:
        """What one more hub writes through."""
        from arclog.postgresql.address import read_address
        from arclog.postgresql.engine import PostgresqlEngine

        owner = self._owner

        class AtFakeTime(PostgresqlEngine):
            def hold(self, after: int, digest: bytes, *, wait: bool) -> Any:
                owner.execute("UPDATE arc.fake_time SET now = %s", (BEGINNING + time.elapsed() - ELAPSED,))
                return super().hold(after, digest, wait=wait)

        return AtFakeTime(read_address(self.server.url(HUB)), time)
