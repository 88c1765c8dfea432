"""The recipes of docs/clients.md and the one of docs/bell.md.

Shown files are those of the examples, and the back ends return valid tokens, also after a revocation.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from flask import Flask

from notifygate import __version__
from scripts.release_check import npm_version
from tests.browser.node_tools import NODE
from tests.support.browser import go_without
from tests.support.site import JWT_SECRET, Site, new_session
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT, BELL = ((REPOSITORY / "docs" / name).read_text(encoding="utf-8") for name in ("clients.md", "bell.md"))
EXAMPLES = REPOSITORY / "clients" / "js" / "examples"
PACKAGES = REPOSITORY / "clients" / "js" / "packages"
BLOCK = re.compile(r"(?:<!-- (file|run|not run): (.+?) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [match.groups() for match in BLOCK.finditer(TEXT)]
SHOWN = {name: text for kind, name, _, text in BLOCKS if kind == "file"}

ExpectRecipient = Callable[[Callable[[], str], str], None]


def recipe(name: str, document: str = TEXT) -> str:
    (text,) = (text for kind, label, _, text in BLOCK.findall(document) if (kind, label) == ("run", name))
    return text


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFYGATE_JWT_SECRET", JWT_SECRET)


@pytest.fixture
def expect_recipient(site: Site) -> ExpectRecipient:
    """Fail unless the gateway accepts the tokens that a function issues to a recipient, also after a revocation."""

    def expect(issue: Callable[[], str], recipient: str) -> None:
        session = new_session()

        def status(token: str) -> int:
            return session.get(
                f"{site.url}/v1/inbox", headers={"Authorization": f"Bearer {token}"}, timeout=30
            ).status_code

        token = issue()
        assert status(token) == 200
        lines = site.access_lines(principal=f"user:{recipient}", route="/v1/inbox")
        assert lines, "the token is the recipient's"
        site.revoke_tokens(recipient)
        eventually(lambda: status(token) == 401, "the token is revoked")
        eventually(lambda: status(issue()) == 200, "a token of a later second is accepted")

    return expect


@pytest.mark.parametrize("file", SHOWN)
def test_shown_file_is_that_of_its_example(file: str) -> None:
    assert SHOWN[file] == (EXAMPLES / file).read_text(encoding="utf-8")


def test_each_example_is_shown() -> None:
    assert {file.partition("/")[0] for file in SHOWN} == {
        folder.name for folder in EXAMPLES.iterdir() if folder.is_dir() and folder.name != "element"
    }


@pytest.mark.parametrize("package", ["notifygate", "angular"])
def test_npm_package_is_of_the_gateways_version(package: str) -> None:
    metadata = json.loads((PACKAGES / package / "package.json").read_text(encoding="utf-8"))
    assert metadata["version"] == npm_version(__version__)
    assert metadata["name"] in TEXT


def test_flask_recipe(expect_recipient: ExpectRecipient) -> None:
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(recipe("flask"), names)  # noqa: S102 - the test is of the documentation
    app = names["app"]
    app.secret_key = "of the test"
    client = app.test_client()
    assert client.get("/my/notification-token").status_code == 401
    with client.session_transaction() as session:
        session.update(user_id=16, roles=["support"])
    expect_recipient(lambda: client.get("/my/notification-token").json["token"], "16")


def test_bell_recipe(expect_recipient: ExpectRecipient) -> None:
    app = Flask(__name__)
    names = {
        "app": app,
        "login_required": lambda view: view,
        "current_user": SimpleNamespace(id=15, roles=["support"]),
        "jwt": jwt,
        "time": time,
        "JWT_SECRET": JWT_SECRET,
    }
    exec(recipe("flask", BELL), names)  # noqa: S102 - the test is of the documentation
    client: Any = app.test_client()
    expect_recipient(lambda: client.get("/my/notification-token").json["token"], "15")


def test_django_recipe(expect_recipient: ExpectRecipient) -> None:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], USE_TZ=True)
    names: dict[str, Any] = {}
    exec(recipe("django"), names)  # noqa: S102 - the test is of the documentation
    answer = call_django(names["notification_token"], is_authenticated=False)
    assert answer.status_code == 401

    def issue() -> str:
        answer = call_django(names["notification_token"], is_authenticated=True)
        assert "no-store" in answer.headers["Cache-Control"]
        return json.loads(answer.content)["token"]

    expect_recipient(issue, "17")


def call_django(view: Callable[[Any], Any], *, is_authenticated: bool) -> Any:
    """Call a view with a user as Django's own authentication has it, without its database."""
    from django.test import RequestFactory  # noqa: PLC0415 - it reads the settings when it is imported

    class Groups:
        def values_list(self, name: str, *, flat: bool) -> list[str]:
            assert (name, flat) == ("name", True)
            return ["support"]

    class User:
        pk = 17
        groups = Groups()

        def __init__(self) -> None:
            self.is_authenticated = is_authenticated

    request: Any = RequestFactory().get("/my/notification-token")
    request.user = User()
    return view(request)


def test_ruby_recipe(expect_recipient: ExpectRecipient) -> None:
    ruby = shutil.which("ruby")
    if ruby is None:
        go_without("no Ruby on this machine. Install it (Debian: apt-get install ruby ruby-jwt)")
    script = recipe("ruby") + 'print notification_token(18, ["support"])'
    expect_recipient(lambda: run(str(ruby), "-e", script), "18")


def test_node_recipe(expect_recipient: ExpectRecipient) -> None:
    script = recipe("node") + "process.stdout.write(notificationToken(19, ['support']));"
    expect_recipient(lambda: run(str(NODE), "-e", script), "19")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout
