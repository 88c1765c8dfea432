"""scripts/release_check.py: each check fails where it should. tests/install/ runs it on the installed packages."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from notifygate import __version__
from scripts import release_check
from scripts.release_check import (
    LICENCES,
    CheckError,
    check_licences,
    check_npm,
    check_versions,
    npm_packages,
    npm_version,
)
from tests.support.source import REPOSITORY

OPENAPI = "notifygate/endpoints/openapi.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files that contain the version."""
    for path in (
        REPOSITORY / "CHANGELOG.md",
        REPOSITORY / OPENAPI,
        *(folder / "package.json" for folder in npm_packages()),
    ):
        copy = tmp_path / path.relative_to(REPOSITORY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def release(project: Path, version: str, date: str) -> None:
    """Give a copy the version of a release, everywhere."""
    unreleased = __version__.partition(".dev")[0]
    edit(project / "CHANGELOG.md", f"## [{unreleased}] – unreleased", f"## [{version.partition('.dev')[0]}] – {date}")
    edit(project / OPENAPI, f'"version": "{__version__}"', f'"version": "{version}"')
    for folder in npm_packages(project):
        edit(folder / "package.json", f'"{npm_version(__version__)}"', f'"{npm_version(version)}"')


def test_this_checkout_has_one_version_and_no_folder_that_can_be_published_by_mistake() -> None:
    assert check_versions().startswith(f"{__version__}, everywhere")
    assert (npm_version("1.2.3"), npm_version("1.2.3.dev4")) == ("1.2.3", "1.2.3-dev.4")
    for folder in npm_packages():
        assert json.loads((folder / "package.json").read_text())["private"] is True, folder


@pytest.mark.parametrize(
    ("version", "date", "message"),
    [
        ("3.1.4", "unreleased", "a release has a date"),
        ("3.1.4.dev0", "2026-12-24", "a version .devN is 'unreleased'"),
        ("3.1", "2026-12-24", "neither X.Y.Z nor X.Y.Z.devN"),
    ],
)
def test_changelog_and_version_have_to_agree(project: Path, version: str, date: str, message: str) -> None:
    with pytest.raises(CheckError, match=r"the newest heading must be ## \[9\.9\.9\]"):
        check_versions(project, "9.9.9")
    release(project, version, date)
    with pytest.raises(CheckError, match=message):
        check_versions(project, version)


def test_file_with_the_old_version_is_found(project: Path) -> None:
    files = [project / OPENAPI, *(folder / "package.json" for folder in npm_packages(project))]
    before = {file: file.read_bytes() for file in files}
    release(project, "3.1.4", "2026-12-24")
    assert check_versions(project, "3.1.4") == "3.1.4, everywhere"
    for file, old in before.items():
        new = file.read_bytes()
        file.write_bytes(old)
        with pytest.raises(CheckError, match=r"not 3\.1\.4"):
            check_versions(project, "3.1.4")
        file.write_bytes(new)


def component(*licences: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"name": "something", "licenses": list(licences)}]}


@pytest.mark.parametrize(
    ("sbom", "is_accepted"),
    [
        (component({"license": {"id": "MIT"}}), True),
        (component({"expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}), True),
        (component({"license": {"id": "MIT"}}, {"license": {"name": "some text", "text": {}}}), True),
        (component(), False),
        (component({"license": {"id": "AGPL-3.0-only"}}), False),
        (component({"license": {"name": "Commercial, ask us"}}), False),
        (component({"expression": "MIT AND GPL-3.0-or-later"}), False),
    ],
)
def test_only_accepted_licences_pass(sbom: dict[str, Any], is_accepted: bool) -> None:
    if is_accepted:
        assert "MIT" in check_licences(sbom)
    else:
        with pytest.raises(CheckError, match="something"):
            check_licences(sbom)


def test_licence_that_requires_more_than_a_notice_has_a_reason() -> None:
    for licence, reason in LICENCES.items():
        assert bool(reason) == licence.startswith(("LGPL", "MPL", "GPL", "EPL")), licence


def test_npm_packages_that_were_checked_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks themselves are run by `make client-packages-check`."""
    dist, names = tmp_path / "dist", ["notifygate-1.2.3.tgz", "notifygate-angular-1.2.3.tgz"]

    def pack(command: list[Path | str], folder: Path) -> str:
        assert (command, folder) == ([tmp_path / "scripts" / "client", "check-packages"], tmp_path)
        built = tmp_path / "clients" / "js" / "dist"
        built.mkdir(parents=True)
        for name in names:
            (built / name).write_bytes(bytes(2048))
        return ""

    dist.mkdir()
    monkeypatch.setattr(release_check, "REPOSITORY", tmp_path)
    monkeypatch.setattr(release_check, "DIST", dist)
    monkeypatch.setattr(release_check, "run", pack)
    assert check_npm() == ", ".join(f"{name} (2 KiB)" for name in names)
    assert sorted(path.name for path in dist.iterdir()) == names
