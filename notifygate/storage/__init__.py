"""The database: tables, engine options for SQLite and PostgreSQL, transactions. Knows nothing of what they mean."""
