"""The documents are complete and true: settings, endpoints, problems, metrics, commands, links, references to code."""

import ast
import re
from collections.abc import Iterator
from dataclasses import Field, fields
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

REPOSITORY = Path(__file__).resolve().parents[2]
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


def read(document: str) -> str:
    return (REPOSITORY / document).read_text()


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


def anchors(document: str) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(FENCED.sub("", read(document)))}


def endpoint(method: str, rule: str) -> str:
    """Write an endpoint as the documents do: `GET /v1/inbox/topics/<topic>`."""
    return f"{method} " + re.sub(r"<(?:[a-z]+:)?([a-z]+)>", r"<\1>", rule)


@pytest.fixture
def endpoints(tmp_path: Path) -> Iterator[set[str]]:
    """Every endpoint of the application, static files and Flask's own methods aside."""
    gateway = InProcessGateway(f"sqlite:///{tmp_path / 'notifygate.db'}")
    yield {
        endpoint(method, rule.rule)
        for rule in gateway.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/static/")
    }
    gateway.stop()


def settings_rows(document: str) -> list[str]:
    """Return the rows of settings in a document, those of the command line aside."""
    text = read(document).partition("\n## Command line\n")[0]
    return [line for line in text.splitlines() if line.startswith("| `NOTIFYGATE_")]


def test_every_setting_is_documented_as_in_the_code() -> None:
    wanted = [setting_row(setting) for setting in fields(Settings)]
    assert settings_rows("docs/settings.md") == wanted, "docs/settings.md should have:\n" + "\n".join(wanted)


def test_settings_in_the_readme_are_those_of_the_code() -> None:
    rows = settings_rows("README.md")
    assert rows
    assert set(rows) <= {setting_row(setting) for setting in fields(Settings)}


def test_variables_of_the_command_line_are_those_of_its_code() -> None:
    section = read("docs/settings.md").partition("\n## Command line\n")[2]
    documented = set(re.findall(r"^\| `(NOTIFYGATE_\w+)`", section, re.MULTILINE))
    code = "".join(path.read_text() for path in (REPOSITORY / "notifygate" / "cli").glob("*.py"))
    read_by_code = set(re.findall(r'(?:open_gateway|environ\.get)\("(NOTIFYGATE_\w+)"', code))
    assert documented == read_by_code


def test_every_endpoint_is_in_the_protocol_and_nothing_else(endpoints: set[str]) -> None:
    headings = (
        heading.replace("&lt;", "<").replace("&gt;", ">") for heading in HEADING.findall(read("docs/protocol.md"))
    )
    found = {heading for heading in headings if re.match(r"(GET|POST|PUT|DELETE) /", heading)}
    assert found == endpoints


def test_every_endpoint_is_in_the_readme(endpoints: set[str]) -> None:
    found = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) /[^`?]*)[^`]*` \|", read("README.md"), re.MULTILINE))
    assert found == endpoints


def test_every_problem_is_in_the_protocol() -> None:
    section = read("docs/protocol.md").partition("\n## 8. Problems\n")[2]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", section, re.MULTILINE)
    assert rows == [(problem.code, str(problem.status)) for problem in CATALOGUE.values()]


def test_every_metric_is_in_operations() -> None:
    exposed = {
        f"{next(iter(metric.describe())).name}{'_total' if isinstance(metric, Counter) else ''}"
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
    }
    found = re.findall(r"^\| `(notifygate_\w+)", read("docs/operations.md"), re.MULTILINE)
    assert set(found) == exposed
    assert len(found) == len(set(found))


def test_every_command_is_in_the_readme() -> None:
    found = set(re.findall(r"^\| `notifygate ([a-z]+)", read("README.md"), re.MULTILINE))
    assert found == set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_in_documents_exist(document: str) -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE)
    named = re.findall(r"`make ([a-z-]+)", read(document))
    assert set(named) <= set(targets)
    assert named or document != "README.md"


def test_pictures_exist() -> None:
    pictures = re.findall(r'\b(?:src|srcset)="(docs/[^"]+)"', read("README.md"))
    assert pictures
    assert all((REPOSITORY / picture).is_file() for picture in pictures)


def test_directives_of_the_proxies_are_those_of_their_files() -> None:
    section = read("docs/operations.md").partition("## Reverse proxy\n")[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 8
    for what, *columns in rows:
        for column, file in zip(columns, ("deploy/nginx/notifygate.conf", "deploy/haproxy/haproxy.cfg"), strict=True):
            for directive in re.findall(r"`([^`]+)`", column):
                assert directive.replace(r"\|", "|") in read(file), f"{file}: {what}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_internal_links_and_anchors_lead_somewhere(document: str) -> None:
    for link in LINK.findall(FENCED.sub("", read(document))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (REPOSITORY / document).parent / name if name else REPOSITORY / document
        assert target.exists(), f"{document}: {link}"
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(REPOSITORY).as_posix()), f"{document}: {link}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_references_to_code_exist(document: str) -> None:
    for name, member in REFERENCE.findall(read(document)):
        path = REPOSITORY / name
        assert path.exists(), f"{document} names {name}"
        if member:
            assert member in members_of(path), f"{document} names {name}::{member}"


def test_each_guarantee_names_code_and_a_test() -> None:
    table = read("docs/architecture.md").partition("## Where each guarantee lives")[2].partition("\n## ")[0]
    _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) >= 20
    for guarantee, code, test in rows:
        assert REFERENCE.search(code), guarantee
        assert "`tests/" in test, guarantee


def test_each_claim_of_the_security_page_names_a_mechanism_and_a_test() -> None:
    section = read("docs/security.md").partition("## Claims and their tests")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if row[0] != "claim"]
    assert len(claims) >= 40
    for claim, mechanism, test in claims:
        assert REFERENCE.search(mechanism), claim
        assert "`tests/" in test, claim


def test_each_promise_of_the_reliability_page_names_a_test() -> None:
    section = read("docs/reliability.md").partition("\n## The promises\n")[2].partition("\n## How the promises")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if row[-1] != "test"]
    assert len(promises) >= 30
    for first, *_, test in promises:
        assert "`tests/" in test, first


def members_of(path: Path) -> set[str]:
    """Return what a module defines: names at its top level, and `Class.name` for what is in its classes."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        found.update(names_of(node))
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for inner in node.body for name in names_of(inner))
    return found


def names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []
