"""The API. Every answer names the replica that gave it in `X-Replica`."""

import logging
import time

import psycopg2
import redis as redis_client
from flask import Flask, abort, jsonify, request

from shop import RELEASE, settings
from shop.catalog import Catalog
from shop.database import Pool
from shop.orders import Orders

SETTINGS = settings.load()
PROBES = ("/healthz", "/readyz")

app = Flask(__name__)
pool = Pool(SETTINGS.database_url, SETTINGS.pool_size)
redis = redis_client.Redis.from_url(SETTINGS.redis_url, decode_responses=True, socket_timeout=5)
catalog = Catalog(pool, redis, SETTINGS.enable_cache)
orders = Orders(pool, redis, catalog, SETTINGS.signing_key)
log = logging.getLogger("shop")
answers = {}


@app.get("/")
def index():
    return jsonify(
        shop=RELEASE,
        greeting=SETTINGS.greeting,
        replica=SETTINGS.replica,
        flags={"ENABLE_CACHE": SETTINGS.enable_cache, "MAINTENANCE": SETTINGS.maintenance},
    )


@app.get("/healthz")
def healthz():
    """Alive: this process answers. It asks no one else, or a slow database would restart every replica."""
    return "ok\n"


@app.get("/readyz")
def readyz():
    with pool.transaction() as cursor:
        cursor.execute("SELECT 1")
    redis.ping()
    return "ready\n"


@app.get("/products")
def product_list():
    limit = min(request.args.get("limit", SETTINGS.page_size, int), 200)
    offset = request.args.get("offset", 0, int)
    return jsonify(products=[_shown(entry) for entry in catalog.page(limit, offset)])


@app.get("/products/<int:product_id>")
def product(product_id):
    entry = catalog.product(product_id) or abort(404)
    return jsonify(_shown(entry))


@app.put("/products/<int:product_id>/price")
def price(product_id):
    if not catalog.reprice(product_id, _whole("price_cents")):
        abort(404)
    return "", 204


@app.post("/carts/<cart>/items")
def cart_item(cart):
    orders.put_in_cart(cart, _whole("product"), _whole("quantity"))
    return "", 204


@app.get("/carts/<cart>")
def cart(cart):
    return jsonify(orders.cart(cart))


@app.post("/orders")
def place():
    return jsonify(orders.place(str(request.get_json().get("cart", "")))), 201


@app.get("/orders/<int:order_id>")
def order(order_id):
    return jsonify(orders.order(order_id) or abort(404))


@app.get("/reports/sales")
def sales():
    """A slow query, as reports are: it holds a connection for `seconds`."""
    seconds = min(max(request.args.get("seconds", 1.0, float), 0.0), 10.0)
    with pool.transaction() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", (seconds,))
        cursor.execute("SELECT count(*), coalesce(sum(total_cents), 0) FROM orders")
        count, total = cursor.fetchone()
    return jsonify(orders=count, total_cents=int(total))


@app.get("/metrics")
def metrics():
    lines = [f'shop_answers_total{{status="{status}"}} {n}' for status, n in sorted(answers.items())]
    lines += [f'shop_product_reads_total{{from="{level}"}} {n}' for level, n in sorted(catalog.reads.items())]
    return "\n".join(lines) + "\n", {"Content-Type": "text/plain; version=0.0.4"}


@app.errorhandler(psycopg2.Error)
@app.errorhandler(redis_client.RedisError)
def unavailable(error):
    reason = f"{type(error).__module__.split('.')[0]}: {str(error).strip()}"
    log.error("%s %s: %s", request.method, request.path, reason)
    return jsonify(error=reason), 503


@app.before_request
def started():
    request.environ["shop.started"] = time.monotonic()
    if SETTINGS.maintenance and request.method not in ("GET", "HEAD"):
        abort(503, "closed for maintenance: reading only")


@app.after_request
def answered(response):
    response.headers["X-Replica"] = SETTINGS.replica
    answers[response.status_code] = answers.get(response.status_code, 0) + 1
    if request.path not in PROBES:
        millis = (time.monotonic() - request.environ["shop.started"]) * 1000
        log.info("%s %s %s %.1f ms", request.method, request.path, response.status_code, millis)
    return response


def _shown(entry) -> dict:
    return {"id": entry.id, "name": entry.name, "price_cents": entry.price_cents, "currency": SETTINGS.currency}


def _whole(field: str) -> int:
    """A positive whole number out of the JSON body, else 400."""
    value = (request.get_json() or {}).get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        abort(400, f"{field}: a positive whole number is wanted")
    return value
