"""Random histories of messages that want an acknowledgement, of cursors, wakes and tokens."""

from hypothesis import strategies as st

from arclog.deciders.cursors import MoveCursors
from arclog.deciders.messages import PostMessage
from arclog.deciders.receipts import AcknowledgeMessages
from arclog.deciders.tokens import IssueToken, RevokeToken
from arclog.deciders.wakes import AcknowledgeWake, ReportWake, RequestWake
from arclog.events import CursorPosition
from projections.hub.command_handlers import Command
from tests.property.histories import AGENTS, Step, steps

_agents = st.sampled_from(AGENTS)
_letters: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        PostMessage,
        from_agent=_agents,
        to_agent=_agents,
        body=st.just("for you"),
        ack=st.just(True),
        ack_within_sec=st.sampled_from((None, 10, 100)),
        urgency=st.sampled_from(("normal", "urgent")),
    ),
    st.builds(
        PostMessage,
        from_agent=_agents,
        to_agent=st.sampled_from((*AGENTS, None)),
        body=st.just("thanks"),
        reply_to=st.integers(0, 4),
    ),
    st.builds(AcknowledgeMessages, agent_id=_agents, ids=st.lists(st.integers(0, 4), min_size=1, max_size=3)),
    st.builds(
        MoveCursors,
        positions=st.builds(
            lambda agent, name, place: (CursorPosition(agent, name, place),),
            _agents,
            st.sampled_from(("poll", "x")),
            st.integers(0, 9),
        ),
    ),
)
_calls: st.SearchStrategy[Command] = st.one_of(
    st.builds(RequestWake, agent_id=_agents, from_agent=_agents),
    st.builds(
        ReportWake,
        agent_id=_agents,
        wake_id=st.integers(0, 2),
        turn=st.sampled_from(("harness", "watch")),
        road=st.just("claude-inbox"),
        failed=st.sampled_from((None, "refused")),
    ),
    st.builds(AcknowledgeWake, agent_id=_agents, wake_id=st.integers(0, 2)),
    st.builds(
        IssueToken, agent_id=st.sampled_from(("x", "y")), token_sha256=st.sampled_from(("ab" * 32, "cd" * 32, "no"))
    ),
    st.builds(RevokeToken, token_id=st.sampled_from(("ab" * 6, "cd" * 6, "no"))),
)
_steps: st.SearchStrategy[Step] = st.one_of(_letters, _letters, _calls, steps)


def letter_histories(most: int = 40) -> st.SearchStrategy[list[Step]]:
    """Histories of messages that want an acknowledgement, cursors, wakes and tokens."""
    return st.lists(_steps, min_size=1, max_size=most)
