"""Carts live in Redis, orders in the database; a stream tells the worker of new ones."""

import hashlib
import hmac
import json

STREAM = "orders"
CART_TTL = 7 * 24 * 3600

# Rows written before release 0.9 hold a number, later ones a word.
LEGACY_STATUS = {"0": "new", "1": "confirmed", "2": "shipped", "3": "cancelled"}


class Orders:
    def __init__(self, pool, redis, catalog, signing_key: bytes):
        self._pool = pool
        self._redis = redis
        self._catalog = catalog
        self._signing_key = signing_key

    def put_in_cart(self, cart: str, product_id: int, quantity: int) -> None:
        with self._redis.pipeline() as changes:
            changes.hset(f"cart:{cart}", str(product_id), quantity)
            changes.expire(f"cart:{cart}", CART_TTL)
            changes.execute()

    def cart(self, cart: str) -> dict:
        """What the customer is shown: prices as the catalog has them, caches included."""
        lines = []
        for product_id, quantity in self._cart_lines(cart):
            entry = self._catalog.product(product_id)
            if entry:
                lines.append(
                    {"product": entry.id, "name": entry.name, "quantity": quantity, "price_cents": entry.price_cents}
                )
        return {"cart": cart, "lines": lines, "total_cents": sum(x["quantity"] * x["price_cents"] for x in lines)}

    def place(self, cart: str) -> dict:
        """What the customer is charged: prices as the database has them."""
        wanted = self._cart_lines(cart)
        with self._pool.transaction() as cursor:
            cursor.execute("INSERT INTO orders (status, placed_at) VALUES ('new', now()) RETURNING id")
            (order_id,) = cursor.fetchone()
            total = 0
            for product_id, quantity in wanted:
                cursor.execute(
                    "INSERT INTO order_lines (order_id, product_id, quantity, price_cents)"
                    " SELECT %s, id, %s, price_cents FROM products WHERE id = %s AND price_cents IS NOT NULL"
                    " RETURNING price_cents",
                    (order_id, quantity, product_id),
                )
                line = cursor.fetchone()
                total += quantity * line[0] if line else 0
            cursor.execute("UPDATE orders SET total_cents = %s WHERE id = %s", (total, order_id))
        # Only after the commit: the worker must find the row.
        self._redis.xadd(STREAM, {"order": order_id}, maxlen=100_000)
        self._redis.delete(f"cart:{cart}")
        return {"order": order_id, "status": "new", "total_cents": total, "receipt": self._receipt(order_id, total)}

    def order(self, order_id: int):
        with self._pool.transaction() as cursor:
            cursor.execute("SELECT status, total_cents FROM orders WHERE id = %s", (order_id,))
            row = cursor.fetchone()
        if row is None:
            return None
        return {"order": order_id, "status": LEGACY_STATUS.get(row[0], row[0]), "total_cents": row[1]}

    def _cart_lines(self, cart: str) -> list:
        lines = self._redis.hgetall(f"cart:{cart}")
        return sorted((int(product_id), int(quantity)) for product_id, quantity in lines.items())

    def _receipt(self, order_id: int, total: int) -> str:
        text = json.dumps([order_id, total]).encode()
        return hmac.new(self._signing_key, text, hashlib.sha256).hexdigest()
