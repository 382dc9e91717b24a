"""What a window was told of a hub that is away is remembered without the hub."""

from pathlib import Path

from arc.hub_away import forget, is_news


def test_an_outage_is_news_once_until_the_hub_has_answered(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert is_news(folder, "s")
    assert not is_news(folder, "s")
    assert is_news(folder, "another")
    forget(folder, "s")
    assert is_news(folder, "s")
    assert not is_news(folder, "another")


def test_it_is_news_each_time_where_nothing_can_be_noted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, session in ((None, "s"), (str(tmp_path), ""), (str(tmp_path / "file"), "s")):
        assert is_news(folder, session)
        assert is_news(folder, session)
        forget(folder, session)


def test_the_session_itself_is_not_kept(tmp_path: Path) -> None:
    is_news(str(tmp_path), "a-session-that-is-nobodys-business")
    (kept,) = tmp_path.iterdir()
    assert "session" not in kept.name
    assert kept.read_bytes() == b""
