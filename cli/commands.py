"""Every command there is."""

from typing import Final

from cli.dispatch import Command, Commands, Group

FOREGROUND: Final = Command("cli.serve", "run a hub and its relay in the foreground")

LOG: Final[Commands] = {
    "show": Command("cli.log.show", "print events"),
    "replay": Command("cli.log.replay", "rebuild every table from the log beside the live ones, and compare"),
    "verify": Command("cli.log.verify", "check the chain of the log"),
    "import": Command("cli.log.importing", "bring a database of Arc 0.1.1 into a new log"),
}

COMMANDS: Final[Commands] = {
    "ensure": Command("cli.ensure", "start a hub in the background, unless one runs"),
    "stop": Command("cli.stop", "stop the hub of a storage"),
    "reset": Command("cli.reset", "stop the hub of a storage and delete its database"),
    "post": Command("cli.post", "post a message"),
    "poll": Command("cli.poll", "print the messages that an agent may see, waiting for the first"),
    "whoami": Command("cli.whoami", "print what a hub knows of an agent"),
    "log": Group(LOG, "look into the log, check it, bring an old database into it"),
    "relay": Command("cli.relay", "carry requests between files and a hub"),
    "mcp": Command("cli.mcp", "offer an agent's tools to an MCP host over the standard streams"),
    "smoke-agent": Command("cli.smoke_agent", "play one role of the smoke test"),
}
