"""--random-matrices: task-specific attention before anything is learned, in one word."""

import json

import pytest

SENTENCE = "money bank grows"


@pytest.mark.parametrize("options", [(), ("--heads", "2", "--d-k", "3"), ("--preset", "by-hand")])
def test_random_matrices_are_task_attention(command, options):
    """The same record, which says untrained and the seed."""
    short = command("explain", SENTENCE, "--random-matrices", "--seed", "3", "--json", *options)
    long = command("explain", SENTENCE, "--attention", "task", "--seed", "3", "--json", *options)
    assert short.out == long.out
    assert json.loads(short.out)["model"]["name"] == "untrained, seed 3"


@pytest.mark.parametrize(
    "other",
    [
        ("--attention", "general"),
        ("--model", "idioms"),
        ("--w-q", "1,0;0,1"),
        ("--matrices", "exercise.toml"),
    ],
)
@pytest.mark.parametrize("name", ["explain", "compare", "batch"])
def test_matrices_of_one_kind_only(command, tmp_path, name, other):
    """Random ones beside others, or beside attention without any, are refused by name."""
    texts = [SENTENCE, "river bank flows"] if name == "compare" else [SENTENCE]
    if name == "batch":
        (tmp_path / "s.txt").write_text(SENTENCE)
        texts = [str(tmp_path / "s.txt")]
    ended = command(name, *texts, "--random-matrices", *other)
    assert ended.code == 2
    assert f"--random-matrices: found {other[0]}" in ended.said
