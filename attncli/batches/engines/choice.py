"""The engine that settings name: worker processes here, or a Dask cluster."""

import os
from typing import TYPE_CHECKING

from attncli.errors import InputError, UsageError, field_name, setting
from attncli.errors.wording import visible
from attncli.settings import BatchSettings

if TYPE_CHECKING:
    from attncli.batches.engines.connecting import TlsFiles
    from attncli.batches.run import Engine


def engine_of(running: BatchSettings) -> "Engine":
    """What runs the chunks. Raises: UsageError, InputError for a file of TLS that cannot be read."""
    from attncli.batches.engines.local import LocalEngine, cores

    tls = _tls_of(running)
    if running.engine == "dask":
        from attncli.batches.engines.dask import DaskEngine

        return DaskEngine(running.scheduler, running.workers or cores(), tls)
    if running.scheduler is not None:
        raise UsageError(
            f"found no {setting(engine='dask')}, expected both", place=field_name("scheduler")
        )
    return LocalEngine(running.workers or cores())


def _tls_of(running: BatchSettings) -> "TlsFiles | None":
    """The files of tls_ca, tls_cert and tls_key: all three, for a tls:// scheduler only."""
    files = (running.tls_ca, running.tls_cert, running.tls_key)
    encrypted = (running.scheduler or "").startswith("tls://")
    if not encrypted and not any(files):
        return None
    if not encrypted:
        raise UsageError(
            f"found no {field_name('scheduler')} tls://…, expected both", place=field_name("tls_ca")
        )
    ca, cert, key = files
    if ca is None or cert is None or key is None:
        first, second, third = map(field_name, ("tls_ca", "tls_cert", "tls_key"))
        raise UsageError(
            f"tls:// takes {first}, {second} and {third}, each a file",
            place=field_name("scheduler"),
        )
    for file in (ca, cert, key):
        if not os.access(file, os.R_OK):
            raise InputError("cannot read it, expected a PEM file", place=visible(file))
    from attncli.batches.engines.connecting import TlsFiles

    return TlsFiles(ca, cert, key)
