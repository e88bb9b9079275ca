"""Laws of bad input: the right exit code, one clear line and at most two hints, never a traceback."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from conftest import child_environment
from schema import validator

from tests.cli.conftest import in_a_shell

RTL = "\u202egrows"


ARGUMENTS = [
    # what is given, the exit code, what the message holds
    ([""], 4, "the sentence is empty"),
    (["   "], 4, "the sentence is empty"),
    (["...!?"], 4, 'no word in "...!?"'),
    (["\x1b[31m\x07"], 0, ""),  # "31m" is a word
    (["\x1b\x07"], 4, r'no word in "\x1b\x07"'),
    (["xyzzy plugh"], 0, "no meaning"),
    (["xyzzy plugh", "--oov", "skip"], 4, "no word of"),
    (["xyzzy plugh", "--oov", "error"], 5, '"xyzzy", "plugh"'),
    (["bank " * 5000], 8, "--max-tokens 5000"),
    (["bank " * 200_000], 8, "149.0 GiB"),
    (["bank \udcff"], 5, "not UTF-8"),
    (["[/]"], 4, 'no word in "[/]"'),
    (["[/red]money[bold"], 0, ""),
    ([f"money {RTL}"], 0, ""),
    (["money\x00bank"], 0, ""),
    (["--", "--help"], 0, ""),
    (["--", "-5 degrees"], 0, ""),
    (["x" * 100_000], 0, ""),
    (["e" + "\u0301" * 100_000], 0, ""),
    (["%s%n {0.__class__} $(id)"], 0, ""),
    (["../../x __proto__"], 0, ""),
    (["money", "--vectors", "[/]"], (2, 6), "[/]"),
    (["money", "--vectors", "a\nb\x1b[31m"], (2, 6), r"a\nb\x1b[31m"),
    (["money", "--score", "euclid"], 2, "euclid"),
    (["money", "--oov", "ignore"], 2, "ignore"),
    (["money", "--tokenizer", "pieces"], 2, "pieces"),
    (["money", "--color", "sometimes"], 2, "sometimes"),
    (["money", "--show", "weights,wieghts"], 2, '--show: found "wieghts"'),
    (["money", "--json", "--include", "nothing"], 2, "--include"),
    (["money", "--json", "--exclude", "type"], 2, "--exclude"),
    (["money", "--temperature", "0"], 2, "--temperature: found 0, expected a number above 0"),
    (["money", "--temperature", "-1"], 2, "--temperature"),
    (["money", "--temperature", "nan"], 2, "--temperature"),
    (["money", "--temperature", "inf"], 2, "--temperature"),
    (["money", "--temperature", "hot"], 2, "hot"),
    (["money bank", "--temperature", "1e-320"], 13, "finite"),
    (["money bank", "--temperature", "1e308"], 0, "nearly equal"),
    (["money bank", "--target-self", "0"], 2, "--target-self"),
    (["money bank", "--target-self", "1"], 2, "--target-self"),
    (["money bank", "--target-self", "nan"], 2, "--target-self"),
    (["money bank", "--target-self", "0.0001"], 2, "it can be"),
    (["money bank", "--target-self", "0.5", "--temperature", "2"], 2, "--temperature too"),
    (["money bank", "--target-self", "0.5", "--no-self"], 2, "--no-self too"),
    (["money", "--window", "-1"], 2, "--window"),
    (["money bank", "--window", "99999999999999999999"], 0, ""),
    (["money", "--dim", "0", "--vectors", "random"], 2, "--dim"),
    (["money", "--dim", "65537", "--vectors", "random"], 2, "--dim"),
    (["money", "--dim", "1e9", "--vectors", "random"], 2, "--dim"),
    (["money", "--seed", str(2**64), "--vectors", "random"], 0, ""),
    (["money", "--seed", "-3", "--vectors", "random"], 0, ""),
    (["money", "--seed", "one"], 2, "one"),
    (["money", "--max-tokens", "0"], 2, "--max-tokens"),
    (["money", "--width", "0"], 2, "--width"),
    (["money", "--precision", "10"], 2, "--precision"),
    (["money", "--precision", "-1"], 2, "--precision"),
    (["money", "--nosuch"], 2, "--nosuch"),
    (["-5 degrees"], 2, 'attn explain -- "-5 degrees"'),
    (["money", "--file", "x.txt"], 2, "--file"),
    (["--file", "nowhere.txt"], 6, "nowhere.txt: cannot open: no such file"),
    (["--file", "/"], 6, "is a directory"),
    (["--file", ""], 6, ""),
    (["--file", "a\n\x1b[31mb.txt"], 6, r"a\n\x1b[31mb.txt"),
    (["--file", "x" * 5000], 6, "too long"),
    (["--file", "http://127.0.0.1:9/x"], 2, "local files only"),
    (["--file", "/dev/null"], 4, "no sentence"),
    (["--file", "/proc/self/mem"], 6, "cannot read"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"), ARGUMENTS, ids=lambda value: repr(value)[:50]
)
@pytest.mark.parametrize("as_json", [False, True])
def test_arguments_end_as_stated(command, tmp_path, monkeypatch, arguments, code, said, as_json):
    """Every argument of a list of odd ones, with tables and with JSON."""
    monkeypatch.chdir(tmp_path)
    options = ["--json"] if as_json and "--json" not in arguments else []
    ended = command("explain", *options, *arguments)
    assert ended.code in (code if isinstance(code, tuple) else (code,)), ended.said
    assert said in ended.said
    assert ended.is_clean(), ended.said
    assert len(ended.said) < 700
    assert all(line.startswith(("attn: ", "  hint: ")) for line in ended.said.splitlines())
    assert "\x1b" not in ended.text + ended.said
    assert "\u202e" not in ended.text + ended.said
    assert (ended.out != b"") is (code == 0)
    if as_json and code == 0:
        validator().validate(json.loads(ended.text))


LINES = {
    # a file, the exit code, and what each record of --json is
    "blank lines": (b"\n" * 1000, 4, []),
    "nothing": (b"", 4, []),
    "only comments": (b"# one\n#\n", 4, []),
    "one empty of words": (b"...\n", 4, []),
    "some empty of words": (b"money\n...\nriver\n", 3, ["result", "empty", "result"]),
    "a bad byte": (b"money\ncaf\xe9\nriver\n", 3, ["result", "data", "result"]),
    "surrogates in UTF-8": (b"money\na\xed\xa0\x80\n", 3, ["result", "data"]),
    "nothing but bad lines": (b"...\ncaf\xe9\n", 3, ["empty", "data"]),
    "only a bad byte": (b"caf\xe9\n", 5, []),
    "UTF-16": ("money bank\n".encode("utf-16"), 0, ["result"]),
    "UTF-16 without a mark": ("money bank\n".encode("utf-16-le"), 5, []),
    "noise": (bytes(range(255, -1, -1)) * 9, 5, []),
    "NUL": (b"money\x00bank\n", 0, ["result"]),
    "controls": (b"\x1b[31mmoney\x07\x08\x9bbank".replace(b"\x9b", b"") + b"\r\n", 0, ["result"]),
    "line ends of other systems": ("money\u2028bank\x85river\x0b\x0cx".encode(), 0, ["result"]),
    "a carriage return alone": (b"money\rbank\n", 0, ["result", "result"]),
    "BOM": (b"\xef\xbb\xbfmoney\n", 0, ["result"]),
    "no final newline": (b"money\nriver", 0, ["result", "result"]),
    "markup, formulas, JSON": (
        b'[/red]\n[red]a\n=cmd|x\n{"text": 1}\n<script>a</script>\n--help\n',
        0,
        ["result"] * 6,
    ),
    "bidi and zero width": ("a\u202eb\u200bc \u2066d\n".encode(), 0, ["result"]),
    "one long among others": (
        b"money\n" + b"bank " * 5000 + b"\nriver\n",
        3,
        ["result", "limit", "result"],
    ),
    "only a long one": (b"bank " * 5000, 8, []),
    "other scripts": ("बहुत आसान काम\n我爱北京\nمرحبا\n🙂👩‍👩‍👧\n".encode(), 0, ["result"] * 4),
    "one word": (b"bank\n", 0, ["result"]),
}


@pytest.mark.parametrize(("raw", "code", "kinds"), LINES.values(), ids=LINES.keys())
def test_lines_end_as_stated(command, tmp_path, raw, code, kinds):
    """A record for each sentence, in order; one bad line does not end the others."""
    path = tmp_path / "s.txt"
    path.write_bytes(raw)
    ended = command("explain", "--file", str(path), "--json")
    assert ended.code == code, ended.said
    records = [json.loads(line) for line in ended.text.splitlines()]
    for record in records:
        validator().validate(record)
    found = [r["code"] if r["type"] == "error" else "result" for r in records]
    assert found == (kinds if code in (0, 3) else [])
    assert [r["index"] for r in records] == list(range(len(records)))
    assert "Traceback" not in ended.said
    assert len(ended.said.splitlines()) <= 12
    if code in (3, 5):
        assert "s.txt" in ended.said
    shown = command("explain", "--file", str(path))
    assert shown.code == code
    assert not {"\x1b", "\x07", "\x00", "\u202e", "\u200b", "\x85"} & set(shown.text)


def test_a_message_names_file_and_line(command, tmp_path):
    """The place is FILE:LINE, for an error and for a warning."""
    path = tmp_path / "s.txt"
    path.write_bytes(b"money xyzzy\n\ncaf\xe9\n...\n")
    said = command("explain", "--file", str(path)).said
    assert f"attn: warning: {path}:1: not in glove-6b-50d" in said
    assert f"attn: error: {path}:3: byte 4 of the line is 0xe9" in said
    assert f'attn: error: {path}:4: no word in "..."' in said
    assert "attn: error: 2 sentences were set aside; the others are done" in said


@pytest.mark.parametrize(
    "env",
    [
        {"HOME": None},
        {"HOME": "/dev/null"},
        {"TMPDIR": "/nowhere"},
        {"TERM": None},
        {"TERM": ""},
        {"COLUMNS": "1"},
        {"LANG": None, "LC_ALL": None},
        {"LC_ALL": "nonsense"},
        {"PYTHONHASHSEED": "3"},
        {"PATH": ""},
        {"ATTN_DEBUG": "1"},
    ],
    ids=str,
)
def test_odd_environments_change_nothing(attn, env):
    """The same record from every environment."""
    ended = attn("explain", "money bank", "--json", env=env)
    assert ended.code == 0
    assert ended.said == ""
    assert json.loads(ended.text)["weights"][0][0][0][0] == pytest.approx(0.80516297)


@pytest.mark.parametrize(
    "python", [("-OO",), ("-W", "error"), ("-X", "dev", "-W", "error"), ("-bb",)]
)
def test_python_options_change_nothing(attn, python):
    """Without docstrings and asserts, with every warning an error."""
    ended = attn("explain", "money naïve bank", "-q", python=python)
    assert (ended.code, ended.said) == (0, "")


@pytest.mark.parametrize(
    ("limit", "arguments", "code"),
    [
        ("ulimit -v 1500000", "explain money", 0),
        (
            "ulimit -v 1500000",
            "explain \"$(yes bank | head -12000 | tr '\\n' ' ')\" --max-tokens 20000",
            8,
        ),
        ("ulimit -n 16", "explain money", 0),
        ("ulimit -f 1", "explain money bank grows --json --include scores > out.json", 9),
    ],
)
def test_limits_of_the_shell_end_in_words(tmp_path, limit, arguments, code):
    """Little address space, few files, small files: 0, 8 or 9, never a signal."""
    ended = in_a_shell(f"cd {shlex.quote(str(tmp_path))} && {limit} && attn {arguments}")
    assert ended.code == code, ended.said
    assert ended.is_clean(), ended.said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signals_end_the_process(number, code):
    """Ctrl-C while waiting for standard input ends quietly with 130."""
    process = subprocess.Popen(
        [sys.executable, "-m", "attncli", "explain", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    deadline = time.monotonic() + 20
    while not _waits_for_input(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert (out, b"Traceback" in err) == (b"", False)


def _waits_for_input(pid: int) -> bool:
    """Whether a process sleeps in read(2) of its standard input; elsewhere a guess by time."""
    try:
        with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
            return "pipe_read" in file.read() or "pipe_wait" in file.read()
    except OSError:
        time.sleep(1)
        return True


def test_a_bug_is_said_to_be_one(command, monkeypatch):
    """An unexpected exception is exit 1, two lines, and --debug shows the traceback."""

    def broken(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr("attncli.mechanisms.general.attention_mask", broken)
    ended = command("explain", "money")
    assert ended.code == 1
    assert "attn: internal error: RuntimeError in broken" in ended.said
    assert "--debug" in ended.said
    with pytest.raises(RuntimeError, match="boom"):
        command("--debug", "explain", "money")


def test_too_little_memory_is_a_limit(command, monkeypatch):
    """MemoryError anywhere is exit 8 in one line."""

    def hungry(*_, **__):
        raise MemoryError

    monkeypatch.setattr("attncli.mechanisms.general.attention_mask", hungry)
    ended = command("explain", "money")
    assert (ended.code, ended.said) == (8, "attn: error: there is not enough memory for this\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["money bank", "--wiht"], 'hint: attn explain "money bank" --width N'),
        (["money bank", "--wiht", "60"], 'hint: attn explain "money bank" --width 60'),
        (["money bank", "--qiet"], 'hint: attn explain "money bank" --quiet\n'),
        (["money bank", "--steps", "--row", "bnak"], 'did you mean "bank"?'),
        (["money bank", "--model", "lectur"], 'did you mean "lecture"?'),
        (["--inline", "cat=1,2;sat=3"], "found 1 value, expected 2"),
        (["--file", "/dev/null"], 'hint: attn explain "money bank grows"\n'),
    ],
)
def test_a_slip_is_answered_with_what_can_be_typed(command, arguments, said):
    """An option without its value shows what stands for it; words and models are guessed too."""
    assert said in command("explain", *arguments).said
