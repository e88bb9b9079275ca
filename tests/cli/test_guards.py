"""An output never goes over an input."""

from pathlib import Path

import pytest

from attncli.cli.guards import expect_apart
from attncli.errors import UsageError


def test_an_output_is_not_the_input(tmp_path: Path) -> None:
    """A file that is read is refused as output, under any of its names; others pass."""
    file = tmp_path / "s.txt"
    file.write_text("bank\n", encoding="utf-8")
    link = tmp_path / "link.txt"
    link.symlink_to(file)
    for other in (file, link, tmp_path / "." / "s.txt"):
        with pytest.raises(UsageError, match="also read or written"):
            expect_apart("--output", str(file), str(other))
    expect_apart("--output", str(tmp_path / "new.html"), str(file))
    expect_apart("--output", "-", "-")
    expect_apart("--output", None, str(file))


def test_two_new_files_of_one_name_are_one(tmp_path: Path) -> None:
    """A log and a model of the same name are refused before either is there."""
    with pytest.raises(UsageError):
        expect_apart("--log", str(tmp_path / "m"), str(tmp_path / "m"))


def test_explain_and_train_keep_their_input(command, tmp_path: Path) -> None:
    """`explain -f F -o F` and `train F -o F` end with 2, and F is as it was."""
    sentences = tmp_path / "s.csv"
    sentences.write_text("bank\n", encoding="utf-8")
    assert command("explain", "-f", str(sentences), "-o", str(sentences)).code == 2
    assert command("train", str(sentences), "-o", str(sentences)).code == 2
    assert command("train", str(sentences), "-o", "m", "--log", str(sentences)).code == 2
    assert sentences.read_text(encoding="utf-8") == "bank\n"
