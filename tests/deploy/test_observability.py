"""deploy/observability/: the alerts fire when they should, and the gateway exposes every metric in them."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.binaries import find_program
from tests.support.site import new_session, running_site, worker_pids
from tests.support.source import REPOSITORY
from tests.support.waiting import eventually

FOLDER = REPOSITORY / "deploy" / "observability"
ALERTS, TESTS, DASHBOARD = (FOLDER / name for name in ("alerts.yml", "alerts.test.yml", "dashboard.json"))

OF_PROMETHEUS = {"up"}
"""Prometheus' own."""


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions() -> dict[str, str]:
    """Return every expression, by its alert or panel. Grafana's variables are replaced by possible values."""
    by_place = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+")
            by_place[f"{panel['title']} {target['refId']}"] = text
    return by_place


def promtool(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [find_program("promtool", "prometheus"), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)


def check_expressions(folder: Path, by_place: dict[str, str]) -> str:
    """Return promtool's errors about expressions."""
    groups = [
        {
            "name": "all",
            "rules": [{"record": f"r{place}", "expr": text} for place, text in enumerate(by_place.values())],
        }
    ]
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    done = promtool("check", "rules", file)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """Every sample that a gateway exposes after each kind of event, with the names of its labels."""
    with running_site(tmp_path_factory.mktemp("site"), LIMIT_PUBLISH="1/minute") as site:
        reader, publisher = site.recipient(), site.publisher()
        with site.held([reader]):
            publisher.publish(f"user:{reader.name}")
        assert publisher.post("all").status_code == 429
        text = new_session().get(f"{site.url}/metrics", timeout=30).text
        done = promtool("check", "metrics", text=text)
        assert done.returncode == 0, done.stderr
        yield samples_of(text)


def samples_of(text: str) -> dict[str, set[str]]:
    """Return the samples of Prometheus' text format and the names of their labels; types alone count as samples, too."""
    samples: dict[str, set[str]] = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        for ending in {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}.get(kind, ("",)):
            samples.setdefault(name + ending, set())
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        samples.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return samples


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", expression)
    words = re.findall(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()", bare)
    return set(words) - {"and", "or", "unless", "bool"}


def test_example_of_prometheus_is_valid_and_scrapes_the_job_of_the_alerts() -> None:
    file = FOLDER / "prometheus.yml"
    done = promtool("check", "config", file)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = {config["job_name"] for config in yaml.safe_load(file.read_text())["scrape_configs"]}
    assert jobs == set(re.findall(r'job="(\w+)"', ALERTS.read_text()))


def test_rules_and_their_tests_pass(tmp_path: Path) -> None:
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_covered_by_its_test(tmp_path: Path) -> None:
    """Without the rule, or with a wrong time, its test fails. One promtool runs all: most of its time is its start."""
    tests, known = yaml.safe_load(TESTS.read_text()), rules()
    for alert in (rule["alert"] for rule in known):
        own = [test for test in tests["tests"] if f'alertname="{alert}"' in str(test)]
        assert str(own).count(f'alertname="{alert}"') == 1
        for fault, change in (("no rule", {"expr": "vector(1) > 2"}), ("no time", {"for": "0s"})):
            changed = [{**rule, **change} if rule["alert"] == alert else rule for rule in known]
            folder = tmp_path / alert / fault
            folder.mkdir(parents=True)
            (folder / ALERTS.name).write_text(json.dumps({"groups": [{"name": "notifygate", "rules": changed}]}))
            (folder / TESTS.name).write_text(json.dumps({**tests, "tests": own}))
    files = sorted(tmp_path.glob(f"*/*/{TESTS.name}"))
    done = promtool("test", "rules", *files)
    named = re.findall(r"^Unit Testing: +(.+)", done.stdout, re.MULTILINE)
    assert named in ([str(file) for file in files], []), "version 3 names none of them"
    assert "SUCCESS" not in done.stdout, done.stdout
    assert done.stderr.count("  FAILED:\n") == len(files) == 2 * len(known), done.stderr


def test_each_of_several_workers_reports_how_full_it_is(tmp_path: Path) -> None:
    with running_site(tmp_path, WORKERS=2, HOLDS_PER_WORKER=50) as site:
        expected = {("notifygate_holds_limit", 50.0), ("notifygate_open_files_limit", 1100.0)}

        def of_workers() -> dict[str, set[tuple[str, float]]]:
            text = new_session().get(f"{site.url}/metrics", timeout=30).text
            samples = re.findall(r'^(notifygate_\w+)\{pid="(\d+)"\} (\S+)$', text, re.MULTILINE)
            return {pid: {(name, float(value)) for name, of, value in samples if of == pid} for _, pid, _ in samples}

        eventually(lambda: all(expected <= of for of in of_workers().values()), "the limits of both workers")
        workers = of_workers()
        assert sorted(map(int, workers)) == sorted(worker_pids(site.gateways[0]))
        assert all(dict(values)["notifygate_open_files"] > 3 for values in workers.values())


def test_operations_page_has_a_line_for_each_alert() -> None:
    section = (REPOSITORY / "docs" / "operations.md").read_text().partition("\n### Alerts\n")[2].partition("\n### ")[0]
    assert sorted(re.findall(r"^\| `(Notifygate\w+)` \|", section, re.MULTILINE)) == sorted(
        rule["alert"] for rule in rules()
    )


def test_alerts_have_a_severity_a_summary_and_a_description() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"]["summary"], rule
        assert rule["annotations"]["description"].endswith("."), rule


def test_expressions_are_valid(tmp_path: Path) -> None:
    assert len(expressions()) > 30
    assert check_expressions(tmp_path, expressions()) == ""


def test_invalid_expression_is_found(tmp_path: Path) -> None:
    assert "rat" in check_expressions(tmp_path, {"x": "rat(notifygate_wakes_total[1m])"})


def test_every_metric_in_an_expression_is_exposed(exposed: dict[str, set[str]]) -> None:
    missing = {where: names_in(text) - set(exposed) - OF_PROMETHEUS for where, text in expressions().items()}
    assert {where: names for where, names in missing.items() if names} == {}


def test_every_label_in_an_expression_is_exposed(exposed: dict[str, set[str]]) -> None:
    of_prometheus = {"instance", "job", "le"}
    for where, text in expressions().items():
        labels = {
            name for selector in re.findall(r"\{([^}]*)\}", text) for name in re.findall(r"(\w+)\s*[=!]", selector)
        }
        labels |= {name.strip() for names in re.findall(r"\bby\s*\(([^)]*)\)", text) for name in names.split(",")}
        known = {label for name in names_in(text) for label in exposed.get(name, set())}
        # Retention has no label values before it first removes a row.
        assert labels - known - of_prometheus - {"kind"} == set(), where


def test_names_are_read_from_expressions() -> None:
    text = (
        'histogram_quantile(0.9, sum by (le) (rate(a_bucket{x="y"}[5m]))) > 0.5 and b == 1 or increase(c_total[1h]) > 0'
    )
    assert names_in(text) == {"a_bucket", "b", "c_total"}


def test_every_metric_is_on_the_dashboard_or_in_an_alert(exposed: dict[str, set[str]]) -> None:
    used = {name for text in expressions().values() for name in names_in(text)}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed if name.startswith("notifygate_")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    assert {name for name in ours - shown if not name.endswith("_created")} == {"notifygate_wakes_total"}


def test_panels_fill_the_dashboard_without_overlap() -> None:
    taken = [
        (x, y)
        for panel in panels()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in panels()}) == len(panels())
