"""A Dask cluster on this machine that serves this run alone.

Loopback is no login: whoever reaches a scheduler's port runs code as its owner. So the processes
know one another by a certificate made for this run; they open no page; and their files lie in a
folder of their own instead of a name in /tmp that others could take first.

Imported only by a run with the engine dask.
"""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from attncli.batches.engines.children import muted, safe_path
from attncli.batches.engines.spool import Spool
from attncli.errors import MissingExtraError, setting

dask: Any = import_module("dask")
distributed: Any = import_module("distributed")


class PrivateScheduler(distributed.Scheduler):  # type: ignore[misc]  # it is untyped
    """A scheduler without its web page."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Opens nothing."""


class PrivateWorker(distributed.Worker):  # type: ignore[misc]  # it is untyped
    """A worker without its web page."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Opens nothing."""


@contextlib.contextmanager
def private_cluster(workers: int) -> Iterator[tuple[Any, Spool]]:
    """A cluster of worker processes that ends with the context, and its folder with it; in the folder
    the workers hand over what they made.

    Raises: MissingExtraError without the library that makes certificates.
    """
    try:
        security = distributed.Security.temporary()
    except ImportError:
        raise MissingExtraError.of("cryptography", setting(engine="dask")) from None
    address = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    with tempfile.TemporaryDirectory(prefix="attn-dask-", ignore_cleanup_errors=True) as folder:
        worker = {
            "nthreads": 1,
            "local_directory": folder,
            "worker_class": PrivateWorker,
            "silence_logs": logging.CRITICAL,
            "dashboard": False,
            **address,
        }
        scheduler = {"cls": PrivateScheduler, "options": {"port": 0, "dashboard": False, **address}}
        with (
            dask.config.set({"temporary-directory": folder}),
            safe_path(),
            muted(Path(folder) / "stderr"),
            distributed.SpecCluster(
                scheduler=scheduler,
                workers={i: {"cls": distributed.Nanny, "options": worker} for i in range(workers)},
                security=security,
                silence_logs=logging.CRITICAL,
            ) as cluster,
        ):
            yield cluster, Spool(folder)
