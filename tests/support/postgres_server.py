"""A real PostgreSQL for the tests."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support.binaries import find_postgres
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, ServerStartError, make_folder, remove_folder
from tests.support.unprivileged import unprivileged

URL_VARIABLE = "NOTIFYGATE_TEST_POSTGRES_URL"


class PostgresServer:
    """A PostgreSQL on a port of its own, with a new cluster that is removed at the end.

    `given_url` names a database on a server that runs already, with a user that may create databases. `primary` makes
    the server its standby, which receives its commits and serves reads until it is promoted. `is_synced`: commits are
    written to the disk, as in production; most tests don't need that.
    """

    def __init__(
        self, given_url: str | None = None, *, primary: "PostgresServer | None" = None, is_synced: bool = False
    ) -> None:
        self._is_synced = is_synced
        self._is_given = given_url is not None
        self._primary = primary
        self._port = 0 if self._is_given else free_port()
        self._url = make_url(given_url or f"postgresql://postgres@127.0.0.1:{self._port}/postgres")
        self._url = self._url.set(drivername="postgresql+psycopg")
        self._folder = None if self._is_given else make_folder("postgres")
        self._process: ServerProcess | None = None
        self._created: set[str] = set()

    @classmethod
    def from_environment(cls) -> "PostgresServer":
        """Return the server named by NOTIFYGATE_TEST_POSTGRES_URL, or else one of our own, not yet started."""
        return cls(os.environ.get(URL_VARIABLE) or None)

    @property
    def url(self) -> str:
        """Database from which others are created, as a URL of SQLAlchemy: `postgresql+psycopg://…`."""
        return _text(self._url)

    def start(self) -> None:
        """Make a database cluster or copy the primary's, start the server and wait until it answers: about two seconds.

        Raises BinaryNotFoundError, ServerStartError.
        """
        if self._is_given:
            if not self._answers():
                raise ServerStartError(f"the PostgreSQL of {URL_VARIABLE} does not answer")
            return
        assert self._folder is not None
        binaries, data = find_postgres(), self._folder / "data"
        prefix = unprivileged(self._folder)
        program, *arguments = self._making(data)
        command = [*prefix, str(binaries / program), *arguments]
        made = subprocess.run(command, capture_output=True, text=True, cwd=self._folder)
        if made.returncode != 0:
            raise ServerStartError(f"{program} ended with exit code {made.returncode}:\n{made.stdout}{made.stderr}")
        self._process = ServerProcess(
            "PostgreSQL",
            [*prefix, str(binaries / "postgres"), "-D", str(data), *self._settings(self._folder)],
            output_file=self._folder / "output.txt",
            cwd=self._folder,
        )
        self._process.wait_until(self._answers)

    @property
    def port(self) -> int:
        """The port of the server, on 127.0.0.1."""
        return self._url.port or 5432

    def execute(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """Run a statement outside any transaction and return its rows."""
        with self._connect() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop_receiving(self) -> None:
        """Disconnect a standby from its primary; return when it receives no more."""
        assert self._primary is not None
        self.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.execute("SELECT pg_reload_conf()")
        assert self._process is not None
        self._process.wait_until(lambda: not self.execute("SELECT 1 FROM pg_stat_wal_receiver"))

    def await_copy(self) -> None:
        """Return when a standby has replayed the present commits of its primary."""
        assert self._primary is not None
        assert self._process is not None
        ((position,),) = self._primary.execute("SELECT pg_current_wal_flush_lsn()::text")
        replayed = sql.SQL("SELECT pg_last_wal_replay_lsn() >= {}::pg_lsn").format(sql.Literal(position))

        def has_replayed() -> bool:
            with self._connect() as connection:
                return connection.execute(replayed).fetchone() == (True,)

        self._process.wait_until(has_replayed)

    def promote(self) -> None:
        """Make a standby a primary on a new timeline, and return when it is one."""
        assert self.execute("SELECT pg_promote(true, 60)") == [(True,)]

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()

    def create_database(self, encoding: LiteralString = "UTF8") -> str:
        """Create an empty database; return its URL."""
        name = f"notifygate_test_{uuid4().hex}"
        # template0 is the same on every server; an owner may have added to template1.
        with self._connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE 'C' ENCODING {}").format(
                    sql.Identifier(name), sql.Literal(encoding)
                )
            )
        url = _text(self._url.set(database=name))
        self._created.add(url)
        return url

    def drop(self, url: str) -> None:
        """Drop a database of `create_database`, with the connections to it."""
        name = make_url(url).database
        assert name is not None
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._created.discard(url)

    def close(self) -> None:
        """Stop the server and remove its folder; the object can't be used again.

        A server given by URL keeps running, without the databases that were created on it.
        """
        if self._is_given:
            for url in list(self._created):
                self.drop(url)
        if self._process is not None:
            # "Fast": connections are cut. SIGTERM would wait until the last client has left.
            self._process.stop(signal.SIGINT)
            self._process = None
        if self._folder is not None:
            remove_folder(self._folder)

    def _making(self, data: Path) -> list[str]:
        """Return the program that makes the database cluster, and its arguments."""
        if self._primary is None:
            access = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
            return ["initdb", "-D", str(data), *access, "--no-sync"]
        source = f"host=127.0.0.1 port={self._primary.port} user=postgres"
        options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        return ["pg_basebackup", "--dbname", source, "--pgdata", str(data), *options]

    def _settings(self, folder: Path) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": str(folder),
            "max_connections": "200",
        }
        if not self._is_synced:
            # The cluster never has to survive a crash of the machine. Commits stay synchronous, as in production.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _connect(self) -> psycopg.Connection:
        url = self._url.set(drivername="postgresql")
        return psycopg.connect(_text(url), autocommit=True, connect_timeout=5)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def several_hosts(url: str, *servers: PostgresServer) -> str:
    """Return the URL of a database on the one of several servers that can be written."""
    one = make_url(url)
    hosts = [f"127.0.0.1:{server.port}" for server in servers]
    query = {"host": hosts, "target_session_attrs": "read-write"}
    return _text(URL.create(one.drivername, one.username, one.password, database=one.database, query=query))
