"""An environment outside of the repository in which the steps of deploy/Dockerfile have installed the wheel."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.packaging import DOCKERFILE, copy_context, run, stages_of
from tests.support.processes import make_folder, remove_folder


@dataclass(frozen=True)
class Installed:
    """An environment into which the wheel was installed."""

    folder: Path

    @property
    def program(self) -> Path:
        """The command line."""
        return self.folder / "bin" / "notifygate"


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """The environment of the first stage of deploy/Dockerfile, in another folder. Downloads dependencies, as `make`."""
    folder = make_folder("installed")
    try:
        context = copy_context(folder / "build")
        for command in stages_of(DOCKERFILE.read_text())[0].arguments("RUN"):
            here = command.replace("/opt/notifygate", str(folder / "opt")).replace("/build/", f"{context}/")
            run(["bash", "-euc", re.sub(r"^python\b", sys.executable, here)], context)
        yield Installed(folder / "opt")
    finally:
        remove_folder(folder)
