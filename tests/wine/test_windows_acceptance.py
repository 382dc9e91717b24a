"""The acceptance tests of the command, with the command on Windows."""

from types import ModuleType
from typing import Final

import pytest

from tests.acceptance import (
    test_cli_agent,
    test_cli_ensure,
    test_cli_serve,
    test_cli_stop,
    test_network_options,
    test_which_hub,
)

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

MODULES: Final[tuple[ModuleType, ...]] = (
    test_cli_agent,
    test_cli_ensure,
    test_cli_serve,
    test_cli_stop,
    test_network_options,
    test_which_hub,
)
ALL: Final = {name: test for module in MODULES for name, test in vars(module).items() if name.startswith("test_")}
A_FIXTURE: Final = type(pytest.fixture(lambda: None))
FIXTURES: Final = {name: one for module in MODULES for name, one in vars(module).items() if isinstance(one, A_FIXTURE)}
FOR_LINUX_ALONE: Final = frozenset(
    {
        "test_a_client_finds_a_hub_that_came_back_on_another_port",
        "test_a_folder_below_means_the_storage_above_whether_its_hub_runs_or_not",
        "test_a_folder_below_shares_the_hub_of_the_folder_above",
        "test_a_hub_of_011_is_named_and_can_be_stopped",
        "test_a_hub_whose_storage_was_deleted_is_none_that_runs",
        "test_a_hub_whose_storage_was_taken_away_is_told_of_and_can_be_stopped",
        "test_a_note_that_is_left_over_starts_a_new_hub",
        "test_a_relay_that_cannot_serve_is_one_line",
        "test_a_repository_below_another_folder_with_a_storage_is_a_project_of_its_own",
        "test_all_working_trees_and_folders_of_a_repository_share_one_hub",
        "test_in_a_repository_the_hub_keeps_its_files_out_of_sight_and_says_so_once",
        "test_a_start_that_finds_its_port_taken_takes_the_next_and_says_so",
        "test_a_started_hub_stands_on_its_own",
        "test_a_storage_elsewhere_is_not_mistaken_for_that_of_the_working_directory",
        "test_a_storage_that_cannot_be_is_one_line",
        "test_a_token_that_others_can_read_is_refused",
        "test_an_mcp_server_speaks_to_the_hub_of_its_folder",
        "test_beside_a_hub_that_gives_no_answer_none_is_started",
        "test_beside_a_hub_that_is_stopped_none_is_started_and_its_process_is_named_at_once",
        "test_ensure_names_the_token_s_file_and_the_line_for_a_client",
        "test_ensure_starts_a_hub_once_and_leaves_a_note_for_its_owner",
        "test_folders_of_a_storage_and_a_spool_are_made_for_their_owner",
        "test_stop_answers_who_waits_and_returns_when_the_port_is_closed",
        "test_stop_says_that_another_hub_of_the_storage_goes_on",
        "test_the_hub_of_a_stopped_project_is_never_taken_for_anothers",
        "test_the_hub_of_a_storage_is_found_by_a_link_to_it",
        "test_the_hub_of_another_storage_on_the_port_is_an_error_that_names_it",
        "test_the_notes_of_two_hubs_on_a_storage_leave_each_other_alone",
        "test_two_projects_side_by_side_each_speak_to_their_own_hub",
        "test_what_a_hub_saved_when_its_storage_was_deleted_is_not_cleaned_away",
    }
)
"""What they say is of paths, signals, modes and errors of Linux, or of a client there that is to find the note."""

globals().update({name: test for name, test in ALL.items() if name not in FOR_LINUX_ALONE})
globals().update(FIXTURES)


def test_what_is_left_out_is_there() -> None:
    assert set(ALL) >= FOR_LINUX_ALONE
