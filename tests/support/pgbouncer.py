"""A real PgBouncer in transaction mode in front of a PostgreSQL of the tests."""

import psycopg
from sqlalchemy.engine import make_url

from tests.support.binaries import find_program
from tests.support.ports import free_port
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.unprivileged import unprivileged


class PgBouncer:
    """A PgBouncer on a port of its own that shares few connections to a server among many clients of one role."""

    def __init__(self, server: PostgresServer, role: str, *, connections: int) -> None:
        """`connections`: the number of connections for each database."""
        self._server = server
        self._role = role
        self._connections = connections
        self._port = free_port()
        self._folder = make_folder("pgbouncer")
        self._process: ServerProcess | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises BinaryNotFoundError, ServerStartError."""
        users, configuration = self._folder / "users.txt", self._folder / "pgbouncer.ini"
        users.write_text(f'"{self._role}" ""\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self._port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": users,
            "pool_mode": "transaction",
            "default_pool_size": self._connections,
            "max_client_conn": 500,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        databases = ["[databases]", f"* = host=127.0.0.1 port={self._server.port}", "[pgbouncer]"]
        configuration.write_text("\n".join([*databases, *lines, ""]))
        self._process = ServerProcess(
            "PgBouncer",
            [*unprivileged(self._folder), str(find_program("pgbouncer", "pgbouncer")), str(configuration)],
            output_file=self._folder / "output.txt",
            cwd=self._folder,
        )
        self._process.wait_until(self._answers)

    def url_of(self, url: str) -> str:
        """Return the URL of a database of the server, through the PgBouncer."""
        through = make_url(url).set(username=self._role, host="127.0.0.1", port=self._port)
        return through.render_as_string(hide_password=False)

    def connect(self, url: str) -> psycopg.Connection:
        """Connect to a database of the server through the PgBouncer."""
        plain = make_url(self.url_of(url)).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True, connect_timeout=5)

    def close(self) -> None:
        """Stop it and remove its folder."""
        if self._process is not None:
            self._process.kill()
        remove_folder(self._folder)

    def _answers(self) -> bool:
        try:
            self.connect(self._server.url).close()
        except psycopg.OperationalError:
            return False
        return True
