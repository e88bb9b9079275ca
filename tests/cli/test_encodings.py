"""Laws of other encodings: whatever the locale, every help and every output can be written."""

import os
import subprocess
import sys

import pytest
import typer
from conftest import child_environment

from attncli.cli.app import app_for
from attncli.escape import spelled

ENCODINGS = ("cp1252", "cp437", "latin-1", "ascii", "ascii:surrogateescape", "cp1255", "utf-16")
_PROGRAM = """
import sys
from attncli.cli.app import run
codes = []
for line in sys.argv[1:]:
    print("#", ascii(line), flush=True)
    codes.append(run(line.split("\\t")))
sys.exit(max(codes))
"""


def every_help(command, path=()):
    """The lines that ask for help of each command, short and whole, with its own commands."""
    yield from ("\t".join((*path, asked)) for asked in ("-h", "--help"))
    for name, inner in getattr(command, "commands", {}).items():
        yield from every_help(inner, (*path, name))


def written(lines, encoding, **env):
    """What the command lines write in one process with this encoding, and the greatest code."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *lines],
        capture_output=True,
        env=child_environment(**{"PYTHONIOENCODING": encoding, "COLUMNS": "100", **env}),
    )
    return done.returncode, done.stdout, done.stderr


def in_encoding(text, encoding):
    """The text as it should look: characters that the encoding does not have are spelled."""
    codec = encoding.partition(":")[0]
    shown = "".join(c if c.encode(codec, "ignore") else spelled(c) for c in text)
    return shown.encode(codec).decode(codec)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_is_readable_in_every_encoding(encoding):
    """Exit 0; signs that the encoding lacks are spelled in ASCII, and nothing else differs."""
    lines = list(every_help(typer.main.get_command(app_for([]))))
    assert len(lines) > 15
    plain = written(lines, "utf-8")[1].decode("utf-8")
    code, out, _ = written(lines, encoding)
    assert code == 0
    shown = out.decode(encoding.partition(":")[0])
    assert shown.split() == in_encoding(plain, encoding).split()  # lines may be folded elsewhere


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("columns", [40, 48, 80])
def test_no_help_is_wider_than_the_terminal(columns, encoding):
    """Only lines to be typed as they stand, the examples, may be longer than the terminal is wide."""
    lines = list(every_help(typer.main.get_command(app_for([]))))
    code, out, _ = written(lines, encoding, COLUMNS=str(columns))
    assert code == 0
    wide = [line for line in out.decode().splitlines() if len(line) > columns]
    assert [line for line in wide if not line.startswith("  ") or "attn " not in line] == []


OUTPUTS = (
    "explain\tmoney bank grows",
    "explain\tnaïve שלום Σοφία 銀行\t--show\ttokens,weights,equations",
    "explain\tmoney bank\t--steps",
    "explain\tmoney bank\t--speak",
    "explain\tmoney bank\t--attention\ttask\t--heads\t2\t--against\tgeneral",
    "explain\tthat exam was a piece of cake\t--model\tidioms\t--show\tequations",
    "compare\tmoney bank grows\triver bank flows\t--word\tbank",
    "model\tinfo\tidioms",
    "vectors\tsimilar\tbank",
    "vectors\tget\tnaïve",
    "explain\tmoney\t--json",
)


@pytest.mark.parametrize("encoding", ENCODINGS[:-1])
def test_every_output_can_be_written_in_every_encoding(encoding):
    """Exit 0, and no question mark where a sign was; the same of what is said on stderr."""
    code, out, err = written(OUTPUTS, encoding)
    assert code == 0
    for text in (out, err):
        assert b"?" not in text
        assert b"internal error" not in text


@pytest.mark.parametrize(
    ("columns", "term"), [("1", "dumb"), ("2", ""), ("19", "xterm"), ("9" * 12, "x"), ("x", "dumb")]
)
def test_odd_terminals_stop_nothing(columns, term):
    """COLUMNS of any size and kind, and TERM of none."""
    lines = ("explain\t--help", *OUTPUTS[:2], *OUTPUTS[6:8])
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *lines],
        capture_output=True,
        env=child_environment(COLUMNS=columns, TERM=term),
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(os.name == "nt", reason="arguments of Windows are no bytes")
def test_surrogates_never_become_bytes():
    """A stream whose errors are "surrogateescape" gets escapes, not the bytes of an argument."""
    lines = (b"explain\ta\x9b31m bank", b"nosuch\x9b\x85")
    for text in written(lines, "latin-1:surrogateescape")[1:]:
        assert not any(0x80 <= byte < 0xA0 for byte in text)
