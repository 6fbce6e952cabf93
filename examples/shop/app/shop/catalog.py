"""Products and their prices: from this process, from Redis or from the database, in this order.

A replica keeps what it has read in its own memory (`local`) and in Redis (`shared`). A new price gets a new
*revision* in Redis; a local entry is used only while its revision is the one that Redis names. That is how
one replica learns that another one has changed a price.

Release 0.9 wrote the shared entries in another format, without a revision, and they outlive an upgrade. This
module still reads them, and this is where the example's bug lives: see `Entry.is_current`.
"""

import json
import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SHARED_TTL = 3600
LOCAL_ENTRIES = 10_000


@dataclass(frozen=True)
class Entry:
    """One product as the caches hold it."""

    id: int
    name: str
    price_cents: int
    revision: str | None

    def is_current(self, revision: str) -> bool:
        # THE BUG. "An entry of release 0.9 has no revision, so there is nothing to compare: take it as it is."
        # True for one replica, which forgets the entry when it changes the price itself. Any other replica
        # goes on serving its own copy, at the old price, until it is restarted.
        return self.revision is None or self.revision == revision

    def dump(self) -> str:
        fields = {"format": 2, "id": self.id, "name": self.name, "price_cents": self.price_cents}
        return json.dumps({**fields, "revision": self.revision}, ensure_ascii=False)

    @staticmethod
    def parse(text: str) -> "Entry | None":
        """Either format; nothing for one that neither release can have meant."""
        try:
            fields = json.loads(text)
            if fields.get("format") == 2:
                return Entry(fields["id"], fields["name"], fields["price_cents"], fields["revision"])
            # Release 0.9: the price in euros as text, "19.90".
            cents = int(Decimal(fields["price"]) * 100)
            return Entry(fields["id"], fields["name"], cents, revision=None)
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return None


class Catalog:
    def __init__(self, pool, redis, enable_cache: bool):
        self._pool = pool
        self._redis = redis
        self._enable_cache = enable_cache
        self._local = OrderedDict()
        self.reads = Counter()

    def page(self, limit: int, offset: int) -> list:
        """A list of products, the most popular first; always from the database."""
        with self._pool.transaction() as cursor:
            cursor.execute(
                "SELECT id, name, price_cents FROM products WHERE price_cents IS NOT NULL"
                " ORDER BY popularity DESC, id LIMIT %s OFFSET %s",
                (limit, offset),
            )
            return [Entry(*row, revision=None) for row in cursor]

    def product(self, product_id: int) -> Entry | None:
        if not self._enable_cache:
            return self._stored(product_id, revision="")
        revision = self._redis.get(_revision_key(product_id)) or ""
        local = self._local.get(product_id)
        if local and local.is_current(revision):
            self.reads["local"] += 1
            return local
        entry = self._shared(product_id)
        if entry is None:
            # The revision was read before the row: at worst the entry is taken for older than it is.
            entry = self._stored(product_id, revision)
            if entry:
                self._redis.set(_key(product_id), entry.dump(), ex=SHARED_TTL)
        if entry:
            self._remember(entry)
        return entry

    def reprice(self, product_id: int, price_cents: int) -> bool:
        """A new price: the database first, then everything that could still hold the old one."""
        with self._pool.transaction() as cursor:
            cursor.execute(
                "UPDATE products SET price_cents = %s, updated_at = now() WHERE id = %s",
                (price_cents, product_id),
            )
            found = cursor.rowcount == 1
        if found and self._enable_cache:
            with self._redis.pipeline() as changes:
                changes.set(_revision_key(product_id), secrets.token_hex(8))
                changes.delete(_key(product_id))
                changes.execute()
            self._local.pop(product_id, None)
        return found

    def _shared(self, product_id: int) -> Entry | None:
        text = self._redis.get(_key(product_id))
        entry = Entry.parse(text) if text else None
        if entry:
            self.reads["shared"] += 1
        return entry

    def _stored(self, product_id: int, revision: str) -> Entry | None:
        self.reads["database"] += 1
        with self._pool.transaction() as cursor:
            cursor.execute(
                "SELECT id, name, price_cents FROM products WHERE id = %s AND price_cents IS NOT NULL",
                (product_id,),
            )
            row = cursor.fetchone()
        return Entry(*row, revision=revision) if row else None

    def _remember(self, entry: Entry) -> None:
        self._local[entry.id] = entry
        if len(self._local) > LOCAL_ENTRIES:
            self._local.popitem(last=False)


def _key(product_id: int) -> str:
    return f"product:{product_id}"


def _revision_key(product_id: int) -> str:
    return f"product:{product_id}:revision"
