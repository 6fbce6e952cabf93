"""A blocking connection pool: psycopg2's own raises when it is exhausted, a web request should wait."""

import contextlib
import threading

import psycopg2


class Pool:
    """At most `size` connections, opened when first needed and then kept."""

    def __init__(self, url: str, size: int):
        self._url = url
        self._slots = threading.BoundedSemaphore(size)
        self._idle = []

    @contextlib.contextmanager
    def transaction(self):
        """A cursor in a transaction: committed at the end, rolled back on an error."""
        with self._slots:
            # Lists append and pop atomically, so the idle ones need no lock of their own.
            connection = self._idle.pop() if self._idle else connect(self._url)
            try:
                with connection, connection.cursor() as cursor:
                    yield cursor
            except psycopg2.Error:
                # It may be broken (a restarted server): the next request opens a new one.
                connection.close()
                raise
            finally:
                if not connection.closed:
                    self._idle.append(connection)


def connect(url: str):
    return psycopg2.connect(url, connect_timeout=5, application_name="shop")
