"""Limits and defaults that several layers share, each written once.

It imports nothing, so that a command may read its defaults before it loads anything else.
"""

# A message ----------------------------------------------------------------------------------------------------------

MAX_BODY_CHARS = 128_000
MAX_ATTACHMENT_CHARS = 256_000
"""Characters of one attachment's JSON."""
MAX_ATTACHMENTS = 32

# Time ---------------------------------------------------------------------------------------------------------------

MICROSECONDS = 1_000_000
"""In a second."""
MIN_PRESENCE_TTL_SEC = 5
PRESENCE_TTL_SEC = 120.0
"""How long an agent may be silent before its session ends."""
MIN_TTL_SEC = 5
TTL_SEC = 300
"""How long a lease lasts."""
MAX_TTL_SEC = 10 * 365 * 86_400
"""What may be asked for; it gets no more than a day."""
LONGEST_LEASE_SEC = 86_400
SHUTDOWN_DELAY_SEC = 60
MAX_WAIT_SEC = 60.0
"""How long a poll waits at most, and a call for a claim or a lock."""
PLACE_KEPT_SEC = 20
"""How long a place in the queue outlives the call that waited at it, so that another can go on."""

BUSY_SEC = 10.0
"""How long a writer waits for another process that holds the log's lock."""

# Answers ------------------------------------------------------------------------------------------------------------

PAGE_ROWS = 100
"""How many rows a page has, unless more or fewer are asked for."""
MAX_PAGE_ROWS = 500
ANSWER_BYTES = 1_000_000
"""How many bytes an answer has at most, unless more or fewer are asked for; a row that is longer comes alone."""
MAX_ANSWER_BYTES = 16_000_000

HEARTBEAT_SEC = 10.0
"""How long a stream is silent at most: so often it shows each side that the other is there."""
LEFT_AFTER_SEC = 20.0
"""How long after its stream an MCP host may open another, or ask for something, before it counts as gone."""

# The relay ----------------------------------------------------------------------------------------------------------

RELAY_POLL_INTERVAL_SEC = 0.25
"""The longest pause between two looks at the relay's folder."""
RELAY_REQUEST_TIMEOUT_SEC = 30.0
"""How long the hub may take for a request of the relay, beyond what a poll waits."""

# Addresses ----------------------------------------------------------------------------------------------------------

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
"""What a machine calls itself."""
