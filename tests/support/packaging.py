"""Copies of the project for a build or for Docker, and the stages of deploy/Dockerfile."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.source import REPOSITORY, files

DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"


def copy_project(target: Path) -> Path:
    """Copy the project's files, without those that tools and gateways left among them."""
    for path in files():
        copy = target / path.relative_to(REPOSITORY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return target


def build(project: Path, target: str) -> Path:
    """Build the `wheel` or the `sdist` of a copy of the project and return it."""
    output = project / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(output)]
    run(command, project)
    (built,) = output.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def run(command: list[str], folder: Path) -> str:
    """Run a command in an environment without settings, expect success, and return its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFYGATE_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Stage:
    """A stage of a Dockerfile: its instructions with their arguments, continued lines joined."""

    instructions: list[tuple[str, str]]

    def arguments(self, name: str) -> list[str]:
        """Return the arguments of each instruction of one name."""
        return [arguments for instruction, arguments in self.instructions if instruction == name]


def stages_of(dockerfile: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE))
    stages: list[Stage] = []
    for line in filter(None, text.splitlines()):
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            stages.append(Stage([]))
        stages[-1].instructions.append((name, arguments.strip()))
    return stages


def matches(path: str, pattern: str) -> bool:
    """Return whether a line of a .dockerignore concerns a file: it names the file or a folder above it."""
    if pattern.startswith("**/"):
        return pattern[3:] in path.split("/")
    text = re.escape(pattern).replace(r"\*", "[^/]*")
    return re.fullmatch(f"{text}(/.*)?", path) is not None


def copy_context(target: Path) -> Path:
    """Copy the files that Docker would get: the last line of the .dockerignore that concerns a file decides."""
    lines = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copy_project(target)
    for path in [path for path in target.rglob("*") if path.is_file()]:
        name = path.relative_to(target).as_posix()
        deciding = [rule for rule in rules if matches(name, rule.removeprefix("!"))]
        if deciding and not deciding[-1].startswith("!"):
            path.unlink()
    return target
