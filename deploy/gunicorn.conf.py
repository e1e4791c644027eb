"""How gunicorn serves the site: `gunicorn -c deploy/gunicorn.conf.py itsci_site.wsgi`."""

import os

bind = os.environ.get("BIND", "unix:/run/itsci-site/site.sock")
workers = int(os.environ.get("WORKERS", "3"))
threads = int(os.environ.get("THREADS", "4"))  # each holds two connections to the database, one of them for the page cache
worker_class = "itsci_site.worker.Worker"
preload_app = False  # a reload reads the code anew
graceful_timeout = 30  # seconds that requests have to end when the site is reloaded or stopped
control_socket_disable = True
accesslog = None  # it would name addresses (docs/logs.md)
umask = 0o007  # the socket is for the account and its group, which the proxy is a member of

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
