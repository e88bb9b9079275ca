"""Laws of the terminal: colors only where they are wanted, plain everywhere else."""

import os
import re
import sys

import pytest
from conftest import child_environment
from hypothesis import given
from hypothesis import strategies as st

from attncli.cli.screen import color_system, wants_color, width_for

SENTENCE = ("explain", "money bank grows", "--show", "weights")
CODES = {"truecolor": b"48;2;", "256": b"48;5;", "16": b"[30;4"}


def on_a_terminal(*arguments, columns=80, **env):
    """What the command writes to a pseudo-terminal, and its exit code."""
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "attncli", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=child_environment(**env),
    )
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(master)
    return process.wait(), b"".join(parts).replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("env", "system"),
    [
        ({"COLORTERM": "truecolor"}, "truecolor"),
        ({"COLORTERM": "24bit", "TERM": "xterm"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "dumb"}, None),
        ({"NO_COLOR": "1"}, None),
        ({"NO_COLOR": ""}, "256"),
        ({"CLICOLOR": "0"}, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, None),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "16"),
    ],
    ids=str,
)
def test_a_terminal_has_the_colors_it_says_it_has(env, system):
    """Each color system in a process of its own."""
    code, out = on_a_terminal(*SENTENCE, **env)
    assert code == 0
    assert b"0.779" in out
    found = [name for name, sign in CODES.items() if sign in out]
    assert found == ([] if system is None else [system])
    assert (b"\x1b" in out) is (system is not None)


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "3"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"CLICOLOR_FORCE": "1"}, True),
        ((), {"CLICOLOR_FORCE": "0"}, False),
        ((), {"CLICOLOR": "1"}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        (("--json",), {"FORCE_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_a_pipe_is_plain_unless_asked(command, monkeypatch, options, env, colored):
    """Policies of NO_COLOR, FORCE_COLOR, CLICOLOR and --color; JSON never has colors."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    ended = command(*SENTENCE, *options)
    assert ended.code == 0
    assert (b"\x1b[" in ended.out) is colored


def test_colors_are_the_only_difference(attn):
    """Without its escape codes, the page of a terminal is the page of a pipe."""
    _, out = on_a_terminal("explain", "money bank grows", COLORTERM="truecolor")
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", out)
    lines = [line for line in plain.splitlines() if not line.startswith(b"  scale")]
    assert lines == attn("explain", "money bank grows").out.splitlines()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_width_is_that_of_the_terminal(columns):
    """The page fits the window."""
    text = "the money in the bank by the river grows and flows"
    _, out = on_a_terminal("explain", text, "--color", "never", columns=columns)
    lines = out.decode().splitlines()
    assert max(map(len, lines)) <= columns
    assert max(map(len, lines)) > columns // 2


@pytest.mark.parametrize("columns", [24, 40])
def test_many_unknown_words_and_their_warnings_fit_too(columns):
    """120 words that nobody knows, and one that is longer than the window: on both streams."""
    text = " ".join([*(f"wörd{i}x" for i in range(119)), "x" * 100])
    code, out = on_a_terminal("explain", text, "--color", "never", columns=columns)
    assert code == 0
    assert b"warning: not in" in out.replace(b"\n  ", b" ")
    assert max(map(len, out.decode().splitlines())) <= columns


@pytest.mark.parametrize("columns", [20, 40])
@pytest.mark.parametrize(
    "arguments",
    [
        ("vectors", "info", "glove"),
        ("vectors", "list"),
        ("vectors", "similar", "bank"),
        ("model", "info", "idioms"),
        ("explain", "銀行" * 40 + " bank", "--vectors", "random", "--dim", "2", "--speak"),
        ("explain", "銀行" * 40, "--color", "never", "--show", "tokens"),
    ],
    ids=" ".join,
)
def test_every_line_fits_a_narrow_terminal(arguments, columns):
    """Tables of facts and words, speech and warnings of wide characters, on both streams."""
    from rich.cells import cell_len

    code, out = on_a_terminal(*arguments, columns=columns)
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.decode()).splitlines()
    assert max(map(cell_len, lines)) <= columns, lines


@pytest.mark.parametrize("given_columns", ["0", "-5", "text", "", "1e3"])
def test_columns_that_are_no_number_are_passed_over(command, monkeypatch, given_columns):
    """COLUMNS of another kind leaves the 80 of a pipe."""
    plain = command(*SENTENCE).out
    monkeypatch.setenv("COLUMNS", given_columns)
    assert command(*SENTENCE).out == plain


@given(st.text(max_size=8), st.none() | st.integers(1, 500))
def test_any_columns_give_a_usable_width(columns, asked):
    """--width counts first; a width is never zero."""
    width = width_for(asked, {"COLUMNS": columns})
    assert width == asked if asked else 1 <= width <= 10_000


def test_columns_count_without_a_terminal(attn):
    """COLUMNS=40 narrows a pipe, and a million columns do no harm."""
    assert (
        max(map(len, attn("explain", "money bank grows", env={"COLUMNS": "40"}).text.splitlines()))
        <= 40
    )
    assert attn(*SENTENCE, env={"COLUMNS": "1000000"}).code == 0


VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM")


@given(
    st.sampled_from(["auto", "always", "never"]),
    st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from(["", "0", "1", "dumb"])),
    st.booleans(),
)
def test_the_order_of_the_policies(choice, env, is_terminal):
    """--color, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM, then the terminal."""
    wanted = wants_color(choice, env, is_terminal)
    if choice != "auto":
        assert wanted is (choice == "always")
    elif env.get("NO_COLOR"):
        assert wanted is False
    elif env.get("FORCE_COLOR"):
        assert wanted is (env["FORCE_COLOR"] != "0")
    elif env.get("CLICOLOR_FORCE", "") not in ("", "0"):
        assert wanted is True
    elif env.get("CLICOLOR") == "0" or env.get("TERM") == "dumb":
        assert wanted is False
    else:
        assert wanted is is_terminal


@pytest.mark.parametrize(
    ("env", "system"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "screen-256color"}, "256"),
        ({"TERM": "xterm-kitty"}, "256"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "dumb"}, "16"),
        ({}, "16"),
    ],
)
def test_the_number_of_colors_is_what_the_terminal_says(env, system):
    """COLORTERM, then TERM."""
    assert color_system(env) == system


def test_a_sentence_is_asked_for_on_a_terminal():
    """Without a sentence the command does not wait for one: it says how to give it (exit 2)."""
    code, out = on_a_terminal("explain", COLUMNS="80")
    assert code == 2
    assert b"hint: attn explain" in out


@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_other_locales_get_ascii_signs_and_the_same_numbers(attn, env):
    """LANG=C and Latin-1: nothing is lost, and JSON stays UTF-8."""
    asked = ("explain", "money naïve bank", "--show", "weights,equations")
    ended = attn(*asked, env=env)
    assert ended.code == 0
    numbers = re.findall(r"\d\.\d{2,3}", ended.out.decode("latin-1"))
    assert numbers == re.findall(r"\d\.\d{2,3}", attn(*asked).text)
    assert "money(new) = " in ended.out.decode("latin-1")
    as_json = attn("explain", "money naïve bank", "--json", env=env)
    assert as_json.out == attn("explain", "money naïve bank", "--json").out
