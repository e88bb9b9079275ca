"""Bytes from a web server, bounded in size and time: only http and https, wherever it redirects to."""

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from attncli.errors import DataError, InputError, LimitError, RefusedError
from attncli.errors.wording import size_text, visible, without_secrets

_PIECE = 1 << 18
_SILENCE = 30.0  # seconds without a byte
_PATIENCE = 60.0  # seconds without headers, or without a part of the body
_SLOW = 60.0  # seconds after which less than _LEAST bytes a second is no download any more
_LEAST = 1024


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to the web only, and never from https to http."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise RefusedError(
                f"refused: the server redirects to {visible(newurl)[:80]}",
                place=visible(without_secrets(req.full_url)),
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    # urllib itself ends a redirection to file:// with an HTTPError that does not say where to
    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        target = headers.get("location") or headers.get("uri") or ""
        if urlsplit(target).scheme not in ("", "http", "https"):
            self.redirect_request(req, fp, code, msg, headers, target)
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Watch:
    """Ends the connections of a download that does not get on.

    A time limit of sockets begins anew with every byte, so that a server which sends its headers one
    byte a second, or says `100 Continue` without end, would be listened to for ever.
    """

    def __init__(self, patience: float) -> None:
        self.ended = False
        self._patience = patience
        self._until = time.monotonic() + patience
        self._done = threading.Event()
        self._connections: list[socket.socket] = []

    def progress(self) -> None:
        """Some bytes of the file have come."""
        self._until = time.monotonic() + self._patience

    def connect(self, *arguments: Any, **options: Any) -> socket.socket:
        """A connection under watch. Raises: OSError."""
        made = socket.create_connection(*arguments, **options)
        self._connections.append(made.dup())  # TLS takes the first one over
        return made

    def __enter__(self) -> "_Watch":
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._done.set()
        for connection in self._connections:
            connection.close()

    def _look(self) -> None:
        while not self._done.wait(min(1.0, self._patience / 4)):
            if time.monotonic() > self._until:
                self.ended = True
                for connection in list(self._connections):
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)


def _say_if_ended(watch: _Watch, place: str) -> None:
    """Raises: InputError when the watch ended the connection."""
    if watch.ended:
        raise InputError(f"nothing whole came for {_PATIENCE:g} seconds", place=place) from None


def _watched(kind: type[HTTPConnection], watch: _Watch) -> Any:
    """What makes connections of a kind under watch."""

    def connect(*arguments: Any, **options: Any) -> HTTPConnection:
        made = kind(*arguments, **options)
        made._create_connection = watch.connect  # type: ignore[attr-defined]  # http.client's hook
        return made

    return connect


def _opener(watch: _Watch) -> urllib.request.OpenerDirector:
    class OverHttp(urllib.request.HTTPHandler):
        def http_open(self, req: Any) -> Any:
            return self.do_open(_watched(HTTPConnection, watch), req)

    class OverTls(urllib.request.HTTPSHandler):
        def https_open(self, req: Any) -> Any:
            return self.do_open(_watched(HTTPSConnection, watch), req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        OverHttp(),
        OverTls(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


class NotThereError(InputError):
    """The server has no such file."""


def pieces(url: str, most: int, see_size: Callable[[int], object] = int) -> Iterator[bytes]:
    """The bytes of an address, at most `most`; `see_size` is told how many the server announces.

    Raises: NotThereError, InputError (unreachable, silent or too slow), DataError when it ends
    early, LimitError when it is larger, RefusedError for a redirection away from the web.
    """
    place, done, start = visible(without_secrets(url)), 0, time.monotonic()
    watch = _Watch(_PATIENCE)
    with watch, _opened(url, watch) as answer:
        length = answer.headers.get("Content-Length", "")
        announced = int(length) if length.isdigit() and len(length) < 19 else None
        if announced is not None:
            _check_size(announced, most, place)
            see_size(announced)
        while piece := answer.read1(_PIECE):
            watch.progress()
            done += len(piece)
            _check_size(done, most, place)
            waited = time.monotonic() - start
            if waited > _SLOW and done < _LEAST * waited:
                raise InputError(f"too slow: {done} bytes in {waited:.0f} seconds", place=place)
            yield piece
    _say_if_ended(watch, place)  # what was cut off there looks like the end
    if announced is not None and done != announced:
        raise DataError(f"ended early: {done} of {announced} bytes", place=place)


def _check_size(size: int, most: int, place: str) -> None:
    if size > most:
        raise LimitError(f"more than {size_text(most)}", place=place)


@contextmanager
def _opened(url: str, watch: "_Watch") -> Iterator[Any]:
    """The answer of the server. Raises: InputError, also while it is read."""
    request = urllib.request.Request(url, headers={"User-Agent": "attn"})  # noqa: S310  (see above)
    place = visible(without_secrets(url))
    try:
        with _opener(watch).open(request, timeout=_SILENCE) as answer:
            _say_if_ended(watch, place)
            yield answer
    except HTTPError as fault:
        fault.close()
        _say_if_ended(watch, place)
        kind = NotThereError if fault.code in (404, 410) else InputError
        raise kind(f"the server answers {fault.code}", place=place) from None
    except TimeoutError:
        _say_if_ended(watch, place)
        raise InputError(f"nothing came for {_SILENCE:g} seconds", place=place) from None
    except InvalidURL:  # its own text would hold the password of http://name:password@host
        raise InputError(
            "cannot be read: expected a host and a port alone, without name and password",
            place=place,
        ) from None
    except (URLError, OSError, ValueError, HTTPException) as fault:
        _say_if_ended(watch, place)
        reason = getattr(fault, "reason", None) or str(fault) or type(fault).__name__
        if isinstance(reason, TimeoutError):
            reason = f"nothing came for {_SILENCE:g} seconds"
        raise InputError(f"cannot be read: {visible(str(reason))[:200]}", place=place) from None
