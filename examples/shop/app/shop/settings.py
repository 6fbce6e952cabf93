"""Everything the shop is told from outside: the environment, one INI file, one key file."""

import configparser
import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    database_url: str
    redis_url: str
    enable_cache: bool
    maintenance: bool
    pool_size: int
    replica: str
    currency: str
    page_size: int
    greeting: str
    signing_key: bytes


def load(environ=os.environ) -> Settings:
    config = configparser.ConfigParser(interpolation=None)
    config.read(environ.get("SHOP_CONFIG", "/etc/shop/shop.ini"), encoding="utf-8")
    return Settings(
        database_url=environ.get("DATABASE_URL", "postgres://shop@127.0.0.1:5432/shop"),
        redis_url=environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        enable_cache=_flag(environ.get("ENABLE_CACHE")),
        maintenance=_flag(environ.get("MAINTENANCE")),
        pool_size=int(environ.get("POOL_SIZE", "5")),
        replica=environ.get("POD_NAME") or socket.gethostname(),
        currency=config.get("shop", "currency", fallback="EUR"),
        page_size=config.getint("shop", "page_size", fallback=20),
        greeting=config.get("shop", "greeting", fallback=""),
        signing_key=_read(environ.get("SIGNING_KEY_FILE")),
    )


def _flag(text) -> bool:
    return (text or "").lower() in ("true", "1", "yes", "on")


def _read(path) -> bytes:
    """The key that signs receipts; without a file (a developer's machine) a fixed one will do."""
    if not path:
        return b"development"
    with open(path, "rb") as file:
        return file.read()
