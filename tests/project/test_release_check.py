"""scripts/release_check.py: each check fails where it should. tests/install/ runs it on what is installed there."""

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
    """A folder with the files in which a version stands."""
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


def test_this_checkout_has_one_version() -> None:
    assert check_versions().startswith(f"{__version__}, everywhere")


def test_release_has_one_version_and_a_date(project: Path) -> None:
    release(project, "3.1.4", "2026-12-24")
    assert check_versions(project, "3.1.4") == "3.1.4, everywhere"


@pytest.mark.parametrize(
    ("version", "date", "message"),
    [
        ("3.1.4", "unreleased", "a release has a date"),
        ("3.1.4.dev0", "2026-12-24", "a version .devN is 'unreleased'"),
        ("3.1", "2026-12-24", "neither X.Y.Z nor X.Y.Z.devN"),
    ],
)
def test_changelog_and_version_have_to_agree(project: Path, version: str, date: str, message: str) -> None:
    release(project, version, date)
    with pytest.raises(CheckError, match=message):
        check_versions(project, version)


@pytest.mark.parametrize(
    "file", [OPENAPI, *(f"{folder.relative_to(REPOSITORY)}/package.json" for folder in npm_packages())]
)
def test_version_that_was_forgotten_is_found(project: Path, file: str) -> None:
    before = (project / file).read_bytes()
    release(project, "3.1.4", "2026-12-24")
    (project / file).write_bytes(before)
    with pytest.raises(CheckError, match=r"not 3\.1\.4"):
        check_versions(project, "3.1.4")


def test_newest_heading_of_the_changelog_is_the_one_that_counts(project: Path) -> None:
    with pytest.raises(CheckError, match=r"the newest heading must be ## \[9\.9\.9\]"):
        check_versions(project, "9.9.9")


@pytest.mark.parametrize(("version", "npm"), [("1.2.3", "1.2.3"), ("1.2.3.dev4", "1.2.3-dev.4")])
def test_npm_has_its_own_way_to_write_a_version(version: str, npm: str) -> None:
    assert npm_version(version) == npm


def component(*licences: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"name": "something", "licenses": list(licences)}]}


@pytest.mark.parametrize(
    "sbom",
    [
        component({"license": {"id": "MIT"}}),
        component({"expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}),
        component({"license": {"id": "MIT"}}, {"license": {"name": "some text", "text": {}}}),
    ],
)
def test_accepted_licences(sbom: dict[str, Any]) -> None:
    assert "MIT" in check_licences(sbom)


@pytest.mark.parametrize(
    "sbom",
    [
        component(),
        component({"license": {"id": "AGPL-3.0-only"}}),
        component({"license": {"name": "Commercial, ask us"}}),
        component({"expression": "MIT AND GPL-3.0-or-later"}),
    ],
)
def test_licence_that_nobody_has_accepted(sbom: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match="something"):
        check_licences(sbom)


def test_licence_that_asks_for_more_than_a_notice_has_a_reason() -> None:
    for licence, reason in LICENCES.items():
        assert bool(reason) == licence.startswith(("LGPL", "MPL", "GPL", "EPL")), licence


def test_npm_packages_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_check, "DIST", tmp_path)
    version = npm_version(__version__)
    packed = [f"notifygate-{version}.tgz", f"notifygate-angular-{version}.tgz"]
    assert [part.partition(" ")[0] for part in check_npm().split(", ")] == packed
    assert sorted(path.name for path in tmp_path.iterdir()) == packed


def test_no_folder_can_be_published_by_mistake() -> None:
    for folder in npm_packages():
        assert json.loads((folder / "package.json").read_text())["private"] is True, folder
