"""The migrations lead from an empty database to the tables that the code describes, on both databases."""

import re
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import alembic_config, migrate
from notifygate.storage.readiness import SCHEMA_REVISION
from notifygate.storage.tables import METADATA

pytestmark = pytest.mark.both_databases


@pytest.fixture
def migrated(empty_database_url: str) -> Iterator[Engine]:
    """A new, migrated database of each kind."""
    engine = make_engine(empty_database_url)
    migrate(Database(engine))
    yield engine
    engine.dispose()


def statements(connection: Connection) -> set[str]:
    """Return the statements that make each table and index, as the database has them but without their spacing."""
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
    else:
        query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    return {re.sub(r"\s+", " ", statement) for statement in connection.execute(text(query)).scalars()}


def rows_of(connection: Connection) -> list[object]:
    return [
        connection.execute(text(f"SELECT * FROM {name}")).all()
        for name in sorted(inspect(connection).get_table_names())
    ]


def test_there_is_one_line_of_migrations_and_the_code_requires_the_newest() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    for revision in script.walk_revisions():
        assert revision.doc, f"{revision.revision} has no description"
        assert not revision.is_merge_point
    assert script.get_current_head() == SCHEMA_REVISION


def test_migrations_make_exactly_the_tables_of_the_models(migrated: Engine, tmp_path, request) -> None:
    """Alembic overlooks partial indexes, constraints' names and tables without row ids; the databases don't."""
    is_sqlite = migrated.dialect.name == "sqlite"
    url = (
        f"sqlite:///{tmp_path}/described.db"
        if is_sqlite
        else request.getfixturevalue("postgres_server").create_database()
    )
    described = make_engine(url)
    try:
        METADATA.create_all(described)
        with described.connect() as wanted, migrated.connect() as existing:
            options = {"compare_type": True, "compare_server_default": True}
            assert compare_metadata(MigrationContext.configure(existing, opts=options), METADATA) == []
            assert statements(existing) == statements(wanted)
            for name in METADATA.tables:
                for facts in ("get_pk_constraint", "get_unique_constraints", "get_foreign_keys"):
                    assert getattr(inspect(existing), facts)(name) == getattr(inspect(wanted), facts)(name)
    finally:
        described.dispose()
        if not is_sqlite:
            request.getfixturevalue("postgres_server").drop(url)


def test_log_begins_with_one_row_that_differs_between_gateways(migrated: Engine, tmp_path) -> None:
    with migrated.connect() as connection:
        before = rows_of(connection)
    other = make_engine(f"sqlite:///{tmp_path}/other.db")
    heads = []
    for engine in (migrated, other):
        migrate(Database(engine))
        with engine.connect() as connection:
            heads.append(
                connection.execute(text("SELECT epoch, head, floor, namespace, key_fingerprint FROM log_head")).one()
            )
    other.dispose()
    assert [(head.head, head.floor, head.key_fingerprint) for head in heads] == [(0, 0, None)] * 2
    assert heads[0].namespace != heads[1].namespace
    with migrated.connect() as connection:
        assert rows_of(connection) == before, "migrating again changes nothing"


def test_migration_that_fails_half_way_is_rolled_back(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(empty_database_url)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr("alembic.op.execute", fail)
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(Database(engine))
    monkeypatch.undo()
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    migrate(Database(engine))
    engine.dispose()
