"""Brings the schema up to date: each file of `migrations/` once, in order, in its own transaction."""

import pathlib
import time

import psycopg2

from shop import settings
from shop.database import connect

FOLDER = pathlib.Path(__file__).parent / "migrations"
# Any fixed number: two jobs at once wait for each other.
LOCK = 7_308_332


def main():
    connection = _patiently(settings.load().database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
    for path in sorted(FOLDER.glob("*.sql")):
        version = int(path.name.split("-")[0])
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            cursor.execute("SELECT 1 FROM schema_migrations WHERE version = %s", (version,))
            if cursor.fetchone():
                print(f"{path.name}: there already", flush=True)
                continue
            cursor.execute(path.read_text(encoding="utf-8"))
            cursor.execute("INSERT INTO schema_migrations (version) VALUES (%s)", (version,))
            print(f"{path.name}: applied", flush=True)
    connection.close()


def _patiently(url, seconds=30):
    """The database may be a moment later than this job, where nothing orders the two."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connect(url)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main()
