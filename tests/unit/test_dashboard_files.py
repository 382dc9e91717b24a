"""The files of the page fit together."""

import re

from api.dashboard.files import read_files


def test_the_page_asks_for_every_module_at_once() -> None:
    files = read_files()
    page = files["index.html"].body.decode()
    asked = re.findall(r'(?:modulepreload" href|module" src)="/dashboard/([a-z]+\.js)"', page)
    assert sorted(asked) == sorted(name for name in files if name.endswith(".js"))
