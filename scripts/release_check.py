"""Checks whether this checkout can be released, and puts what is released into `dist/`. Run by `make release-check`.

| check | what it ensures |
|---|---|
| versions | one version in the package, the changelog, openapi.json and the npm packages |
| wheel, sdist | two builds give the same bytes |
| installation | the wheel and its locked dependencies work in an empty environment |
| SBOM | a list of what that environment holds, in CycloneDX (https://cyclonedx.org/specification/overview/) |
| licences | each dependency has one that lets the gateway be used as MIT lets it |
| npm | the packages are built, packed, and accepted by publint and attw |
| docs | links, settings, commands and references in the documents are true |

Nothing is uploaded.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from notifygate import __version__

REPOSITORY = Path(__file__).resolve().parents[1]
DIST = REPOSITORY / "dist"
BIN = Path(sys.executable).parent

LICENCES = {
    "MIT": "",
    "MIT-0": "",
    "BSD-2-Clause": "",
    "BSD-3-Clause": "",
    "Apache-2.0": "",
    "PSF-2.0": "",
    "ZPL-2.1": "",
    "License :: OSI Approved :: BSD License": "",  # older metadata, without the number of clauses
    "LGPL-3.0-only": "psycopg: imported as it is, and replaceable, as the licence asks",
    "MPL-2.0": "orjson: its own files stay as they are",
}
"""SPDX identifiers that are accepted, or classifiers where a package has no other, with the reason where a licence asks
for more than a notice."""


class CheckError(Exception):
    """What keeps this checkout from being released."""


def npm_version(version: str) -> str:
    """Return a version of PEP 440 as npm writes it: 0.2.0.dev1 is 0.2.0-dev.1."""
    return re.sub(r"\.dev(\d+)$", r"-dev.\1", version)


def npm_packages(repository: Path = REPOSITORY) -> list[Path]:
    """Return the folders with a package.json that has a version: the npm packages, and the files that pages load."""
    return [*sorted((repository / "clients/js/packages").iterdir()), repository / "notifygate/web/static"]


def check_versions(repository: Path = REPOSITORY, version: str = __version__) -> str:
    """Return what kind of version this is. Raises CheckError where two places differ."""
    found = re.fullmatch(r"(\d+\.\d+\.\d+)(\.dev\d+)?", version)
    if not found:
        raise CheckError(f"notifygate/__init__.py: {version} is neither X.Y.Z nor X.Y.Z.devN")
    heading = re.search(r"^## \[(.+?)\] – (.+)$", (repository / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not heading or heading[1] != found[1]:
        raise CheckError(f"CHANGELOG.md: the newest heading must be ## [{found[1]}] – DATE")
    is_dated = re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]) is not None
    if is_dated == bool(found[2]):
        raise CheckError(
            f"CHANGELOG.md has {heading[2]!r} for {version}: a release has a date, a version .devN is 'unreleased'"
        )
    openapi = json.loads((repository / "notifygate/endpoints/openapi.json").read_text())["info"]["version"]
    if openapi != version:
        raise CheckError(f"openapi.json: version {openapi}, not {version}")
    for folder in npm_packages(repository):
        given = json.loads((folder / "package.json").read_text())["version"]
        if given != npm_version(version):
            raise CheckError(f"{folder.relative_to(repository)}/package.json: {given}, not {npm_version(version)}")
    return f"{version}, everywhere" + ("" if is_dated else ": a development version, for trials only")


def run(command: Sequence[str | Path], folder: Path, *, environ: dict[str, str] | None = None) -> str:
    """Run a command and return its output. Raises CheckError."""
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)  # noqa: S603 - lists written here
    if done.returncode != 0:
        raise CheckError(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def committed_files(repository: Path, target: Path) -> None:
    """Copy what is committed: a release has nothing else. Raises CheckError if something is not committed."""
    changed = run(["git", "status", "--porcelain"], repository)
    if changed:
        raise CheckError(f"not committed:\n{changed}")
    archive = target / "archive.tar"
    run(["git", "archive", "--output", archive, "HEAD"], repository)
    run(["tar", "--extract", "--file", archive], target)
    archive.unlink()


def build(project: Path) -> list[Path]:
    """Build the wheel and the sdist of a copy of the project."""
    run([sys.executable, "-m", "hatchling", "build", "--directory", project / "dist"], project)
    return sorted((project / "dist").iterdir())


def check_builds(folder: Path) -> str:
    """Build twice, from two copies, and keep one. Raises CheckError if they differ."""
    builds: list[list[Path]] = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        committed_files(REPOSITORY, folder / name)
        builds.append(build(folder / name))
    for one, other in zip(*builds, strict=True):
        if one.name != other.name or one.read_bytes() != other.read_bytes():
            raise CheckError(f"two builds of {one.name} differ")
        shutil.copy(one, DIST)
    return ", ".join(f"{path.name} ({path.stat().st_size // 1024} KiB)" for path in builds[0])


def install(environment: Path, wheel: Path) -> str:
    """Install the wheel into an empty environment, dependencies by hash, and try its command line."""
    run([sys.executable, "-m", "venv", "--without-pip", environment], REPOSITORY)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment / "bin" / "python",
        "install",
        "--quiet",
    ]
    run([*pip, "--require-hashes", "-r", REPOSITORY / "requirements.txt"], REPOSITORY)
    run([*pip, "--no-deps", "--no-index", wheel], REPOSITORY)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFYGATE_", "PYTHON"))}
    return run([environment / "bin" / "notifygate", "--help"], environment, environ=plain).splitlines()[0]


def make_sbom(environment: Path) -> dict[str, Any]:
    """Return the list of all that an environment holds, with versions and licences, in CycloneDX 1.6."""
    command = ["--output-reproducible", "--spec-version", "1.6", "--output-format", "JSON", "--mc-type", "application"]
    project = ["--pyproject", REPOSITORY / "pyproject.toml"]
    sbom = json.loads(run([BIN / "cyclonedx-py", "environment", *command, *project, environment], REPOSITORY))
    sbom["metadata"]["component"]["version"] = __version__  # dynamic in pyproject.toml, where it is looked for
    return sbom


def licences_of(component: dict[str, Any]) -> set[str]:
    """Return the SPDX identifiers of a component's licences, or their names where it gives no identifier."""
    given = [
        entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]
        for entry in component.get("licenses", [])
    ]
    identifiers = {
        word
        for text in given
        if is_expression(text)
        for word in re.split(r"\s+(?:AND|OR|WITH)\s+|[()\s]+", text)
        if word
    }
    return identifiers or set(given)


