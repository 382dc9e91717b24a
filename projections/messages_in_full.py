"""Messages with all that they say, for a database of tables without the log: `arc log replay --into` makes one."""

from typing import Final

from arclog.codec import Fact
from arclog.events import MessagePosted, TasksOpened
from arclog.notices import CARRIERS
from projections.encoding import encode_json
from projections.messages import SQL, messages_of
from projections.projector import Projector, Writer


def _write_in_full(writer: Writer, event: Fact, _data: object) -> None:
    for message in messages_of(event):
        attachments, metadata = encode_json(message.attachments).decode(), encode_json(message.metadata).decode()
        row = (message.id, message.ts, message.from_agent, message.to_agent, message.channel, message.kind)
        writer.write(
            SQL["write_in_full"], (*row, message.body, attachments, message.reply_to, message.thread_id, metadata)
        )


IN_FULL: Final = Projector(
    name="messages_in_full",
    version=1,
    tables=("messages",),
    schema=SQL["schema_in_full"],
    indexes=SQL["indexes_in_full"],
    handlers=dict.fromkeys((MessagePosted, TasksOpened, *CARRIERS), _write_in_full),
)
