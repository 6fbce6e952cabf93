"""A blocking connection pool: psycopg2's own raises when it is exhausted, a web request should wait."""

import contextlib
import select
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
            connection = self._take_idle() or connect(self._url)
            try:
                with connection, connection.cursor() as cursor:
                    yield cursor
            except psycopg2.Error:
                # It may be broken, and a new one is cheap.
                connection.close()
                raise
            finally:
                if not connection.closed:
                    self._idle.append(connection)

    def _take_idle(self):
        while True:
            # Lists append and pop atomically; asking first whether there is one would not be.
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            # An idle server says nothing: what can be read is the end, from one that was restarted meanwhile.
            if not select.select([connection], [], [], 0)[0]:
                return connection
            connection.close()


def connect(url: str):
    return psycopg2.connect(url, connect_timeout=5, application_name="shop")
