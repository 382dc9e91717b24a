"""The files for those who run a hub as a service can be read by what reads them."""

import configparser
import plistlib

from tests.support.hub_process import CHECKOUT

SERVICES = CHECKOUT / "docs" / "examples" / "services"
PAGE = CHECKOUT / "docs" / "how-to" / "run-as-a-service.md"


def test_the_agent_for_launchd_starts_a_hub_in_a_folder_and_again_after_a_crash() -> None:
    agent = plistlib.loads((SERVICES / "arc.plist").read_bytes())
    assert agent["ProgramArguments"][1:] == ["--quiet"]
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["WorkingDirectory"] == "/Users/you/project"


def test_the_unit_for_systemd_starts_a_hub_in_the_folder_of_its_name_and_again_after_a_crash() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]  # names of options keep their case
    unit.read(SERVICES / "arc@.service")
    assert unit["Service"]["WorkingDirectory"] == "%f"
    assert unit["Service"]["ExecStart"] == "%h/.local/bin/arc --quiet"
    assert unit["Service"]["Restart"] == "on-failure"


def test_the_page_shows_both_as_they_are_for_whoever_has_no_checkout() -> None:
    page = PAGE.read_text()
    assert [file.name for file in SERVICES.iterdir() if f"\n{file.read_text()}```\n" not in page] == []
