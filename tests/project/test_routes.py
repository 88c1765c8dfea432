"""Every route of the gateway: which need a credential, which kind, and which are open on purpose."""

from collections.abc import Callable

from tests.support.in_process import InProcessGateway

OPEN = {
    "/healthz": "asked by load balancers",
    "/readyz": "asked by load balancers",
    "/metrics": "asked by Prometheus; holds no principal and no text (docs/operations.md says to keep it inside)",
    "/openapi.json": "the description of the API",
    "/problems/<code>": "the pages that problems point to",
    "/static/notifygate/<name>": "the browser client",
}
"""Routes that need no credential, each with its reason. All others are under /v1."""

FOR_RECIPIENTS = {
    *("/v1/inbox", "/v1/inbox/unread", "/v1/inbox/history", "/v1/inbox/state", "/v1/inbox/topics", "/v1/probe"),
    *("/v1/inbox/topics/<topic>", "/v1/inbox/preferences"),
}
FOR_PUBLISHERS = {"/v1/notifications", "/v1/notifications/<id>", "/v1/notify/<path:audience>"}
FOR_ADMINS = {"/v1/types", "/v1/types/<type>"}
VALUES = {"topic": "deploys", "id": "x", "audience": "all", "type": "general"}


def calls(app: InProcessGateway, paths: set[str]) -> list[tuple[str, str]]:
    """Return method and path of every call of some routes, HEAD and OPTIONS included."""
    adapter = app.app.url_map.bind("gateway")
    return [
        (method, adapter.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments}, method=method))
        for rule in app.app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if rule.rule in paths
    ]


def test_every_route_is_listed_here(app: InProcessGateway) -> None:
    routes = {rule.rule for rule in app.app.url_map.iter_rules()}
    assert routes == {*OPEN, *FOR_RECIPIENTS, *FOR_PUBLISHERS, *FOR_ADMINS}


def test_routes_of_the_demo_exist_only_with_its_setting(make_app: Callable[..., InProcessGateway]) -> None:
    more = {rule.rule for rule in make_app(demo=True).app.url_map.iter_rules()}
    more -= {*OPEN, *FOR_RECIPIENTS, *FOR_PUBLISHERS, *FOR_ADMINS}
    assert {rule[:5] for rule in more} == {"/demo"}


def test_each_route_is_for_its_kind_of_principal_only(app: InProcessGateway) -> None:
    alice, publisher, admin = app.recipient("alice", "admin"), app.publisher(), app.admin()
    for actors, paths in (
        ((alice,), FOR_PUBLISHERS | FOR_ADMINS),
        ((publisher, admin), FOR_RECIPIENTS),
        ((publisher,), FOR_ADMINS),
    ):
        for method, path in calls(app, paths):
            for actor in actors:
                answer = actor.open(method, path, json={"unknown": 1})
                assert answer.status_code == 403, f"{method} {path}"
                assert "WWW-Authenticate" not in answer.headers


def test_unknown_path_reveals_nothing_without_a_credential(app: InProcessGateway) -> None:
    for path in ("/v1/", "/v1/nothing", "/v1//inbox", "/v1/inbox/", "/v1/inbox/x", "/v1/notify", "/v1/types/a/b"):
        assert app.anonymous().get(path).status_code == 401, (
            "only clients with a credential learn whether a path exists"
        )
        assert app.recipient("alice").get(path).status_code == 404, path
    for path in ("/", "/v1", "/v2/inbox", "/V1/inbox", "/inbox", "/static/../notifygate.db", "/static/notifygate/x"):
        assert app.anonymous().get(path).status_code == 404, path
