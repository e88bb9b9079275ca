"""`attn vectors fetch` against a server on loopback: good, wrong, cut, endless, silent, elsewhere."""

import gzip
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import child_environment
from vector_files import WORDS, text

from attncli.embeddings import fetching
from attncli.files import downloading


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    """A cache of our own."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))


class _Mirror:
    """A catalog served on loopback; what is callable answers for itself."""

    def __init__(self, files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                data = files.get(self.path)
                if callable(data):
                    data(self)
                    return
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *arguments):
                pass

        asked = self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def mirror():
    """Starts servers, and stops them at the end."""
    started = []

    def start(files):
        started.append(_Mirror(files))
        return started[-1]

    yield start
    for server in started:
        server.server.shutdown()
        server.server.server_close()
        server.thread.join()


DATA = gzip.compress(text(header=True), mtime=0)


def test_fetch_takes_the_data_and_never_the_code(command, mirror):
    """The file is checked, imported under its name, and the Python beside it is not asked for."""
    catalog = {"models": {"tiny": {"sha256": hashlib.sha256(DATA).hexdigest(), "parts": "1"}}}
    files = {"/list.json": json.dumps(catalog).encode(), "/tiny/tiny.gz": DATA}
    served = mirror({**files, "/tiny/__init__.py": b"raise SystemExit"})
    assert command("vectors", "fetch", "tiny", "--mirror", served.url).code == 0
    assert not [path for path in served.asked if path.endswith(".py")]
    found = json.loads(command("vectors", "info", "tiny", "--json").out)
    assert found["words"] == len(WORDS)
    assert command("explain", "money bank", "--vectors", "tiny").code == 0
    assert command("vectors", "fetch", "other", "--mirror", served.url).code == 2


MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()
HALF = len(DATA) // 2
PARTS = {"/tiny/tiny.gz_00": DATA[:HALF], "/tiny/tiny.gz_01": DATA[HALF:]}


def listed(**facts):
    """A catalog with one entry."""
    return {"/list.json": json.dumps({"models": {"tiny": facts}}).encode()}


def md5_of(data):
    """The MD5 as the catalog writes it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def kept(tmp_path):
    """What lies in the cache, names and entries."""
    root = tmp_path / "cache" / "vectors"
    return [path for path in root.rglob("*") if path.is_file()] if root.exists() else []


@pytest.mark.parametrize(
    "facts",
    [
        {"checksum": MD5, "parts": "2"},
        {"checksum-0": md5_of(DATA[:HALF]), "checksum-1": md5_of(DATA[HALF:]), "parts": 2},
    ],
)
def test_fetch_joins_parts_and_takes_a_published_md5(command, mirror, facts):
    """Of the whole, or of each part; the SHA-256 is told, kept, and can be demanded."""
    served = mirror({**listed(**facts), **PARTS})
    ended = command("vectors", "fetch", "tiny", "--mirror", served.url)
    assert ended.code == 0
    assert f"--sha256 {SHA256}" in ended.said
    assert json.loads(command("vectors", "info", "tiny", "--json").out)["file_sha256"] == SHA256
    again = command("vectors", "fetch", "tiny", "--mirror", served.url, "--sha256", SHA256)
    assert (again.code, "warning" in again.said) == (0, False)
    found = json.loads(
        command("vectors", "fetch", "tiny", "--mirror", served.url, "--json", "--quiet").out
    )
    assert (found["file_sha256"], found["words"]) == (SHA256, len(WORDS))


def test_every_checksum_that_is_known_is_checked(command, mirror, tmp_path):
    """A right SHA-256 beside a wrong MD5, or one wrong part: nothing is kept."""
    parts = {"checksum-0": md5_of(DATA[:HALF]), "checksum-1": "0" * 32, "parts": 2}
    for files, option in (
        ({**listed(checksum="0" * 32), "/tiny/tiny.gz": DATA}, ("--sha256", SHA256)),
        ({**listed(checksum=MD5, sha256="0" * 64), "/tiny/tiny.gz": DATA}, ()),
        ({**listed(checksum=MD5), "/tiny/tiny.gz": DATA}, ("--sha256", "0" * 64)),
        ({"/tiny/tiny.gz": DATA, "/tiny/tiny.gz.sha256": b"0" * 64 + b"  tiny.gz"}, ()),
        ({**listed(**parts), **PARTS}, ()),
    ):
        ended = command("vectors", "fetch", "tiny", "--mirror", mirror(files).url, *option)
        assert (ended.code, "nothing is kept" in ended.said) == (5, True)
        assert kept(tmp_path) == []


