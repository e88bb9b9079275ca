"""The way to a Dask scheduler: one that is there, or that of a cluster made for a run.

Imported only by a run with the engine dask.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from typing import Any

from attncli.batches.engines.spool import Spool, temporary_spool
from attncli.errors import ClusterError, MissingExtraError, setting
from attncli.errors.wording import visible

_CONNECTING = 15.0  # seconds until a scheduler has answered


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files by which this process and a scheduler know each other, as PEM."""

    ca: str
    cert: str
    key: str

    def security(self) -> Any:
        """Dask's own object of them."""
        distributed: Any = import_module("distributed")
        return distributed.Security(
            tls_ca_file=self.ca,
            tls_client_cert=self.cert,
            tls_client_key=self.key,
            require_encryption=True,
        )


@contextlib.contextmanager
def connected(
    scheduler: str | None, workers: int, tls: TlsFiles | None
) -> Iterator[tuple[Any, Spool | None]]:
    """A client of the scheduler, or of a cluster on this machine that ends with the run.

    Beside a scheduler on this machine there is a spool; a worker that does not see it returns bytes.
    """
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError:
        raise MissingExtraError.of("distributed", setting(engine="dask")) from None
    quiet = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.logging.distributed": "critical",
        "distributed.comm.timeouts.connect": f"{_CONNECTING}s",
        "distributed.worker.profile.enabled": False,  # nobody looks at it
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(quiet))
        if scheduler is None:
            from attncli.batches.engines.private_cluster import private_cluster

            address, spool = stack.enter_context(private_cluster(workers))
        else:
            address, spool = scheduler, None
            if is_on_this_machine(scheduler):
                spool = stack.enter_context(temporary_spool())
        security = tls.security() if tls is not None else None

        def connect() -> Any:
            return distributed.Client(address, timeout=_CONNECTING, security=security)

        try:
            client = within(2 * _CONNECTING, connect)
        except Exception as fault:  # whatever the other side said that was no answer
            place = visible(str(scheduler or "the cluster on this machine"))[:100]
            raise ClusterError(f"no scheduler answers: {dask_reason(fault)}", place=place) from None
        stack.callback(_left, client)
        loop = getattr(client.loop, "asyncio_loop", None)
        if loop is not None:
            loop.set_exception_handler(_pass_over)
        yield client, spool


def is_on_this_machine(scheduler: str) -> bool:
    """Whether the address of a scheduler, such as tcp://127.0.0.1:8786, is one of loopback."""
    from distributed.comm.addressing import get_address_host

    try:
        host = get_address_host(scheduler)
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all
        return False


def _pass_over(loop: Any, context: dict[str, Any]) -> None:
    """Keeps to itself what tasks of Dask end in that nobody waits for; its text is no message of ours."""
    fault = context.get("exception")
    if not type(fault).__module__.startswith("distributed"):
        loop.default_exception_handler(context)


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What `call` returns. Raises: what it raises; TimeoutError when it takes longer.

    Some of Dask's requests wait for an answer without a limit. The call goes on in a thread of its
    own that nobody waits for when the process ends.
    """
    answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put((True, call()))
        except BaseException as fault:
            answers.put((False, fault))

    threading.Thread(target=ask, daemon=True).start()
    try:
        good, answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} seconds") from None
    if not good:
        raise answer
    return answer


def _left(client: Any) -> None:
    with contextlib.suppress(Exception):  # the run is over, and its result written
        within(_CONNECTING, client.close)


def dask_reason(fault: BaseException) -> str:
    """What Dask says in an error, cut."""
    return f"{type(fault).__name__}: {fault}"[:200]
