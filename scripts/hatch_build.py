"""The part of the build that pyproject.toml can't describe: the packages that the wheel depends on, and the files that
it carries from beside the package. Run by hatchling, which finds the one class of each kind."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PROGRAM_FILES = ("migrations", "gunicorn.conf.py", "wsgi.py")
"""Beside the package in a checkout, inside of it in a wheel: see `notifygate/program_files.py`."""


class Dependencies(MetadataHookInterface):
    """One list of direct dependencies, requirements.in, not two that drift apart."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the dependencies to the metadata of pyproject.toml."""
        lines = (Path(self.root) / "requirements.in").read_text(encoding="utf-8").splitlines()
        found = [line.partition("#")[0].strip() for line in lines]
        metadata["dependencies"] = [requirement for requirement in found if requirement]


class ProgramFiles(BuildHookInterface[Any]):
    """An editable install needs no copies; pyproject.toml's `force-include` would make them there as well."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel; `version` is `standard` or `editable`."""
        if version == "standard":
            build_data["force_include"] = {name: f"notifygate/program/{name}" for name in PROGRAM_FILES}
