"""Slow downloads over TLS: a server that is silent or drips, at any moment, is given up in words."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from attncli.files import downloading

x509 = pytest.importorskip("cryptography.x509")

_DRIP = 0.05  # seconds between two bytes
_PATIENCE = 1.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that was made a moment ago, with its key."""
    from ipaddress import ip_address

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class _Server:
    """Raw bytes behind TLS: first a head, then drops until it is closed."""

    def __init__(self, certificate: Path, head: bytes, drops: bytes, handshake: bool) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._head, self._drops, self._handshake = head, drops, handshake
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                plain = self._listener.accept()[0]
            except TimeoutError:
                continue
            self._threads.append(threading.Thread(target=self._answer, args=(plain,)))
            self._threads[-1].start()

    def _answer(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):  # the client gives up
            if not self._handshake:
                self._ended.wait(60)
                return
            with self._context.wrap_socket(plain, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(self._head)
                while self._drops and not self._ended.wait(_DRIP):
                    stream.sendall(self._drops)


@pytest.fixture
def serve(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Starts a server behind TLS; the machine trusts its certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    servers: list[_Server] = []

    def start(head: bytes, drops: bytes, *, handshake: bool = True) -> str:
        servers.append(_Server(certificate, head, drops, handshake))
        return servers[-1].url

    yield start
    for server in servers:
        server.close()


_OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "drops", "handshake"),
    [
        (b"", b"", False),
        (_OK, b"X", True),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", True),
        (_OK + b"Content-Length: 1000000\r\n\r\n", b"a", True),
        (_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", True),
        (_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0", True),
    ],
    ids=["handshake", "headers", "continue", "body", "chunks", "size of a chunk"],
)
def test_a_download_that_does_not_get_on_ends(
    serve: Callable[..., str],
    command: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    head: bytes,
    drops: bytes,
    handshake: bool,
) -> None:
    """Whether nothing comes or a byte now and then: exit 6 soon, and nothing stays behind."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(downloading, "_PATIENCE", _PATIENCE)
    monkeypatch.setattr(downloading, "_SLOW", _PATIENCE)
    monkeypatch.setattr(downloading, "_SILENCE", _PATIENCE)
    address = serve(head, drops, handshake=handshake)
    began = time.monotonic()
    ended = command("vectors", "fetch", "tiny", "--mirror", address)
    assert time.monotonic() - began < 20
    assert ended.code == 6, ended.said  # type: ignore[attr-defined]
    assert ended.is_clean()  # type: ignore[attr-defined]
    assert not [path for path in tmp_path.rglob("*.gz*") if path.is_file()]


def test_a_certificate_of_nobody_is_refused(
    serve: Callable[..., str],
    command: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What the machine does not trust is not spoken to."""
    address = serve(_OK + b"Content-Length: 2\r\n\r\n{}", b"")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    ended = command("vectors", "fetch", "tiny", "--mirror", address)
    assert (ended.code, ended.is_clean()) == (6, True)  # type: ignore[attr-defined]
