"""The database of the application, opened through Flask-SQLAlchemy."""

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from notifygate.settings import Settings
from notifygate.storage.database import Database, engine_options, prepare_engine
from notifygate.storage.tables import METADATA
from notifygate.storage.timeline import policy_of_settings


def open_flask_database(app: Flask, settings: Settings) -> Database:
    """Open the database that the settings name. No connection is made yet."""
    url = settings.effective_database_url
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        url, settings.database_pool, prepares=settings.database_prepare
    )
    extension = SQLAlchemy(app, metadata=METADATA)
    with app.app_context():
        engine = extension.engine
    prepare_engine(engine)
    return Database(engine, policy_of_settings(settings))
