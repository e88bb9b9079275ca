"""Laws of --diagram: every file has the drawing, and what cannot be drawn is refused."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from views.drawings import SHORT


@pytest.mark.parametrize("suffix", ["svg", "html", "pdf", "png", "md", "tex"])
def test_every_file_holds_the_drawing(command: Callable, tmp_path: Path, suffix: str) -> None:
    """One for each word that is followed, of every sentence."""
    for library, needed in (("resvg_py", "png"), ("typst", "pdf")):
        if suffix == needed:
            pytest.importorskip(library)
    path = tmp_path / f"out.{suffix}"
    task = ("--attention", "task", "--d-k", "2", "--d-v", "2")
    texts = (SHORT, "river bank flows")
    ended = command("explain", *texts, *task, "--diagram", "--row", "bank,0", "-o", str(path))
    assert (ended.code, ended.said) == (0, f"attn: note: wrote {path}\n")
    data = path.read_bytes()
    assert len(data) > 2000
    if suffix in ("svg", "html"):
        markup = data.decode()
        assert len(re.findall(r'data-stage="new" data-word="0"', markup)) == 4
        for name in ("How bank attends in", "How river attends in", "untrained, seed 0"):
            assert name in markup
    elif suffix == "md":
        assert data.decode().count("the sum: new") == 4
    elif suffix == "tex":
        assert data.decode().count("softmax") == 4


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        *((("--agg", "mean"), 2, "--agg: found --diagram too"),),
        (("--hide", "bank"), 2, "--hide: found --diagram too"),
        (("--attention", "task", "--against", "general"), 2, "--against: found --diagram too"),
        (("--steps",), 2, "--diagram: found --steps too"),
        (("--speak",), 2, "--diagram: found --speak too"),
        (("--row", "river"), 2, '--row: "river" is not in'),
        (("--json",), 0, "--diagram has no effect with --json"),
        (("-o", "x.csv"), 0, "--diagram has no effect in a .csv file"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options, code, said
) -> None:
    """One line that says which two do not go together."""
    monkeypatch.chdir(tmp_path)
    ended = command("explain", SHORT, "--diagram", *options)
    assert ended.code == code
    assert said in ended.said
    assert code == 0 or len(ended.said.splitlines()) == 1


def test_saved_results_are_drawn_or_refused(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds its stages is drawn as before; drawn-together heads and other tools' weights are not."""
    monkeypatch.chdir(tmp_path)
    assert command("explain", SHORT, "--steps", "--json").code == 0
    stages = command("explain", SHORT, "--steps", "--json").out
    Path("r.json").write_bytes(stages)
    whole = command("explain", SHORT, "--diagram", "--row", "bank").out
    assert command("view", "r.json", "--diagram", "--row", "bank").out == whole
    Path("plain.json").write_bytes(command("explain", SHORT, "--json").out)
    np.save("w.npy", np.eye(2))
    task = ("--attention", "task", "--heads", "2", "--steps", "--json")
    Path("h.json").write_bytes(command("explain", SHORT, *task).out)
    for arguments, code, said in (
        (("plain.json",), 5, "--diagram: the result holds no query"),
        (("w.npy",), 2, "--diagram: found a result with no stages"),
        (("h.json", "--agg", "mean"), 2, "the mean of several heads weighs no vectors"),
        (("h.json", "--hide", "bank"), 2, "rows are rescaled"),
    ):
        ended = command("view", *arguments, "--diagram")
        assert (ended.code, said in ended.said) == (code, True), ended.said
        ended = command("view", *arguments, "--diagram", "-o", "x.svg")
        assert (ended.code, said in ended.said) == (code, True), ended.said
        assert not Path("x.svg").exists()
