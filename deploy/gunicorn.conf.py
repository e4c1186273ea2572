"""How gunicorn serves: `gunicorn crmsite.wsgi --config deploy/gunicorn.conf.py`."""

import os
import shutil
import tempfile

worker_class = "gthread"
threads = 4
control_socket_disable = True  # nobody steers it from beside: signals are enough
limit_request_line = (
    8190  # bytes, the most it takes: a search of 200 letters, encoded, beside filters
)

# The workers add up their figures for /metrics in files of this folder.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures = tempfile.mkdtemp(prefix="covenant-figures-")


def on_exit(server: object) -> None:
    shutil.rmtree(figures, ignore_errors=True)
