"""`python -m attncli` as a process of its own that needs no start: a fork of one that has the modules.

What a start loads takes most of the time of a short command, and hundreds of tests run short commands.
A server, which is a fresh Python in the environment of the tests, loads them once; for each run it
forks a child that takes folder, streams and arguments as `python -m attncli` has them, and ends as it
does. Where something counts before the modules are loaded, a run has a fresh Python.
"""

import atexit
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_CAN_FORK = sys.platform == "linux"
_READ_LATE = ("ATTN_", "PYTEST_")  # variables that no module reads when it is loaded
_WORTH = 3  # runs in one environment that are worth a server
_LENGTH = 8  # bytes of a number that is sent
_LOADED = (
    *("attncli.cli.explain", "attncli.cli.batch.command", "attncli.cli.vectors.command"),
    *("attncli.api.analysis", "attncli.api.batching", "attncli.mechanisms.open"),
    *("attncli.batches.engines.local", "attncli.batches.writers.jsonl", "attncli.results.json"),
    *("attncli.views.explain", "marisa_trie", "orjson", "rich.segment"),
)


class ForkServer:
    """Forks runs of the command; lives as long as the tests, and ends when its socket does."""

    def __init__(self, env: Mapping[str, str], stdin: int) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=env,
                pass_fds=[theirs.fileno()],
                stdin=stdin,
                stdout=subprocess.PIPE,  # Python keeps from the start whether streams can seek
                stderr=subprocess.PIPE,
            )
        atexit.register(self.stop)

    def run(
        self,
        arguments: Sequence[str],
        stdin: bytes | None,
        env: Mapping[str, str],
        folder: Path,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes]:
        """As `subprocess.run` of `python -m attncli`.

        Raises: subprocess.TimeoutExpired; BrokenPipeError where the server is gone, and nothing ran.
        """
        request = {"arguments": arguments, "folder": str(folder), "env": dict(env)}
        given, out, err = os.pipe(), os.pipe(), os.pipe()
        if stdin is None:
            os.close(given[0])
            given = (os.open(os.devnull, os.O_RDONLY), given[1])
        theirs = [given[0], out[1], err[1]]
        data = json.dumps(request).encode()
        try:
            socket.send_fds(self._socket, [len(data).to_bytes(_LENGTH, "big")], theirs)
        except BrokenPipeError:
            for end in (given[1], out[0], err[0]):
                os.close(end)
            raise
        finally:
            for end in theirs:
                os.close(end)
        self._socket.sendall(data)
        pid = _number(self._socket)
        streams = _exchanged(given[1], stdin or b"", (out[0], err[0]), time.monotonic() + timeout)
        if streams is None:
            os.kill(pid, signal.SIGKILL)
        code = _number(self._socket)
        if streams is None:
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(list(arguments), code, *streams)

    def stop(self) -> None:
        """Ends the server."""
        atexit.unregister(self.stop)
        self._socket.close()
        self._process.communicate()


def _early(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that may count when Python starts or a module is loaded."""
    return {name: value for name, value in env.items() if not name.startswith(_READ_LATE)}


def _exchanged(
    stdin: int, data: bytes, outputs: tuple[int, int], deadline: float
) -> list[bytes] | None:
    """Gives `data` to a process and reads both of its outputs to their ends; None if it is too late."""
    parts: dict[int, list[bytes]] = {output: [] for output in outputs}
    os.set_blocking(stdin, False)
    rest = memoryview(data)
    with selectors.DefaultSelector() as waiting:
        for output in outputs:
            waiting.register(output, selectors.EVENT_READ)
        waiting.register(stdin, selectors.EVENT_WRITE)
        while waiting.get_map():
            ready = waiting.select(deadline - time.monotonic())
            for key, _ in ready:
                if key.fd == stdin:
                    rest = rest[_given(stdin, rest) :]
                    is_done = not rest
                else:
                    parts[key.fd].append(os.read(key.fd, 1 << 16))
                    is_done = not parts[key.fd][-1]
                if is_done:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
            if not ready:
                for fd in list(waiting.get_map()):
                    os.close(fd)
                return None
    return [b"".join(parts[output]) for output in outputs]


def _given(stdin: int, rest: memoryview) -> int:
    """How much a process took, or need not be given as it reads no more."""
    try:
        return os.write(stdin, rest[: 1 << 16]) if rest else 0
    except BrokenPipeError:
        return len(rest)


def _received(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        if not (part := connection.recv(size - len(data))):
            raise EOFError("the server of forks has ended")
        data += part
    return bytes(data)


def _number(connection: socket.socket) -> int:
    return int.from_bytes(_received(connection, _LENGTH), "big", signed=True)


_asked: Counter[Any] = Counter()
_servers: dict[Any, ForkServer] = {}


def run_attn(
    arguments: Sequence[str | bytes],
    *,
    stdin: bytes | None,
    env: Mapping[str, str],
    folder: Path,
    python: Sequence[str] = (),
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Runs `python -m attncli` in a folder, in a fork where that is the same."""
    early = _early(env)
    if _CAN_FORK and not python and all(isinstance(o, str) for o in arguments):
        place = (stdin is None, *sorted(early.items()))
        _asked[place] += 1
        if _asked[place] == _WORTH:
            _servers[place] = ForkServer(
                env, subprocess.DEVNULL if stdin is None else subprocess.PIPE
            )
        if place in _servers:
            try:
                return _servers[place].run(arguments, stdin, env, folder, timeout)
            except BrokenPipeError:  # a server that was killed has begun nothing
                _servers.pop(place).stop()
    return subprocess.run(
        [sys.executable, *python, "-m", "attncli", *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=env,
        cwd=folder,
        timeout=timeout,
        check=False,
    )


def serve(connection: socket.socket) -> None:
    """Forks a child for each request; returns in the children, ready to be the command."""
    while True:
        first, given, *_ = socket.recv_fds(connection, _LENGTH, 3)
        if not first:
            os._exit(0)
        stdin, stdout, stderr = given
        request = json.loads(_received(connection, int.from_bytes(first, "big")))
        pid = os.fork()
        if pid == 0:
            connection.close()
            for number, stream in enumerate((stdin, stdout, stderr)):
                os.dup2(stream, number)
                os.close(stream)
            os.environ.clear()
            os.environ.update(request["env"])
            os.chdir(request["folder"])
            sys.path.insert(0, request["folder"])
            sys.argv[1:] = request["arguments"]
            return
        for stream in (stdin, stdout, stderr):
            os.close(stream)
        connection.sendall(pid.to_bytes(_LENGTH, "big", signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(code.to_bytes(_LENGTH, "big", signed=True))


def main() -> None:
    """Serves at the socket of a number, the first argument."""
    from attncli.cli import use_one_thread

    use_one_thread(always=False)
    for name in _LOADED:
        import_module(name)
    serve(socket.socket(fileno=int(sys.argv.pop(1))))
    runpy.run_module("attncli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    main()
