"""Verification of a log that an engine keeps: each event against the digest before it, as the engine gives them."""

from typing import Final

from arclog.digest import GENESIS, digest_of
from arclog.engine import RemoteEngine
from arclog.errors import LogAway, StorageError
from arclog.progress import Progress, no_progress
from arclog.proof.findings import Finding
from arclog.proof.verify import ChainReport

AT_A_TIME: Final = 2_000
MAX_FINDINGS: Final = 20


def verify_elsewhere(engine: RemoteEngine, progress: Progress = no_progress) -> ChainReport:
    """Check every event of a log.

    Works beside its hubs; what they append meanwhile is looked at too.

    Args:
        engine: what keeps the log.
        progress: told how far the check has come.

    Raises:
        LogAway: the engine cannot be reached.
    """
    events, reached, previous = 0, 0, GENESIS
    findings: list[Finding] = []
    while True:
        try:
            page = engine.read(reached, AT_A_TIME)
        except LogAway:
            raise
        except StorageError as error:
            findings.append(Finding("log", "unreadable", reached + 1, f"what follows event {reached}: {error}"))
            break
        if not page:
            break
        for event in page:
            if digest_of(previous, event) != event.digest and len(findings) < MAX_FINDINGS:
                said = f"event {event.event_id} is not what was recorded, or does not follow event {reached}"
                findings.append(Finding("log", "changed", event.event_id, said))
            reached, previous = event.event_id, event.digest
        events += len(page)
        progress(reached, reached)
    return ChainReport(events, reached, previous.hex(), tuple(findings))
