"""A training that is watched: on a terminal, and in a page with a slider over the epochs."""

import hashlib
import html
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import child_environment

from attncli.results.frames import MOST_FRAMES, Film, Frame
from attncli.views.ink import Ink, width_of
from attncli.views.training_page import training_page
from attncli.views.watching import watch_lines

WEIGHTS = [
    {"text": "money bank grows", "weights": [[0.7, 0.2, 0.1], [0.25, 0.7, 0.05], [0.1, 0.2, 0.7]]},
    {
        "text": "river bank flows",
        "weights": [[0.8, 0.15, 0.05], [0.2, 0.78, 0.02], [0.4, 0.01, 0.59]],
    },
]
LABELED = ["text\tlabel", *(f"the {w} <b>& bank\tone{i % 2}" for i, w in enumerate("abcdefgh"))]
VECTORS = ("--vectors", "random", "--dim", "6", "--epochs", "12", "--d-k", "3")


@pytest.fixture(params=["weights", "labels"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Given weights, and labels."""
    path = tmp_path / "data.jsonl"
    if request.param == "weights":
        path.write_text("\n".join(map(json.dumps, WEIGHTS)), encoding="utf-8")
        return str(path)
    path = tmp_path / "data.tsv"
    path.write_text("\n".join(LABELED) + "\n", encoding="utf-8")
    return str(path)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _film(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_a_training_that_is_watched_learns_the_same_bytes(
    command: Callable, data: str, tmp_path: Path
) -> None:
    """With and without --watch and a page; the page too is the same each time."""
    plain, seen, page = (tmp_path / name for name in ("a.model", "b.model", "c.html"))
    assert command("train", data, "-o", str(plain), *VECTORS).code == 0
    pages = []
    for _ in range(2):
        ended = command("train", data, "-o", str(seen), "-o", str(page), "--watch", *VECTORS)
        assert ended.code == 0
        assert ended.out == b""
        assert "--watch draws on a terminal alone" in ended.said
        quiet = command("train", data, "-o", str(seen), "--watch", "-q", *VECTORS)
        assert quiet.said == ""
        pages.append(page.read_bytes())
        assert _sha(plain) == _sha(seen)
    assert pages[0] == pages[1]


def test_a_page_keeps_the_training_from_its_random_start(
    command: Callable, data: str, tmp_path: Path
) -> None:
    """Epoch 0 is untrained with its seed, matrices move; without a model nothing else is written."""
    page = tmp_path / "seen.html"
    ended = command("train", data, "-o", str(page), *VECTORS, "--seed", "5")
    assert ended.code == 0
    assert "no model is kept" in ended.said
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([Path(data).name, "seen.html"])
    text = page.read_text("utf-8")
    film = _film(text)
    first, last = film["frames"][0], film["frames"][-1]
    assert first["state"] == "epoch 0  untrained, seed 5: every number is random"
    assert set(first["changes"].values()) == {"random"}
    assert last["state"].startswith("epoch 12/12")
    assert all(re.fullmatch(r"moved [1-9]\d*%", change) for change in last["changes"].values())
    assert first["steps"] != last["steps"]
    assert last["weights"] == re.findall(r'<td class="w\d+">(\d\.\d\d)</td>', text)
    assert "<b>&" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "Made by" in text
    for name in ("W_q", "W_k", "W_v"):  # its title says what was learned
        assert (name in re.findall(r"<h1>(.*?)</h1>", text)[0]) == (name in last["changes"])
    assert not re.search(r"https?://|src=|href=|@import|url\(", text)


def test_the_last_frame_has_the_weights_of_the_model(command: Callable, tmp_path: Path) -> None:
    """What the page shows in the end, attn explain shows of the model."""
    data, page, model = (tmp_path / name for name in ("w.jsonl", "w.html", "w.model"))
    data.write_text("\n".join(map(json.dumps, WEIGHTS)), encoding="utf-8")
    options = ("--vectors", "random", "--dim", "6", "--d-k", "4")
    assert command("train", str(data), "-o", str(model), "-o", str(page), *options).code == 0
    said = command("explain", WEIGHTS[0]["text"], "--model", str(model), *options[:4], "--json")
    weights = np.array(json.loads(said.out)["weights"]).ravel()
    shown = [float(weight) for weight in _film(page.read_text("utf-8"))["frames"][-1]["weights"]]
    assert np.abs(weights - shown).max() < 0.02


def test_a_training_that_diverges_says_so_and_keeps_what_was_seen(
    command: Callable, data: str, tmp_path: Path
) -> None:
    """The error is that of the training, whoever watches."""
    page = tmp_path / "x.html"
    ended = command("train", data, "-o", str(page), *VECTORS, "--learning-rate", "1e30")
    assert ended.code == 13
    assert "diverged" in ended.said
    assert _film(page.read_text("utf-8"))["frames"][0]["state"].startswith("epoch 0  untrained")


@pytest.mark.parametrize("start", [0, 33])
@pytest.mark.parametrize("epochs", [1, 99, 100, 101, 1234, 30_000])
def test_a_film_is_short_however_long_the_training(epochs: int, start: int) -> None:
    """At most a hundred frames, the first and the last among them, evenly over the epochs."""
    film, none = Film(), np.zeros((0, 0))

    def frame(epoch: int) -> Frame:
        return Frame(epoch, None, {}, {}, none)

    for epoch in range(start, start + epochs + 1):
        if film.wants(epoch):
            film.add(frame(epoch))
    film.ended(frame(start + epochs))
    kept = [frame.epoch for frame in film.frames]
    assert kept[0] == start
    assert kept[-1] == start + epochs
    assert len(kept) <= MOST_FRAMES
    assert len(kept) > min(epochs, MOST_FRAMES // 2 - 1)
    assert len({b - a for a, b in pairwise(kept[:-1])}) <= 1


def _frames(data: str) -> list:
    from attncli.cli.app import run
    from attncli.cli.train import watching

    seen: list = []

    class Seeing(watching.Watching):
        def _see(self, progress, epoch):
            frame = self._camera.frame(progress, epoch)
            seen.append((self._camera.scene, frame, [*self._film.losses]))
            super()._see(progress, epoch)

    original, watching.Watching = watching.Watching, Seeing
    try:
        assert run(["train", data, "-o", data + ".html", "-q", *VECTORS]) == 0
    finally:
        watching.Watching = original
    return seen


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("colors", [None, "16", "truecolor"])
def test_a_frame_fits_every_terminal(data: str, colors: str | None, unicode: bool) -> None:
    """40 to 200 columns, 8 to 60 rows; in ASCII where Unicode cannot be shown."""
    frames = _frames(data)
    for width in (40, 64, 80, 200):
        for height in (8, 24, 60):
            ink = Ink(colors, unicode, width=width)
            for scene, frame, losses in (frames[0], frames[-1]):
                lines = watch_lines(scene, frame, losses, ink, width=width, height=height)
                assert len(lines) <= height
                assert all(sum(width_of(p.text) for p in line) <= width for line in lines)
                text = ink.rendered(lines)
                assert text.count("\n") == len(lines)
                assert unicode or text.isascii()
    text = Ink(width=80).rendered(watch_lines(*frames[0], Ink()))
    assert "epoch 0  untrained, seed 0: every number is random" in text
    assert "W_q 6×3" in text


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize("stopped", [False, True])
def test_a_terminal_shows_frames_and_is_left_clean(tmp_path: Path, stopped: bool) -> None:
    """The cursor comes back, at the end and on Ctrl-C, which keeps the model and the page."""
    import fcntl
    import pty
    import termios

    data = tmp_path / "w.jsonl"
    data.write_text("\n".join(map(json.dumps, WEIGHTS)), encoding="utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
    epochs, tolerance = ("1000000", "1e-12") if stopped else ("40", "1e-12")
    options = ("--vectors", "random", "--dim", "6", "--epochs", epochs, "--tolerance", tolerance)
    running = subprocess.Popen(
        [
            sys.executable,
            *("-m", "attncli", "train", "w.jsonl"),
            *("-o", "w.model", "-o", "w.html", "--watch"),
            *options,
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=child_environment(),
    )
    os.close(theirs)
    said, stopping = b"", False
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        assert ready, said
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
        if stopped and said.count(b"W_q") >= 3:
            running.send_signal(signal.SIGINT)
            stopping, stopped = True, False
    out, _ = running.communicate(timeout=60)
    os.close(ours)
    assert running.returncode == (130 if stopping else 0)
    assert out == b""
    text = said.decode("utf-8", "replace")
    assert 0 <= text.index("\x1b[?25l") < text.index("W_q")
    assert text.rindex("\x1b[?25h") > text.rindex("W_q")
    assert "untrained, seed 0" in text
    assert ("stopped" if stopping else "trained: ") in text.rpartition("\x1b[?25h")[2]
    assert (tmp_path / "w.model").exists()
    assert len(_film((tmp_path / "w.html").read_text("utf-8"))["frames"]) <= MOST_FRAMES


@pytest.mark.parametrize("kind", ["weights", "target"])
def test_a_long_sentence_keeps_the_page_small(command: Callable, tmp_path: Path, kind: str) -> None:
    """Where all sentences are long, some words are seen, and it is said of how many."""
    words = [f"w{i}" for i in range(300)]
    rows = [{"text": " ".join(words), "weights": np.full((300, 300), 1 / 300).tolist()}]
    if kind == "target":
        rows = [{"text": " ".join(words), "label": name, "target": "w7"} for name in "ab"]
    data, page = tmp_path / "w.jsonl", tmp_path / "w.html"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert command("train", str(data), "-o", str(page), *VECTORS).code == 0
    text = page.read_text("utf-8")
    assert len(text) < 200_000
    assert f"{64 if kind == 'target' else 16} of its 300 words" in text


def test_words_of_the_data_stay_words(data: str) -> None:
    """Markup in a word is text in the page."""
    scene, frame, losses = _frames(data)[-1]
    film = Film()
    film.losses += losses
    film.add(frame)
    hostile = tuple("</script><b>" for _ in scene.words)
    page = training_page(scene._replace(words=hostile, readers=hostile[: len(scene.readers)]), film)
    assert "<b>" not in page
    assert page.count("</script>") == 2
    assert html.escape("</script><b>") in page
