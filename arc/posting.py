"""Messages, as an agent posts them: to a channel, or to one agent; and saying that one was taken up."""

from __future__ import annotations

from arc.reader import Reader
from arc.urls import segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc.shapes import Channel, Message


class Posting(Reader):
    """The calls that post; `ArcClient` has them all."""

    def create_channel(self, name: str, *, metadata: dict[str, Any] | None = None) -> Channel:
        """Make a channel; one that exists is returned as it is."""
        channel: Channel = self._change("channels", {"name": name, "created_by": self.agent_id}, {"metadata": metadata})
        return channel

    def post(
        self,
        channel: str,
        body: str,
        *,
        kind: str = "chat",
        thread_id: str | None = None,
        to_agent: str | None = None,
        attachments: list[dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        reply_to: int | None = None,
        parent_task_id: int | None = None,
        ack: bool = False,
        ack_within_sec: float | None = None,
        urgent: bool = False,
        allow_secret: bool = False,
    ) -> Message:
        """Post a message: to everybody in the channel, or with `to_agent` to one agent.

        Args:
            channel: an existing channel; for a direct message only a label.
            body: the text; may be empty if there are attachments.
            kind: `chat`, `notice`, `task`, `claim`, `release`, `artifact`, `task_request` or `task_result`.
                `task` and `task_request` open a task, a `task_result` completes the request that it replies to.
            thread_id: the thread that it belongs to.
            to_agent: the only agent that gets it.
            attachments: dicts with a `type`: `text`, `json` or `code` with `content`, `file_ref` or `diff_ref` with
                `path`.
            metadata: whatever else belongs to it.
            reply_to: the id of the message that it answers.
            parent_task_id: the task that the new task is part of.
            ack: whether `to_agent` is to acknowledge it; `receipts` tells whether it did.
            ack_within_sec: the same, within this many seconds.
            urgent: whether it is urgent.
            allow_secret: whether it may hold what is a key for certain.
        """
        fields: dict[str, Any] = {"ack": ack or None, "ack_within_sec": ack_within_sec}
        fields["urgency"] = "urgent" if urgent else None
        fields["allow_secret"] = allow_secret or None
        fields |= {"thread_id": thread_id, "to_agent": to_agent, "attachments": attachments}
        fields |= {"metadata": metadata, "reply_to": reply_to, "parent_task_id": parent_task_id}
        required = {"from_agent": self.agent_id, "channel": channel, "kind": kind, "body": body}
        message: Message = self._change("messages", required, fields)
        return message

    def dm(
        self,
        to_agent: str,
        body: str,
        *,
        channel: str = "direct",
        kind: str = "chat",
        thread_id: str | None = None,
        attachments: list[dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        reply_to: int | None = None,
        parent_task_id: int | None = None,
        ack: bool = False,
        ack_within_sec: float | None = None,
        urgent: bool = False,
    ) -> Message:
        """Post a message to one agent; the rest is as in `post`."""
        return self.post(
            channel,
            body,
            kind=kind,
            thread_id=thread_id,
            to_agent=to_agent,
            attachments=attachments,
            metadata=metadata,
            reply_to=reply_to,
            parent_task_id=parent_task_id,
            ack=ack,
            ack_within_sec=ack_within_sec,
            urgent=urgent,
        )

    def acknowledge(self, *message_ids: int) -> list[int]:
        """Say that this agent has taken up messages that ask for it; the ids of those that were not before."""
        told = self._change(f"inbox/{segment(self.agent_id)}/ack", {"ids": list(message_ids)})
        new: list[int] = told["acknowledged"]
        return new
