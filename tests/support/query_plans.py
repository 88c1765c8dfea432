"""The plans of a database for the gateway's statements."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from notifygate.storage.database import Database


def plan_of(database: Database, work: Callable[[Connection], object], *, before: str = "") -> str:
    """Return the plans of the statements of a function, as text. `before`: a statement that is run before them."""
    prefix = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    statements: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", record)
    try:
        database.read(work)
    finally:
        event.remove(database.engine, "before_cursor_execute", record)

    def explain(connection: Connection) -> str:
        if before:
            connection.exec_driver_sql(before)
        plans = [connection.exec_driver_sql(f"{prefix} {statement}", values) for statement, values in statements]
        return "\n".join(str(row) for plan in plans for row in plan)

    return database.read(explain)