def is_expression(text: str) -> bool:
    """Return whether a licence is given by SPDX identifiers, and not by a name or a text of its own."""
    return re.fullmatch(r"[A-Za-z0-9.()+-]+(?:\s+(?:AND|OR|WITH)\s+[A-Za-z0-9.()+-]+)*", text) is not None


def check_licences(sbom: dict[str, Any]) -> str:
    """Return which licences there are. Raises CheckError for one that is not accepted."""
    found: dict[str, set[str]] = {}
    for component in sbom["components"]:
        for licence in licences_of(component) or {"none"}:
            found.setdefault(licence, set()).add(component["name"])
    unknown = {licence: sorted(names) for licence, names in found.items() if licence not in LICENCES}
    if unknown:
        raise CheckError(f"licences that scripts/release_check.py does not accept: {unknown}")
    return ", ".join(f"{licence} ({len(names)})" for licence, names in sorted(found.items()))


def check_npm() -> str:
    """Build, check and pack the npm packages. Raises CheckError."""
    run([REPOSITORY / "scripts" / "client", "check-packages"], REPOSITORY)
    packed = sorted((REPOSITORY / "clients" / "js" / "dist").glob("*.tgz"))
    for archive in packed:
        shutil.copy(archive, DIST)
    return ", ".join(f"{archive.name} ({archive.stat().st_size // 1024} KiB)" for archive in packed)


def check_docs() -> str:
    """Run the tests of the documents. Raises CheckError."""
    out = run([sys.executable, "-m", "pytest", "-q", "tests/project/test_docs.py"], REPOSITORY)
    return out.strip().splitlines()[-1]


def main() -> int:
    """Run all checks and print their results; return 1 if one has failed."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    failed = False

    def check(name: str, work: Callable[[], str]) -> bool:
        nonlocal failed
        try:
            print(f"ok     {name}: {work()}", flush=True)
        except CheckError as error:
            failed = True
            print(f"WRONG  {name}: {error}", flush=True)
            return False
        return True

    def write_sbom(environment: Path) -> str:
        sbom = make_sbom(environment)
        path = DIST / f"notifygate-{__version__}.cdx.json"
        path.write_text(json.dumps(sbom, indent=1) + "\n")
        return f"{path.name}, {len(sbom['components'])} components"

    check("versions", check_versions)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = folder / "environment"
        if check("wheel, sdist", lambda: check_builds(folder)) and check(
            "installation", lambda: install(environment, next(DIST.glob("*.whl")))
        ):
            check("SBOM", lambda: write_sbom(environment))
            check("licences", lambda: check_licences(make_sbom(environment)))
    check("npm", check_npm)
    check("docs", check_docs)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(DIST.iterdir())]
    (DIST / "SHA256SUMS").write_text("".join(sums))
    made = ", ".join(path.name for path in sorted(DIST.iterdir()))
    print(f"{'Not to be released.' if failed else 'Ready'}: {made} in dist/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
