"""GET /openapi.json is valid, complete and true; and every route under /v1 requires a credential."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.engine import events, from_schema

from tests.api.helpers import expect_unauthorized
from tests.support.in_process import InProcessGateway

MAX_EXAMPLES = 8
"""Per operation and phase; with the cases of the coverage phase about eight hundred requests in ten seconds."""


@pytest.fixture
def document(app: InProcessGateway) -> dict[str, Any]:
    answer = app.anonymous().get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return cast(dict[str, Any], answer.json)


def routes(app: InProcessGateway) -> Iterator[tuple[str, str]]:
    """Return method and path of every route under /v1, the path as OpenAPI writes it."""
    for rule in app.app.url_map.iter_rules():
        if rule.rule.startswith("/v1"):
            path = rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}")
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path


# --- The document -------------------------------------------------------------------------------


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "notifygate"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_operations_of_the_document_are_the_routes_of_the_application(
    app: InProcessGateway, document: dict[str, Any]
) -> None:
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if path.startswith("/v1")
        for method in operations
    }
    assert described == set(routes(app))
    assert len(described) >= 15
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/{code}"):
        assert "get" in document["paths"][path]


def test_the_document_names_the_credential_of_each_operation(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = [name for choice in operation.get("security", []) for name in choice]
            if path.startswith(("/v1/inbox", "/v1/probe")):
                assert given == ["recipientToken"], (method, path)
            elif path.startswith("/v1"):
                assert given == ["apiKey"], (method, path)
            else:
                assert given == [], (method, path)
    assert set(document["components"]["securitySchemes"]) == {"recipientToken", "apiKey"}


def test_the_headers_of_requests_are_described(document: dict[str, Any]) -> None:
    notify = ("Idempotency-Key", "Title", "Priority", "Type", "Sender", "Icon", "Action-Url", "Ttl")
    for method, path, headers in (
        ("get", "/v1/inbox", ("If-None-Match", "Prefer")),
        ("get", "/v1/inbox/unread", ("If-None-Match", "Prefer")),
        ("get", "/v1/inbox/preferences", ("If-None-Match",)),
        ("put", "/v1/inbox/preferences", ("If-Match",)),
        ("post", "/v1/notifications", ("Idempotency-Key",)),
        ("post", "/v1/notify/{audience}", notify),
    ):
        parameters = document["paths"][path][method].get("parameters", [])
        described = {parameter["name"].lower() for parameter in parameters if parameter["in"] == "header"}
        assert {name.lower() for name in headers} <= described, (method, path)
    assert "requestBody" in document["paths"]["/v1/notify/{audience}"]["post"]


def test_rejections_before_an_endpoint_is_called_are_described(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1"):
                assert {"414", "431"} <= set(operation["responses"]), (method, path)


def test_texts_that_must_not_be_empty_are_described_so(document: dict[str, Any]) -> None:
    poll, preferences = document["paths"]["/v1/inbox"]["get"], document["paths"]["/v1/inbox/preferences"]["put"]
    (cursor,) = (parameter["schema"] for parameter in poll["parameters"] if parameter["name"] == "cursor")
    (if_match,) = (parameter["schema"] for parameter in preferences["parameters"] if parameter["name"] == "If-Match")
    up_to = document["components"]["schemas"]["StateBody"]["properties"]["up_to"]
    for schema in (cursor, if_match, up_to):
        assert re.search(schema["pattern"], "1M_UBXXsT9oWlg5URsUbtXw")
        assert not re.search(schema["pattern"], "")
        assert "default" not in schema


# --- Requests without a valid credential ---------------------------------------------------------


@pytest.mark.parametrize("credential", [None, "Bearer garbage", "Bearer ng_0_0", "Basic YTpi"])
def test_every_route_answers_401_without_a_valid_credential(app: InProcessGateway, credential: str | None) -> None:
    every = list(routes(app))
    assert len(every) >= 15
    headers = {} if credential is None else {"Authorization": credential}
    for method, path in every:
        concrete = path.replace("{audience}", "all").replace("{topic}", "x").replace("{type}", "x").replace("{id}", "x")
        assert "{" not in concrete
        for verb in (method, "HEAD", "OPTIONS", "PATCH"):
            answer = app.anonymous().open(concrete, method=verb, headers=headers)
            assert answer.status_code == 401, (verb, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            if verb == method:
                expect_unauthorized(answer)
        # No other part of the request is read before it is authenticated.
        bad = app.anonymous().open(f"{concrete}?unknown=1", method=method, headers=headers, data=b"{")
        expect_unauthorized(bad)


# --- The document against the gateway -----------------------------------------------------------


INEXPRESSIBLE = ('"invalid-cursor"', '"message":"is missing; give a title or a body"', '"errors":[{"field":"data","')
"""Rules that no schema can express: that `up_to` is a cursor of this recipient; that the body must not be blank if
neither the query nor a header has a title; how deep and how many bytes `data` may be, and that nothing in it is NUL."""

UNKNOWN_HEADER = "x-schemathesis-unknown-property"
"""An undescribed header is not a fault, although schemathesis (4.32.5) reports one for a numeric header."""


def findings_of(event: Any) -> Iterator[str]:
    """Return the failures of an event of schemathesis."""
    if isinstance(event, events.NonFatalError | events.FatalError):
        yield str(getattr(event, "info", event))
    recorder = getattr(event, "recorder", None)
    if recorder is None or not isinstance(event, events.ScenarioFinished | events.FuzzScenarioFinished):
        return
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status == "success":
                continue
            case = recorder.cases[case_id].value
            interaction = recorder.interactions.get(case_id)
            answer = interaction.response.text if interaction and interaction.response else ""
            if check.name == "positive_data_acceptance" and any(text in answer for text in INEXPRESSIBLE):
                continue
            if any(isinstance(value, float) for value in (case.query or {}).values()):
                continue  # 60.0 is a whole number in JSON schema, but not in a query
            if check.name == "negative_data_rejection" and UNKNOWN_HEADER in (case.headers or {}):
                continue
            where = f"{case.method} {case.path} path={case.path_parameters} query={case.query} body={case.body!r:.300}"
            failure = check.failure_info.failure if check.failure_info else None
            yield f"{check.name}: {failure and failure.title}: {where} -> {answer:.300}"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the stricter one: no NUL, no large integers
def test_schemathesis_finds_nothing(make_app: Any) -> None:
    app = make_app(max_wait=0)  # schemathesis would request holds
    alice = app.recipient("alice", "admin")
    key = app.publisher(scopes=["publish", "admin"])
    alice.inbox()
    key.publish("user:alice")
    credentials = {"recipientToken": alice.credential, "apiKey": key.credential}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app.app)

    @schema.auth(refresh_interval=None)
    class Credentials:  # pyright: ignore[reportUnusedClass]
        """Each operation gets the kind of credential in the document."""

        def get(self, case: Any, context: Any) -> str | None:
            security = case.operation.definition.raw.get("security")
            return credentials[next(iter(security[0]))] if security else None

        def set(self, case: Any, data: str | None, context: Any) -> None:
            if data:
                case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    schema.config.generation.update(max_examples=MAX_EXAMPLES, deterministic=True, no_shrink=True, database="none")
    schema.config.update(continue_on_failure=True)
    # It can't repeat a request without its credential under WSGI (4.32.5 passes an argument that Werkzeug doesn't
    # know); test_every_route_answers_401_without_a_valid_credential does.
    schema.config.checks.ignored_auth.enabled = False
    # Neither an If-Match that doesn't match nor an Idempotency-Key of another request makes a request invalid.
    schema.config.checks.positive_data_acceptance.expected_statuses.extend(["412", "422"])
    # An If-Match that names no version doesn't match, whatever it contains.
    schema.config.checks.negative_data_rejection.expected_statuses.append("412")
    requests, findings = 0, list[str]()
    for event in from_schema(schema).execute():
        findings.extend(findings_of(event))
        if isinstance(event, events.ScenarioFinished | events.FuzzScenarioFinished) and event.recorder:
            requests += len(event.recorder.interactions)
    assert sorted(set(findings)) == []
    assert requests > 300  # it sent requests
