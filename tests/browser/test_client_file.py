"""The client's files: how they are served, and how they are described.

That they are ES5, loadable in every way, built from their sources and small enough is checked by `make client-check`.
"""

import json
import re

from notifygate import __version__
from notifygate.api.static_files import FOLDER, hashed_name
from scripts.release_check import npm_version
from tests.browser.front import Front
from tests.browser.tab import open_tab
from tests.support.browser import NewDevice
from tests.support.site import Site, new_session

CLIENT = FOLDER / "notifygate.js"
SOURCES = FOLDER.parents[2] / "clients" / "js" / "packages" / "notifygate" / "src" / "core"

PROPERTIES = {"counts", "cursor", "state"}


def test_file_is_cached_for_ever_under_its_hash_and_revalidated_without_it(site: Site) -> None:
    session = new_session()
    plain = session.get(f"{site.url}/static/notifygate/notifygate.js", timeout=30)
    hashed = session.get(f"{site.url}/static/notifygate/{hashed_name('notifygate.js')}", timeout=30)
    assert plain.content == hashed.content == CLIENT.read_bytes()
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert plain.headers["Cache-Control"] == "no-cache"
    assert "immutable" in hashed.headers["Cache-Control"]
    again = session.get(plain.url, headers={"If-None-Match": plain.headers["ETag"]}, timeout=30)
    assert again.status_code == 304
    uncompressed = session.get(plain.url, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert (plain.headers["Content-Encoding"], uncompressed.headers.get("Content-Encoding")) == ("gzip", None)
    assert uncompressed.content == CLIENT.read_bytes()
    assert uncompressed.headers["ETag"] != plain.headers["ETag"]
    for answer in (plain, uncompressed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_manual_and_types_name_every_option_event_and_method_of_the_client(front: Front, new_device: NewDevice) -> None:
    tab = open_tab(new_device(), front)
    members_of_client = set(tab.page.evaluate("Object.keys(new Notifygate({token: 'none'}))"))
    manual = (FOLDER / "README.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.ts"))
    types = (FOLDER / "index.d.ts").read_text(encoding="utf-8")
    members = types[types.index("declare class") : types.index("declare namespace")]
    described = set(re.findall(r"^    (\w+)(?:<[^(]*>)?\(", members, re.M)) - {"constructor"}
    assert described == members_of_client - PROPERTIES
    assert set(re.findall(r"^    (\w+):", members, re.M)) == PROPERTIES
    for method in described:
        assert re.search(rf"\b{method}\b", manual), f"the manual doesn't name {method}"
    options = types[types.index("interface Options") :]
    named = set(re.findall(r"^        (\w+)\?:", options[: options.index("\n    }")], re.M))
    assert named == set(re.findall(r"\boptions\.(\w+)", code))
    assert all(re.search(rf"\b{option}\b", manual) for option in named)
    events = types[types.index("interface Events") :]
    event_names = set(re.findall(r"^        (\w+): \(", events[: events.index("\n    }")], re.M))
    assert event_names == set(re.findall(r"emit\(core, '(\w+)'", code))
    assert all(re.search(rf"\b{event}\(", manual) for event in event_names)


def test_npm_package_is_complete_and_of_the_gateways_version() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == npm_version(__version__)
    # npm adds these two by itself.
    assert {*package["files"], "package.json", "README.md"} == {path.name for path in FOLDER.iterdir()}
    assert {package["main"], package["types"], package["style"]} <= set(package["files"])
