"""The backup of a PostgreSQL, and its restore, with the commands of docs/operations.md."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.ha.conftest import OPERATIONS
from tests.support.binaries import find_postgres
from tests.support.site import MakeSite, Site

DOCUMENTED_URL = "postgresql://notifygate@db/notifygate"


def run_documented(program: str, site: Site, folder: Path) -> None:
    """Run the command of a program of PostgreSQL as documented, on the site's database."""
    (line,) = re.findall(rf"^(?:\(umask 077 && )?{program} .+$", OPERATIONS.read_text(), re.MULTILINE)
    assert DOCUMENTED_URL in line
    url = make_url(site.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = line.replace(f'"{DOCUMENTED_URL}"', shlex.quote(url))
    path = f"{find_postgres()}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, check=True, timeout=100)


def test_clients_have_the_notifications_of_the_backup_after_a_restore(
    make_site: MakeSite, postgres_url: str, tmp_path: Path
) -> None:
    site = make_site(postgres_url)
    reader, publisher, gateway = site.recipient(), site.publisher(), site.gateways[0]
    reader.cursor()
    publisher.publish("all", "before the backup")
    run_documented("pg_dump", site, tmp_path)
    assert stat.S_IMODE((tmp_path / "notifygate.dump").stat().st_mode) == 0o600
    publisher.publish("all", "after the backup")
    cursor = reader.cursor()
    gateway.stop()
    run_documented("pg_restore", site, tmp_path)
    command = [sys.executable, "-m", "notifygate.cli", "log", "new-epoch"]
    subprocess.run(command, env={**os.environ, **site.env}, cwd=OPERATIONS.parents[1], check=True, timeout=100)
    gateway.start(site.env)
    publisher.publish("all", "after the restore")
    inbox = reader.inbox(cursor)
    assert inbox["reset"], "the number of the lost entry was assigned again"
    assert [item["title"] for item in inbox["notifications"]] == ["after the restore", "before the backup"]
