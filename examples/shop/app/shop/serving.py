"""Gunicorn's settings: `gunicorn --config python:shop.serving shop.web:app`."""

import logging
import os

bind = "0.0.0.0:" + os.environ.get("PORT", "8000")
# One process a replica, so that its in-process cache is the replica's; more load means more replicas.
workers = 1
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "8"))
# Memory, not the disk, and writable when the root file system is not.
worker_tmp_dir = "/dev/shm"
graceful_timeout = int(os.environ.get("GRACEFUL_TIMEOUT", "8"))
keepalive = 5
loglevel = "warning"


def post_worker_init(worker):
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(name)s %(message)s")
