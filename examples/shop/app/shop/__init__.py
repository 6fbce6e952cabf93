"""A small shop: an API, a worker and a migration job on PostgreSQL and Redis."""

RELEASE = "1.0"
