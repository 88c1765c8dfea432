"""The documents are complete and true: settings, endpoints, problems, metrics, commands, links, references to code."""

import ast
import re
import tomllib
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from prometheus_client import Counter, Gauge, Histogram

from notifygate import metrics
from notifygate.cli import COMMANDS
from notifygate.problem_catalogue import CATALOGUE
from notifygate.settings import Settings, variable
from tests.support.in_process import InProcessGateway
from tests.support.source import REPOSITORY, modules, tree_of

DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("deploy/*.md"))
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
REFERENCE = re.compile(
    r"`((?:notifygate|tests|migrations|scripts|deploy)/[^`\s:]+|gunicorn\.conf\.py|wsgi\.py)(?:::([\w.]+))?`"
)


VALUES_IN_MESSAGES = re.compile(r"…|\b(?:none|int|NOPERM|\w+Error)\b")
"""The parts of documented messages that are values."""


def read(document: str) -> str:
    return (REPOSITORY / document).read_text()


def section_of(document: str, heading: str) -> str:
    return read(document).partition(f"# {heading}\n")[2].partition("\n## ")[0]


def setting_row(setting: Field[Any]) -> str:
    """Return a setting's row of a table of settings."""
    default = setting.default
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    meaning = setting.metadata["help"]
    if setting.metadata["secret"]:
        meaning += f" Or `{variable(setting)}_FILE`."
    return f"| `{variable(setting)}` | {f'`{text}`' if text else '–'} | {setting.metadata['unit'] or '–'} | {meaning} |"


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    text = re.sub(r"&[a-z]+;", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(document: str) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(FENCED.sub("", read(document)))}


def endpoint(method: str, rule: str) -> str:
    """Return an endpoint as written in the documents: `GET /v1/inbox/topics/<topic>`."""
    return f"{method} " + re.sub(r"<(?:[a-z]+:)?([a-z]+)>", r"<\1>", rule)


@pytest.fixture
def endpoints(app: InProcessGateway) -> set[str]:
    """Every endpoint of the application, except for static files and Flask's own methods."""
    return {
        endpoint(method, rule.rule)
        for rule in app.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/static/")
    }


def settings_rows(document: str) -> list[str]:
    """Return the rows of settings in a document, except for those of the command line."""
    text = read(document).partition("\n## Command line\n")[0]
    return [line for line in text.splitlines() if line.startswith("| `NOTIFYGATE_")]


def column_of(document: str, heading: str, pattern: str) -> list[Any]:
    """Return the matches of a pattern in the first columns of the tables of a section, or of a whole document."""
    text = section_of(document, heading) if heading else read(document)
    return re.findall(rf"^\| `{pattern}", text, re.MULTILINE)


def test_every_setting_is_documented_as_in_the_code() -> None:
    wanted = [setting_row(setting) for setting in fields(Settings)]
    assert settings_rows("docs/settings.md") == wanted, "docs/settings.md should have:\n" + "\n".join(wanted)
    in_the_readme = settings_rows("README.md")
    assert in_the_readme
    assert set(in_the_readme) <= set(wanted)
    code = "".join(path.read_text() for path in (REPOSITORY / "notifygate" / "cli").glob("*.py"))
    read_by_code = set(re.findall(r'(?:open_gateway|environ\.get)\("(NOTIFYGATE_\w+)"', code))
    assert set(column_of("docs/settings.md", "Command line", r"(NOTIFYGATE_\w+)`")) == read_by_code


def test_endpoints_of_the_protocol_and_the_readme_are_those_of_the_application(endpoints: set[str]) -> None:
    headings = (
        heading.replace("&lt;", "<").replace("&gt;", ">") for heading in HEADING.findall(read("docs/protocol.md"))
    )
    assert {heading for heading in headings if re.match(r"(GET|POST|PUT|DELETE) /", heading)} == endpoints
    assert set(column_of("README.md", "", r"((?:GET|POST|PUT|DELETE) /[^`?]*)[^`]*` \|")) == endpoints


def test_every_problem_is_in_the_protocol() -> None:
    rows = column_of("docs/protocol.md", "8. Problems", r"([a-z-]+)` \| (\d{3}) \|")
    assert rows == [(problem.code, str(problem.status)) for problem in CATALOGUE.values()]


