"""deploy/kubernetes/: valid by Kubernetes' own schemas, and consistent with the gateway and with each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from notifygate.metrics import holds
from notifygate.settings import Settings
from tests.support.packaging import DOCKERFILE, stages_of
from tests.support.source import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))

GRACEFUL_SECONDS = 20 + 1
"""gunicorn.conf.py's time for requests under way, and the time for which connections are still accepted."""


def documents() -> list[dict[str, Any]]:
    return [document for file in FILES for document in yaml.safe_load_all(file.read_text())]


def the(kind: str) -> dict[str, Any]:
    (match,) = [document for document in documents() if document["kind"] == kind]
    return match


def pod(kind: str) -> dict[str, Any]:
    return the(kind)["spec"]["template"]["spec"]


Findings = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def findings() -> Findings:
    """Returns the faults that the newest schemas find in the documents of a file."""
    import kubernetes_validate  # noqa: PLC0415 - it takes a second, which every run of other tests would wait

    def find(text: str) -> list[str]:
        messages: list[str] = []
        for document in yaml.safe_load_all(text):
            try:
                kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
            except kubernetes_validate.ValidationError as error:
                messages.append(error.message)
        return messages

    return find


def test_manifests_are_valid(findings: Findings) -> None:
    assert {file.name: findings(file.read_text()) for file in FILES} == {file.name: [] for file in FILES}
    assert {document["kind"] for document in documents()} == {
        "ConfigMap", "Secret", "Job", "Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler",
        "NetworkPolicy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong"), [("maxSurge: 1", "maxSurge: 1, more: 2"), ("minReplicas: 2", "minReplicas: two")]
)
def test_fault_of_a_manifest_is_found(findings: Findings, right: str, wrong: str) -> None:
    text = (FOLDER / "gateway.yaml").read_text()
    assert right in text
    assert findings(text.replace(right, wrong))


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_have_few_permissions(kind: str) -> None:
    spec = pod(kind)
    user = int(stages_of(DOCKERFILE.read_text())[1].arguments("USER")[0].partition(":")[0])
    context = spec["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, user, user)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False, "the Service's variables would begin with NOTIFYGATE_"
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")} == {
        "/tmp", "/var/lib/notifygate",  # noqa: S108 - in the container
    }  # fmt: skip


def test_settings_exist_and_their_files_are_in_the_secret() -> None:
    data = the("ConfigMap")["data"]
    names = {f"NOTIFYGATE_{name.upper()}" for name in Settings.__dataclass_fields__}
    assert {name.removesuffix("_FILE") for name in data} <= names
    (mount,) = [mount for mount in pod("Deployment")["containers"][0]["volumeMounts"] if mount["name"] == "secrets"]
    files = {Path(value) for name, value in data.items() if name.endswith("_FILE")}
    assert files == {Path(mount["mountPath"]) / key for key in the("Secret")["stringData"]}


def test_example_secrets_would_be_refused() -> None:
    for name in ("secret_key", "jwt_secrets"):
        assert len(the("Secret")["stringData"][name]) < 32


def test_migration_and_gateways_are_of_one_image() -> None:
    images = {pod(kind)["containers"][0]["image"] for kind in ("Deployment", "Job")}
    assert len(images) == 1
    assert pod("Job")["containers"][0]["command"] == ["notifygate", "migrate"]


def test_probes_have_the_right_paths() -> None:
    container = pod("Deployment")["containers"][0]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    liveness = container["livenessProbe"]
    # gunicorn's `timeout`: it replaces a worker that hangs itself, in less time.
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 30


def test_requests_end_before_the_pod_does() -> None:
    spec = pod("Deployment")
    wait = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    readiness = spec["containers"][0]["readinessProbe"]
    assert wait >= readiness["periodSeconds"] * readiness["failureThreshold"]
    assert spec["terminationGracePeriodSeconds"] > wait + GRACEFUL_SECONDS


def test_autoscaler_uses_the_holds_of_a_worker() -> None:
    scaler = the("HorizontalPodAutoscaler")["spec"]
    assert "replicas" not in the("Deployment")["spec"], "kubectl apply would undo its decisions"
    (pods,) = [metric["pods"] for metric in scaler["metrics"] if metric["type"] == "Pods"]
    assert pods["metric"]["name"] == holds._name
    assert the("ConfigMap")["data"]["NOTIFYGATE_WORKERS"] == "1"
    # The holds of one pod of three fit into the other two.
    assert int(pods["target"]["averageValue"]) * 3 / 2 <= Settings().holds_per_worker
    most = scaler["maxReplicas"] + the("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    assert most * Settings().database_pool + 10 <= 100, "max_connections of PostgreSQL"


def test_all_selectors_match_the_gateways() -> None:
    labels = the("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert the("Service")["spec"]["selector"] == labels
    for constraint in (*pod("Deployment")["topologySpreadConstraints"], the("PodDisruptionBudget")["spec"]):
        selector = constraint.get("labelSelector") or constraint["selector"]
        assert selector["matchLabels"] == labels
    (expression,) = the("NetworkPolicy")["spec"]["podSelector"]["matchExpressions"]
    job_labels = the("Job")["spec"]["template"]["metadata"]["labels"]
    assert set(expression["values"]) == {*labels.values(), *job_labels.values()}
    assert not labels.items() <= job_labels.items(), "the service sends no request to the migration"
