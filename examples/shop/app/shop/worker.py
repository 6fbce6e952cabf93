"""Confirms new orders: reads the stream that the API writes, marks the order, keeps an event."""

import logging
import os
import pathlib
import signal
import time

import psycopg2
import redis as redis_client

from shop import settings
from shop.database import Pool
from shop.orders import STREAM

GROUP = "workers"
# Entries that a dead worker took and never acknowledged are taken over after this time.
ABANDONED_MILLIS = 30_000
log = logging.getLogger("shop.worker")


class Worker:
    def __init__(self, config):
        self._pool = Pool(config.database_url, 1)
        self._redis = redis_client.Redis.from_url(config.redis_url, decode_responses=True)
        self._name = config.replica
        self._heartbeat = pathlib.Path(os.environ.get("HEARTBEAT_FILE", "/tmp/worker.alive"))
        self._journal = os.environ.get("JOURNAL_FILE")
        self._stopping = False

    def stop(self, *_):
        """The order at hand is finished first."""
        self._stopping = True

    def run(self):
        self._join()
        while not self._stopping:
            try:
                for entry_id, fields in self._entries():
                    self._confirm(entry_id, fields)
                # Touched only after a round that reached Redis and the database: the liveness probe reads its age.
                self._heartbeat.touch()
            except (psycopg2.Error, redis_client.RedisError) as error:
                log.error("round failed, trying again: %s", str(error).strip())
                time.sleep(1)
                self._join()
        log.info("stopped")

    def _join(self):
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis_client.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        except redis_client.ConnectionError as error:
            log.error("no Redis yet: %s", error)

    def _entries(self):
        abandoned = self._redis.xautoclaim(STREAM, GROUP, self._name, ABANDONED_MILLIS, count=50)[1]
        if abandoned:
            return [(entry_id, fields) for entry_id, fields in abandoned if fields]
        answer = self._redis.xreadgroup(GROUP, self._name, {STREAM: ">"}, count=50, block=1000)
        return answer[0][1] if answer else []

    def _confirm(self, entry_id, fields):
        """Acknowledged only after the commit; a second delivery changes nothing."""
        order_id = fields.get("order", "")
        known = order_id.isdecimal() and self._mark(int(order_id))
        if not known:
            # An order that was deleted, or an entry that is none: kept aside, or it would come back for ever.
            self._redis.rpush("orders:dead", entry_id)
        self._redis.xack(STREAM, GROUP, entry_id)
        outcome = "confirmed" if known else "unknown, put aside"
        log.info("order %s %s", order_id, outcome)
        if self._journal:
            with open(self._journal, "a", encoding="utf-8") as journal:
                journal.write(f"{entry_id} order={order_id} {outcome}\n")

    def _mark(self, order_id: int) -> bool:
        with self._pool.transaction() as cursor:
            cursor.execute("SELECT status FROM orders WHERE id = %s FOR UPDATE", (order_id,))
            row = cursor.fetchone()
            if row and row[0] in ("new", "0"):
                cursor.execute("UPDATE orders SET status = 'confirmed' WHERE id = %s", (order_id,))
                cursor.execute(
                    "INSERT INTO order_events (order_id, event, by) VALUES (%s, 'confirmed', %s)",
                    (order_id, self._name),
                )
            return row is not None


def main():
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(name)s %(message)s")
    worker = Worker(settings.load())
    # As process 1 there is no default action for these: without a handler a stop would take the whole grace period.
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()


if __name__ == "__main__":
    main()
