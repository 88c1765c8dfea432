"""Reads requirements*.in and requirements*.txt."""

import re

from tests.support.source import REPOSITORY

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([a-z0-9,_-]+)\])?==([^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


def normal(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(file: str) -> dict[str, str]:
    """Return the pins of an .in file: version by name."""
    text = (REPOSITORY / file).read_text()
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    requirements = [line for line in lines if line and not line.startswith("-")]
    pins = {normal(pin[1]): pin[3] for line in requirements if (pin := PIN.match(line))}
    assert len(pins) == len(requirements), f"{file} has lines that are not pins"
    return pins


def locked(file: str) -> dict[str, dict[str, frozenset[str]]]:
    """Return the pins of a .txt file: hashes by name and version."""
    text = (REPOSITORY / file).read_text()
    begins = [match.start() for match in PIN.finditer(text)]
    blocks = [text[begin:end] for begin, end in zip(begins, [*begins[1:], len(text)], strict=True)]
    pins: dict[str, dict[str, frozenset[str]]] = {}
    for block in blocks:
        pin = PIN.match(block)
        assert pin
        name, version = pin[1], pin[3]
        hashes = frozenset(HASH.findall(block))
        assert hashes, f"{name}=={version} in {file} has no hashes"
        # A package may have one version for older Pythons and another for newer ones.
        pins.setdefault(normal(name), {})[version] = hashes
    return pins