def test_what_is_fetched_again_takes_the_place_of_the_old(command, mirror, tmp_path):
    """The entry of a name's older content is not left behind."""
    files = {**listed(sha256=SHA256), "/tiny/tiny.gz": DATA}
    served = mirror(files)
    assert command("vectors", "fetch", "tiny", "--mirror", served.url).code == 0
    other = gzip.compress(text(header=True).replace(b"money", b"honey"), mtime=0)
    files |= {**listed(sha256=hashlib.sha256(other).hexdigest()), "/tiny/tiny.gz": other}
    assert command("vectors", "fetch", "tiny", "--mirror", served.url).code == 0
    got = json.loads(command("vectors", "get", "honey", "--vectors", "tiny", "--json").out)
    assert list(got["vectors"]) == ["honey"]
    assert len(list((tmp_path / "cache" / "vectors").glob("v2-*"))) == 1
    assert not list((tmp_path / "cache" / "vectors").glob("tmp-*"))


def redirect(target):
    """An answer that sends elsewhere."""

    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def announced(size, data):
    """An answer that announces another size than it sends."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def silence(handler):
    """An answer that never goes on."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x")
    handler.wfile.flush()
    time.sleep(3)


def dripping(handler):
    """An answer that goes on for ever, a byte at a time."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        pass


def for_ever(line):
    """An answer that says one thing again and again, before anything else, 100 ms apart."""

    def answer(handler):
        try:
            for _ in range(100):
                handler.wfile.write(line)
                time.sleep(0.1)
        except OSError:
            pass

    return answer


def dripping_headers(handler):
    """Headers that come a byte at a time."""
    try:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        pass


def dripping_chunk(handler):
    """The size of a chunk, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for_ever(b"1;x=")(handler)


