"""Every command there is."""

from __future__ import annotations

from cli.dispatch import Command, Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from cli.dispatch import Commands

FOREGROUND: Final = Command("cli.hubs.serve", "run a hub and its relay in the foreground")

LOG: Final[Commands] = {
    "show": Command("cli.log.show", "print events, or one event with everything that it changed"),
    "tail": Command("cli.log.tail", "print the newest events, and with -f those that follow"),
    "blame": Command("cli.log.blame", "print who held a lock, a claim or a task, and who was refused meanwhile"),
    "diff": Command("cli.log.diff", "print what changed between two moments, or since an agent was last there"),
    "seen": Command("cli.log.seen", "print what an agent could see at a moment"),
    "stats": Command("cli.log.stats", "count events by type and agent, with their sizes and rates"),
    "erase": Command("cli.log.erase", "take the texts of events out of the log, and every copy that can be reached"),
    "anchor": Command("cli.log.anchor", "keep the newest digest outside the storage, so that a rewritten log shows"),
    "verify": Command("cli.log.verify", "check that a log, and all that follows from it, is what was written"),
    "repair": Command("cli.log.repair", "rebuild the tables that do not follow from the log, while hubs run"),
    "replay": Command("cli.log.replay", "make every table again from the log, and compare or keep them"),
    "export": Command("cli.log.export", "write the log as JSON Lines that anybody can verify"),
    "import": Command("cli.log.importing", "bring an export, or a database of Arc 0.1.1, into a new log"),
    "backup": Command("cli.log.backup", "copy the storage while its hub runs"),
    "restore": Command("cli.log.restore", "make a new storage from a backup"),
    "create": Command("cli.log.create", "make a log on PostgreSQL, for hubs on several machines"),
    "copy": Command("cli.log.copy", "copy a log between storages and PostgreSQL, byte for byte"),
    "fork": Command("cli.log.fork", "make a new storage with the first events of another"),
}

TASK: Final[Commands] = {
    "add": Command("cli.task.add", "open a task"),
    "next": Command("cli.task.next", "take the next task that is ready, with the lease on it"),
    "done": Command("cli.task.actions:DONE", "say that a task is done"),
    "fail": Command("cli.task.actions:FAIL", "say that a task cannot be done"),
    "cancel": Command("cli.task.actions:CANCEL", "say that a task need not be done any more"),
    "reopen": Command("cli.task.actions:REOPEN", "open a finished task again"),
    "assign": Command("cli.task.actions:ASSIGN", "say which agent alone is to do a task"),
    "handover": Command("cli.task.actions:HANDOVER", "give a task that one has to another agent"),
    "show": Command("cli.read.work:TASK", "print one task, and why it is not ready"),
    "list": Command("cli.read.work:TASKS", "print the tasks as a tree"),
    "ready": Command("cli.read.work:READY", "print the tasks that can be done now, the next one first"),
}

TOKEN: Final[Commands] = {
    "issue": Command("cli.tokens.issue", "make a token for an agent; from then on only its holder may use the name"),
    "list": Command("cli.read.views:TOKENS", "print the issued tokens, without their secrets"),
    "revoke": Command("cli.tokens.revoke", "revoke a token"),
}

COMMANDS: Final[Commands] = {
    "ensure": Command("cli.hubs.ensure", "start a hub in the background, unless one runs"),
    "stop": Command("cli.hubs.stop", "stop the hub of a storage"),
    "reset": Command("cli.hubs.reset", "stop the hub of a storage and delete its database"),
    "setup": Command("cli.setup.command", "prepare a repository for agents, or undo that"),
    "doctor": Command("cli.doctor.command", "check everything, and say how to fix what does not work"),
    "post": Command("cli.post", "post a message"),
    "poll": Command("cli.poll", "print the messages for an agent, and wait if there are none"),
    "lock": Command("cli.leases.lock", "ask for the lock on files, folders or patterns"),
    "unlock": Command("cli.leases.giving:UNLOCK", "give a lock back"),
    "claim": Command("cli.leases.claim", "ask for a piece of work"),
    "release": Command("cli.leases.giving:RELEASE", "give a piece of work back"),
    "refresh": Command("cli.leases.giving:REFRESH", "keep a lock or a claim longer"),
    "with": Command("cli.leases.with_leases", "run a command while holding locks and claims"),
    "ask": Command("cli.ask", "ask a person a question"),
    "questions": Command("cli.read.questions:QUESTIONS", "print the questions that agents asked a person"),
    "answer": Command("cli.answer", "answer a question that an agent asked a person"),
    "ack": Command("cli.ack", "acknowledge messages that ask for it"),
    "wake": Command("cli.wake", "have an agent called that may be idle"),
    "watch": Command("cli.watch", "run a command for each event, or print them as they happen"),
    "whoami": Command("cli.whoami", "print what a hub knows of an agent"),
    "agents": Command("cli.read.views:AGENTS", "print the agents that are there, or were at any moment"),
    "channels": Command("cli.read.views:CHANNELS", "print the channels"),
    "messages": Command("cli.read.views:MESSAGES", "print what was said in a channel or a thread"),
    "search": Command("cli.read.views:SEARCH", "search messages by their words"),
    "inbox": Command("cli.read.views:INBOX", "print what was said to one agent alone"),
    "receipts": Command("cli.read.views:RECEIPTS", "print which messages are not acknowledged yet"),
    "digest": Command("cli.read.work:DIGEST", "print what changed while an agent was away"),
    "threads": Command("cli.read.views:THREADS", "print a summary of each thread"),
    "thread": Command("cli.read.views:THREAD", "print one thread with everything in it"),
    "claims": Command("cli.read.views:CLAIMS", "print who does which piece of work"),
    "locks": Command("cli.read.views:LOCKS", "print who edits which file"),
    "wakes": Command("cli.read.views:WAKES", "print which agents were called, and whether they were seen"),
    "queue": Command("cli.read.views:QUEUE", "print who waits for which lock, and for which agent"),
    "tasks": Command("cli.read.work:TASKS", "print the tasks, open and done, as a tree"),
    "task": Group(TASK, "open, take and finish tasks"),
    "log": Group(LOG, "read, verify and move the log"),
    "token": Group(TOKEN, "bind agents' names to tokens"),
    "relay": Command("cli.relay", "carry requests between files and a hub"),
    "hook": Command("cli.hook", "answer a coding agent's hook; its configuration calls this"),
    "mcp": Command("cli.mcp", "offer an agent's tools to an MCP host over the standard streams"),
    "bench": Command("cli.bench.command", "measure this machine and its disk for ten seconds"),
    "help": Command("cli.help", "print a page of the documentation, or what a command takes"),
    "completion": Command("cli.completion.command", "print the script that lets a shell complete this command"),
    "smoke": Command("cli.smoke", "let three agents meet, over HTTP and the relay, and report whether it works"),
    "smoke-agent": Command("cli.smoke_agent", "play one role of the smoke test"),
}
