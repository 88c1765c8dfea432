"""The wheel and the sdist: their content, and that the same files always give the same bytes."""

import email
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from notifygate import __version__
from tests.support.packaging import build, copy_project
from tests.support.requirement_files import wanted
from tests.support.source import REPOSITORY, files

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def sdist(project: Path) -> Path:
    return build(project, "sdist")


@pytest.fixture(scope="module")
def wheel(project: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(project, "wheel"))


def names_below(folder: str) -> set[str]:
    return {path.relative_to(REPOSITORY).as_posix() for path in files() if path.is_relative_to(REPOSITORY / folder)}


def test_wheel_contains_the_package_and_the_files_beside_it(wheel: zipfile.ZipFile) -> None:
    beside = {f"notifygate/program/{name}" for name in (*names_below("migrations"), "gunicorn.conf.py", "wsgi.py")}
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == names_below("notifygate") | beside
    assert {"notifygate/web/static/notifygate.js", "notifygate/program/migrations/env.py"} <= names


def test_wheel_has_its_requirements(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(wheel.read(name))
    required = {line.partition("==")[0].partition("[")[0].lower() for line in metadata.get_all("Requires-Dist", [])}
    assert required == set(wanted("requirements.in"))
    assert (metadata["Version"], metadata["License-Expression"]) == (__version__, "MIT")
    assert metadata["Requires-Python"] == ">=3.11"
    (scripts,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert b"notifygate = notifygate.cli:main" in wheel.read(scripts)


def test_sdist_contains_every_file_and_no_other(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names - {"PKG-INFO"} == {path.relative_to(REPOSITORY).as_posix() for path in files()}


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_same_files_give_the_same_bytes(target: str, wheel: zipfile.ZipFile, sdist: Path, tmp_path: Path) -> None:
    """In another folder, with other times and modes, and at another time."""
    other = copy_project(tmp_path / "elsewhere")
    for number, path in enumerate(sorted(other.rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
    first = sdist if target == "sdist" else Path(wheel.filename or "")
    second = build(other, target)
    assert second.name == first.name
    assert second.read_bytes() == first.read_bytes()


def test_sdist_gives_the_same_wheel(sdist: Path, wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    assert build(project, "wheel").read_bytes() == Path(wheel.filename or "").read_bytes()