HOSTILE = {
    "cut": (announced(len(DATA), DATA[:-9]), 5, "ended early"),
    "oversize": (announced(1 << 50, b"x"), 8, "more than 16.0 GiB"),
    "to a file": (redirect("file:///etc/passwd"), 7, "redirects to file:///etc/passwd"),
    "to ftp": (redirect("ftp://127.0.0.1/x"), 7, "redirects to ftp://"),
    "in circles": (redirect("/tiny/tiny.gz"), 6, "answers 302"),
    "silent": (silence, 6, "nothing came for 0.3 seconds"),
    "dripping": (dripping, 6, "too slow"),
    "dripping headers": (dripping_headers, 6, "nothing whole came for 1 seconds"),
    "100 Continue": (for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"), 6, "nothing whole came"),
    "dripping chunk": (dripping_chunk, 6, "nothing whole came"),
    "an error": (lambda handler: handler.send_error(500), 6, "answers 500"),
    "nonsense": (lambda handler: handler.wfile.write(b"\x00\x01\x02\n\n"), 6, "cannot be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_is_told_of_and_leaves_nothing(
    command, mirror, monkeypatch, tmp_path, name
):
    """Cut, endless, silent, slow, or sending elsewhere: one line, in time, and nothing is kept."""
    monkeypatch.setattr(downloading, "_SILENCE", 0.3)
    monkeypatch.setattr(downloading, "_SLOW", 0.5)
    monkeypatch.setattr(downloading, "_PATIENCE", 1.0)
    answer, code, said = HOSTILE[name]
    served = mirror({**listed(sha256=SHA256), "/tiny/tiny.gz": answer})
    ended = command("vectors", "fetch", "tiny", "--mirror", served.url)
    assert (ended.code, said in ended.said) == (code, True), ended.said
    assert kept(tmp_path) == []


def test_an_endless_file_is_cut_off(command, mirror, monkeypatch, tmp_path):
    """Also when no size is announced; so is an endless catalog."""
    monkeypatch.setattr(fetching, "_LARGEST_FILE", 1000)
    monkeypatch.setattr(fetching, "_LARGEST_LIST", 1000)

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x" * 100_000)

    for files in ({**listed(sha256=SHA256), "/tiny/tiny.gz": endless}, {"/list.json": endless}):
        ended = command("vectors", "fetch", "tiny", "--mirror", mirror(files).url)
        assert (ended.code, "more than 1000 bytes" in ended.said) == (8, True)
        assert kept(tmp_path) == []


def test_a_redirection_on_the_web_is_followed(command, mirror):
    """Releases of the catalog lie behind one."""
    far = mirror({"/data": DATA})
    served = mirror({**listed(sha256=SHA256), "/tiny/tiny.gz": redirect(f"{far.url}/data")})
    assert command("vectors", "fetch", "tiny", "--mirror", served.url).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_download_that_is_stopped_leaves_nothing(mirror, tmp_path, number):
    """Neither in the cache nor in the folder for temporary files."""
    served = mirror({**listed(sha256=SHA256), "/tiny/tiny.gz": silence})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        **child_environment(),
        "ATTN_CACHE_DIR": os.environ["ATTN_CACHE_DIR"],
        "TMPDIR": str(temporary),
    }
    arguments = [sys.executable, "-m", "attncli", "vectors", "fetch", "tiny"]
    process = subprocess.Popen(
        [*arguments, "--mirror", served.url], env=environment, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while "/tiny/tiny.gz" not in served.asked and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert b"Traceback" not in said
    assert process.returncode in (128 + number, -number)
    if number == signal.SIGINT:
        assert kept(tmp_path) == []
    else:  # what is left is swept by the next
        good = mirror({**listed(sha256=SHA256), "/tiny/tiny.gz": DATA})
        subprocess.run(
            [*arguments, "--mirror", good.url], env=environment, check=True, capture_output=True
        )
        assert not list(Path(tmp_path / "cache" / "vectors").glob("tmp-*"))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("option", [("--sha256", "0" * 64), ()])
def test_fetch_keeps_nothing_of_a_wrong_file(command, mirror, option):
    """Another checksum, or none at all: an error, and no vectors of this name."""
    served = mirror({"/tiny/tiny.gz": DATA})
    assert command("vectors", "fetch", "tiny", "--mirror", served.url, *option).code == 5
    assert command("vectors", "info", "tiny").code == 2


@pytest.mark.parametrize(
    ("name", "url", "code"),
    [
        ("tiny", "http://127.0.0.1:9", 6),
        ("tiny", "file:///etc", 2),
        ("tiny", "http://[", 2),
        ("tiny", "http://127.0.0.1:x", 2),
        ("tiny", "http://", 2),
        ("../tiny", "http://127.0.0.1:9", 2),
    ],
)
def test_fetch_says_what_is_wrong_with_a_mirror(command, name, url, code):
    """A server that is not there, an address of another kind, a name that is none."""
    assert command("vectors", "fetch", name, "--mirror", url).code == code


@pytest.mark.parametrize(
    "parts", ["0000000013000000", "000000001" + "9" * 5000, "0", "-1", "101", "x"]
)
def test_a_number_of_parts_that_is_none_is_told(command, mirror, parts):
    """However it is written, no number of parts is believed beyond a hundred."""
    served = mirror(listed(parts=parts, sha256=SHA256))
    ended = command("vectors", "fetch", "tiny", "--mirror", served.url)
    assert (ended.code, "parts" in ended.said) == (5, True)
    assert [path for path in served.asked if path.endswith("gz")] == []


def test_a_secret_in_an_address_is_not_printed(command):
    """The name and password of a mirror stay out of every message."""
    ended = command("vectors", "fetch", "tiny", "--mirror", "http://user:hunter2@127.0.0.1:9")
    assert ended.code == 6
    assert "hunter2" not in ended.said
