"""An option that is given again: lists are joined, of others the last counts and is said."""

import json

import pytest
import typer

from attncli.cli.app import app_for
from attncli.cli.repeats import without_repeats


@pytest.mark.parametrize("form", ["--include {} --include {}", "--include={} --include={}"])
def test_all_fields_count(command, form):
    """--include a --include b is --include a,b."""
    given = form.format("query", "scores").split()
    ended = command("explain", "money bank", "--json", *given)
    assert {"query", "scores"} <= set(json.loads(ended.text))
    assert ended.said == ""
    whole = command("explain", "money bank", "--json", "--include", "query,scores")
    assert whole.out == ended.out
    ended = command("explain", "bank", "--json", "--exclude", "line", "--exclude", "index,text")
    assert not {"line", "index", "text"} & set(json.loads(ended.text))


def test_all_sections_layers_and_heads_count(command):
    """--show, --layer and --head too."""
    one = command("explain", "money bank", "--show", "tokens,weights")
    assert command("explain", "money bank", "--show", "tokens", "--show", "weights").out == one.out
    base = ("explain", "money bank", "--attention", "task", "--heads", "3", "--json")
    one = command(*base, "--head", "2,0")
    assert command(*base, "--head", "2", "--head=0").out == one.out


def test_of_other_options_the_last_counts(command):
    """And it is said, unless --quiet."""
    last = command("explain", "money bank", "--temperature", "2")
    ended = command("explain", "money bank", "--temperature", "5", "--temperature", "2")
    assert ended.out == last.out
    assert (
        ended.said == "attn: warning: --temperature is given more than once: the last one counts\n"
    )
    quiet = command("explain", "money bank", "--temperature", "5", "--temperature", "2", "-q")
    assert quiet.said == ""


@pytest.mark.parametrize(
    ("line", "kept", "again"),
    [
        ("explain -o a.html -o b.html x", "explain -o a.html -o b.html x", ["--output"]),
        ("explain -oa.html --output=b.html x", None, ["--output"]),
        ("explain x -- --seed 1 --seed 2", None, []),
        ("explain --word --word", None, []),
        ("explain x --json --json", None, []),
        ("explain x --hide a --hide b --row a --row b", None, []),
        ("explain --show --seed --show 2 x", "explain --show --seed,2 x", []),
        ("vectors similar bank --count 2 --count 3", None, ["--count"]),
        ("vectors nosuch --count 2 --count 3", None, []),
        ("explain x --include", None, []),
        ("--version", None, []),
        ("", None, []),
    ],
)
def test_values_are_told_from_options(line, kept, again):
    """What an option takes is no option, whatever it looks like; nothing behind -- is one."""
    arguments = line.split()
    command = typer.main.get_command(app_for(arguments))
    expected = arguments if kept is None else kept.split()
    assert without_repeats(command, arguments) == (expected, again)