def test_every_metric_is_in_operations() -> None:
    exposed = {
        f"{next(iter(metric.describe())).name}{'_total' if isinstance(metric, Counter) else ''}"
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
    }
    assert sorted(column_of("docs/operations.md", "", r"(notifygate_\w+)")) == sorted(exposed)


def test_messages_in_troubleshooting_are_those_of_the_code() -> None:
    texts = "\n".join(
        node.value
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    symptoms = re.findall(r"^\| (.+?) \|", section_of("docs/operations.md", "Troubleshooting"), re.MULTILINE)
    messages = [text for symptom in symptoms for text in re.findall(r"`([^`]* [^`]*)`", symptom)]
    assert len(messages) >= 10
    for message in messages:
        if not message.startswith("FATAL: "):  # PostgreSQL's
            parts = VALUES_IN_MESSAGES.split(message)
            assert [part for part in parts if part not in texts] == [], message


def test_every_command_is_in_the_readme_and_its_pictures_exist() -> None:
    assert set(column_of("README.md", "", "notifygate ([a-z]+)")) == set(COMMANDS)
    pictures = re.findall(r'\b(?:src|srcset)="(docs/[^"]+)"', read("README.md"))
    assert pictures
    assert all((REPOSITORY / picture).is_file() for picture in pictures)


def test_tested_versions_of_python_are_the_classifiers_of_the_package() -> None:
    (tested,) = re.findall(r"^\| Python \|[^|]+\|([^;|]+)", section_of("docs/operations.md", "Install"), re.MULTILINE)
    project = tomllib.loads(read("pyproject.toml"))["project"]
    versions = [f"Programming Language :: Python :: {version}" for version in re.findall(r"3\.\d+", tested)]
    assert project["classifiers"] == versions
    assert versions[0].endswith(f" {project['requires-python'].removeprefix('>=')}")


def test_directives_of_the_proxies_are_those_of_their_files() -> None:
    lines = section_of("docs/operations.md", "Reverse proxy").splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("| ")][1:]
    assert len(rows) >= 8
    for row, *columns in rows:
        for column, file in zip(columns, ("deploy/nginx/notifygate.conf", "deploy/haproxy/haproxy.cfg"), strict=True):
            for directive in re.findall(r"`([^`]+)`", column):
                assert directive.replace(r"\|", "|") in read(file), f"{file}: {row}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_internal_links_references_to_code_and_make_targets_exist(document: str) -> None:
    text = read(document)
    for link in LINK.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (REPOSITORY / document).parent / name if name else REPOSITORY / document
        assert target.exists(), f"{document}: {link}"
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(REPOSITORY).as_posix()), f"{document}: {link}"
    for name, member in REFERENCE.findall(text):
        path = REPOSITORY / name
        assert path.exists(), f"{document} names {name}"
        if member:
            assert member in members_of(path), f"{document} names {name}::{member}"
    targets = re.findall(r"`make ([a-z-]+)", text)
    assert set(targets) <= set(re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE))
    assert targets or document != "README.md"


@pytest.mark.parametrize(
    ("document", "heading", "end", "least"),
    [
        ("docs/architecture.md", "## Where each guarantee lives", "\n## ", 60),
        ("docs/security.md", "## Claims and their tests", "\n## ", 40),
        ("docs/reliability.md", "\n## The promises\n", "## How the promises", 30),
    ],
)
def test_each_claim_names_its_code_and_a_test(document: str, heading: str, end: str, least: int) -> None:
    section = read(document).partition(heading)[2].partition(end)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if row[-1] != "test"]
    assert len(claims) >= least
    for claim, *code, test in claims:
        assert document == "docs/reliability.md" or REFERENCE.search(code[0]), claim
        assert "`tests/" in test, claim


@cache
def members_of(path: Path) -> set[str]:
    """Return the names that a module defines: those at its top level, and `Class.name` for those in its classes."""
    members: set[str] = set()
    for node in tree_of(path).body:
        members.update(names_of(node))
        if isinstance(node, ast.ClassDef):
            members.update(f"{node.name}.{name}" for inner in node.body for name in names_of(inner))
    return members


def names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []
