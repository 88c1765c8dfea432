"""No file of the project has traces of a machine or of the manner of its making, or leftovers."""

import re
from pathlib import Path

import pytest

from tests.support.source import REPOSITORY, files

TEXTS = {path: path.read_bytes() for path in files() if path != Path(__file__).resolve()}

MACHINE = {
    "a package index": r"(?i)index-url\s*[=:]?\s*https?:",
    "the address of a registry": r"(?i)//[^/\s]*(?:pypi|npmjs|registry|artifactory|nexus|devpi)[^/\s]*/",
    "somebody's home": r"(?<![\w.-])/(?:root|home/[a-z]\w*|Users/\w+)/",
    "a working copy": r"(?<![\w.-])/(?:work|workspace|repo|src)/(?:main|shared|notifygate)\b|\.\./shared\b",
    "a private address": r"\b(?:10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+)\b",
}
AUTHORS = r"(?i)\b(?:claude|anthropic|chatgpt|openai|copilot|llms?|language model|ai[- ]generated|co-authored-by)\b"
MANNER = {
    "who made it": AUTHORS,
    "in which steps": r"(?i)\b(?:this|last|next|previous|earlier|another|other|my) (?:session|helper|agent)s?\b",
    "with what": r"(?i)\b(?:coding|ai|sub)[- ]?agents?\b",
    "at whose word": r"(?i)\b(?:lead developer|(?:the|my) brief\b|issues show)",
}
"""Texts on sessions of HTTP and of databases have other words."""

MESS = {
    "a conflict": r"^(?:<<<<<<< |>>>>>>> |=======$)",
    "a debugger": r"\b(?:pdb\.set_trace|breakpoint)\(\)",
    "a naked note": r"\b(?:TODO|FIXME|XXX|HACK)\b",
    "a carriage return": r"\r$",
    "white space at the end of a line": r"[ \t]+$",
}
HASHES = ("requirements.txt", "requirements-dev.txt")


def hits_of(patterns: dict[str, str]) -> list[str]:
    hits: list[str] = []
    for path, content in TEXTS.items():
        if b"\0" in content:
            continue
        text = content.decode("utf-8")
        for name, pattern in patterns.items():
            for match in re.finditer(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, match.start()) + 1
                hits.append(f"{path.relative_to(REPOSITORY)}:{line} holds {name}: {match[0][:60]!r}")
    return hits


SECRETS = {
    "an API key": r"\bng_[0-9a-f]{12}_[\w-]{43}",
    "a token": r"\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}",
}


@pytest.mark.parametrize("patterns", [MACHINE, MANNER, MESS, SECRETS], ids=["machine", "manner", "mess", "secrets"])
def test_no_file_holds(patterns: dict[str, str]) -> None:
    assert hits_of(patterns) == []


def test_files_end_with_one_line_end_and_are_not_too_large() -> None:
    for path, content in TEXTS.items():
        if content and b"\0" not in content:
            assert content.endswith(b"\n"), path
            assert not content.endswith(b"\n\n"), path
        assert len(content) <= 250_000 or path.name in HASHES, path


@pytest.mark.parametrize("script", ["scripts/install", "scripts/find-python", "deploy/make-secrets", ".ci/run"])
def test_script_can_be_run(script: str) -> None:
    assert (REPOSITORY / script).stat().st_mode & 0o111
