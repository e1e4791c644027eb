"""How gunicorn serves the site: `gunicorn -c deploy/gunicorn.conf.py itsci_site.wsgi`.

A reload is TTIN, with which gunicorn begins one worker more. Once that has loaded the site it sends TTOU, with which gunicorn
lets the oldest go; when that has gone the next one begins, until all are new. HUP would let all of them go before one is ready.
Where no new one can load (`TRIES`) the reload ends, and the old ones serve on.
"""

import mmap
import os
import signal
import time

TRIES = 3

bind = os.environ.get("BIND", "unix:/run/itsci-site/site.sock")
workers = int(os.environ.get("WORKERS", "3"))
threads = int(os.environ.get("THREADS", "4"))  # each holds two connections to the database, one of them for the page cache
worker_class = "itsci_site.worker.Worker"
preload_app = False  # a worker that takes over reads the code anew
graceful_timeout = 30  # seconds that requests have to end when the site is reloaded or stopped
control_socket_disable = True
accesslog = None  # it would name addresses (docs/logs.md)
umask = 0o007  # the socket is for the account and its group, which the proxy is a member of


def nworkers_changed(server, new, old):
    """Somebody asks for a reload, if not `child_exit`: all workers that there are now shall be replaced."""
    if old is None:
        return
    if new < server.cfg.workers:  # one that took over where none had to go: an old one had died
        server.num_workers = server.cfg.workers
    elif new > max(old, server.cfg.workers) and not getattr(server, "goes_on", False):
        server.first_new, server.tries = server.worker_age + 1, TRIES


def pre_fork(server, worker):
    worker.takes_over = server.num_workers > server.cfg.workers
    # gunicorn ends, and the site with it, where a worker fails that has not booted. Only those of the start may do that.
    worker.booted = server.worker_age > server.cfg.workers
    worker.has_loaded = mmap.mmap(-1, 1)  # shared: the main process reads what the worker writes


def post_worker_init(worker):
    from django.urls import get_resolver  # the site's own, as the code is that this worker has loaded

    get_resolver().url_patterns  # noqa: B018 - loads the views, as the first request would
    worker.has_loaded[0] = True
    if worker.takes_over:
        os.kill(worker.ppid, signal.SIGTTOU)


def worker_exit(server, worker):
    if not worker.has_loaded[0]:
        time.sleep(1)  # else gunicorn would begin the next at once, and so on for as long as the code is broken


def child_exit(server, worker):
    there, wanted = server.WORKERS.values(), server.cfg.workers
    if server.num_workers > wanted and not worker.has_loaded[0]:  # gone before it could take over
        server.tries -= 1
        if not server.tries:
            server.log.error("The reload has ended: no worker can load the code. Those that there were serve on")
            server.first_new, server.num_workers = 0, wanted
    elif server.num_workers > wanted and all(other.has_loaded[0] for other in there):
        server.num_workers = wanted  # two took over at once, and the system made one signal of theirs
    if not server.LISTENERS or server.num_workers != wanted or len(there) > wanted:
        return
    if any(other.age < getattr(server, "first_new", 0) for other in there):
        server.goes_on = True
        try:
            server.handle_ttin()
        finally:
            server.goes_on = False


form = os.environ.get("LOG_FORMAT", "plain")
logconfig_dict = {
    "formatters": {"site": {"()": "itsci_site.lib.logs.Json" if form == "json" else "itsci_site.lib.logs.Plain"}},
    "handlers": {
        "site": {
            "class": "logging.StreamHandler",
            "formatter": "site",
            "stream": "ext://sys.stdout" if form == "json" else "ext://sys.stderr",
        }
    },
    "root": {"level": "WARNING", "handlers": ["site"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["site"], "propagate": False}},
}
