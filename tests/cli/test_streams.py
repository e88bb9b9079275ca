"""Laws of streams: closed, full, endless or left by their reader, they change no code but their own."""

import json
import shlex

import pytest
from schema import validator

from tests.cli.conftest import in_a_shell


@pytest.mark.parametrize(
    "what", ["explain money", "explain money --json", "schema", "--help", "--version"]
)
@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        (">&-", 9, "it is closed"),
        (">/dev/full", 9, "no space left on device"),
        ("| true; exit ${PIPESTATUS[0]}", 0, ""),
        ("| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", 0, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&-", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full(what, where, code, said):
    """A reader that leaves is no failure; a result that cannot be written is exit 9."""
    ended = in_a_shell(f"attn {what} {where}")
    assert ended.code == code, ended.said
    assert said in ended.said
    assert ended.is_clean(), ended.said
    if code == 0 and "|" not in where:
        assert ended.out


EVERY_COMMAND = [
    # a command line, its exit code, whether it prints to standard output
    ("explain money", 0, True),
    ("explain ...", 4, False),
    ("explain money xyzzy --json", 0, True),
    ("compare 'money bank' 'river bank' --word bank", 0, True),
    ("view nosuch.json", 6, False),
    ("diff nosuch.json nosuch.json", 6, False),
    ("evaluate nosuch.tsv --model idioms", 6, False),
    ("train nosuch.tsv -o m", 6, False),
    ("batch s.txt", 0, True),
    ("batch nosuch.txt -o x.jsonl", 6, False),
    ("vectors list", 0, True),
    ("vectors get money nosuchword", 0, True),
    ("vectors", 2, True),
    ("model info idioms", 0, True),
    ("schema", 0, True),
    ("nosuch", 2, False),
    ("explain --nosuch", 2, False),
    ("", 2, True),
    ("--help", 0, True),
    ("vectors list --help", 0, True),
    ("--version", 0, True),
]


@pytest.mark.parametrize(("line", "code", "prints"), EVERY_COMMAND)
def test_the_code_does_not_hang_on_who_reads(tmp_path, line, code, prints):
    """Streams that are closed, full or left by their reader change no code but that of the result.

    Python writes what a stream still holds as it ends, and ends with 120 where that fails.
    """
    (tmp_path / "s.txt").write_text("money bank grows\n")
    lost = 9 if prints else code
    cases = {
        f"attn {line}": code,
        f"attn {line} 2>&-": code,
        f"attn {line} 2>/dev/full": code,
        f"attn {line} 2>&1 >/dev/null | true; exit ${{PIPESTATUS[0]}}": code,
        f"attn {line} >&-": lost,
        f"attn {line} >/dev/full": lost,
        f"attn {line} >&- 2>&-": lost,
        f"attn {line} >/dev/full 2>&1": lost,
        f"attn {line} >&- 2>/dev/full <&-": lost,
    }
    folder = shlex.quote(str(tmp_path))
    ends = {case: in_a_shell(f"cd {folder}; {case}") for case in cases}
    assert {case: ended.code for case, ended in ends.items()} == cases
    assert all(ended.is_clean() for ended in ends.values())


def test_a_reader_that_leaves_early_does_not_hide_a_failure():
    """A sentence that failed keeps its code when only the messages are piped."""
    assert in_a_shell("attn explain ... 2>&1 | true; exit ${PIPESTATUS[0]}").code == 4


def test_many_sentences_into_a_reader_that_leaves():
    """`attn explain - | head -1` with a long input ends quietly."""
    script = "yes 'money bank grows' | head -5000 | attn explain - --json | head -1; exit ${PIPESTATUS[2]}"
    ended = in_a_shell(script)
    assert ended.code == 0
    assert ended.said == ""
    validator().validate(json.loads(ended.text))


def test_standard_input_that_is_closed_is_empty():
    """No sentence is exit 4, not a wait and not a traceback."""
    ended = in_a_shell("attn explain - <&-")
    assert ended.code == 4
    assert ended.is_clean()


def test_a_file_that_never_ends_a_line_is_refused():
    """/dev/zero stops at a bound (exit 8)."""
    ended = in_a_shell("attn explain --file /dev/zero")
    assert ended.code == 8
    assert ended.is_clean()


def test_process_substitution_is_read_once():
    """`--file <(…)` works: one open, no seek."""
    ended = in_a_shell("attn explain --file <(echo money bank) --json")
    assert ended.code == 0
    assert json.loads(ended.text)["text"] == "money bank"
