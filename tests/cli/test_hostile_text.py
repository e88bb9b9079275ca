"""Laws of text from others: whatever a field, a name or a variable holds, nothing in it is obeyed."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from conftest import child_environment

from attncli.results.json import result_json

RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufffe\uffff]")
ATTACKS = [
    "\x1b]52;c;aGk=\x07", "\x9b31m\x85", "\u202eevil\u2066", "a\nb\rc\td", "\x00\ufffe\U000e0041",
    "[red]</script><b>&amp;]]>", "\ud800", "\u2068שלום", "http://me:secret@host/x", "x" * 9000,
]  # fmt: skip
NAMES = [attack for attack in ATTACKS if "\x00" not in attack and len(attack) < 200]
_NUMBERS = {"schema", "type"}  # a reader refuses another one, which is said


def poisoned(value, attack, path=()):
    """The record with the attack in every text of it, one copy for each, with where it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            for place, copy in poisoned(inner, attack, (*path, key)):
                yield place, value | {key: copy}
            if path and path[-1] == "probabilities":
                renamed = {(attack if k == key else k): v for k, v in value.items()}
                yield (*path, key, "(name)"), renamed
    elif isinstance(value, list):
        for at, inner in enumerate(value[:1]):
            for place, copy in poisoned(inner, attack, (*path, at)):
                yield place, [*value[:at], copy, *value[at + 1 :]]
    elif isinstance(value, str) or value is None:
        yield path, attack


@pytest.fixture
def record(results):
    """A record with as many texts as there are."""
    made = json.loads(result_json(results[0], include=["embeddings"]))
    made["pair"] = None
    made["warnings"] = [{"code": "c", "message": "m", "tokens": [0]}]
    made["model"] = {
        "name": "n",
        "sha256": "0" * 64,
        "label": "l",
        "probabilities": {"l": 0.9, "k": 0.1},
    }
    return made


def check(ended, what):
    """Neither stream holds what a terminal obeys, nor a bug, nor a secret, nor an endless line."""
    assert ended.code != 1, (what, ended.said)
    for stream in (ended.out, ended.err):
        text = stream.decode("utf-8")
        assert not RAW.search(text), (what, text)
        assert "secret" not in text or stream is ended.out, what
    assert max(map(len, ended.said.splitlines()), default=0) < 9000, what


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_no_field_of_a_record_reaches_a_terminal_raw(command, tmp_path, record, attack):
    """Every text of a record in turn, in every view of a terminal; errors count as answers."""
    path = tmp_path / "r.json"
    for place, copy in poisoned(record, attack):
        path.write_text(json.dumps(copy), encoding="ascii")
        for options in ((), ("--speak",), ("--top", "2"), ("--json",)):
            check(command("view", str(path), *options), (place, options))


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
@pytest.mark.parametrize("suffix", ["svg", "html", "md"])
def test_no_field_of_a_record_breaks_a_file(command, tmp_path, record, attack, suffix):
    """SVG stays well-formed, pages and Markdown hold no character that is obeyed."""
    path, out = tmp_path / "r.json", tmp_path / f"o.{suffix}"
    for place, copy in poisoned(record, attack):
        path.write_text(json.dumps(copy), encoding="ascii")
        ended = command("view", str(path), "-o", str(out))
        check(ended, place)
        if ended.code:
            continue
        text = out.read_text(encoding="utf-8")
        out.unlink()
        isolates = text.count("\u2068")
        assert text.count("\u2069") == isolates
        plain = re.sub("\u2068[^\u2068\u2069]*\u2069", "", text)
        assert not RAW.search(plain.replace("\t", "")), place
        if suffix == "svg":
            ET.fromstring(text)


@pytest.mark.parametrize("attack", NAMES, ids=ascii)
def test_no_argument_reaches_a_terminal_raw(command, tmp_path, monkeypatch, attack):
    """Arguments, names of files, values of options and of variables, right ones and wrong ones."""
    monkeypatch.chdir(tmp_path)
    for line in (
        ("explain", attack), ("explain", "a b", "--vectors", attack), ("explain", "a b", "--model", attack),
        ("explain", "a b", "--show", attack), ("explain", "a b", "--hide", attack), (attack,), (attack, "x"),
        ("explain", "a b", f"--{attack}"), ("explain", "a b", "--score", attack), ("explain", "-f", attack),
        ("explain", "a b", "--inline", attack), ("explain", "a b", "-o", attack), ("view", attack),
        ("explain", "a b", "--encoding", attack), ("batch", attack), ("batch", "x", "-o", attack),
        ("train", attack, "-o", "m.safetensors"), ("diff", attack, attack), ("vectors", "get", attack),
        ("vectors", "similar", attack), ("vectors", "import", attack), ("vectors", "remove", attack),
        ("compare", f"{attack} bank", f"bank {attack}"), ("model", "info", attack), ("evaluate", attack, "--model", attack),
        ("vectors", "fetch", "x", "--mirror", attack),
    ):  # fmt: skip
        check(command(*line), line)
    for name in ("COLUMNS", "TERM", "LANG", "NO_COLOR", "FORCE_COLOR", "ATTN_CACHE_DIR", "HF_HOME"):
        if "\ud800" not in attack:
            monkeypatch.setenv(name, attack)
    check(command("explain", "a b", "--model", "no/such"), "environment")
    check(command("vectors", "list"), "environment")


@pytest.mark.parametrize("attack", [a for a in NAMES if a.isprintable() or len(a) < 20], ids=ascii)
def test_no_word_of_vectors_reaches_a_terminal_raw(command, tmp_path, attack):
    """Words of a file of vectors, as neighbors, facts and JSON."""
    path = tmp_path / "v.txt"
    words = ["bank", re.sub(r"\s", "\x9b", attack), "שלום"]
    path.write_text(
        "".join(f"{w} {n} 1 0.5\n" for n, w in enumerate(words)), "utf-8", "surrogatepass"
    )
    for line in (
        ("vectors", "similar", "bank", "--vectors", str(path)),
        ("vectors", "similar", "bank", "--vectors", str(path), "--json"),
        ("vectors", "info", str(path)), ("vectors", "get", words[1], "bank", "--vectors", str(path)),
        ("vectors", "get", words[1], "bank", "--vectors", str(path), "--json"),
        ("explain", f"bank {words[1]}", "--vectors", str(path), "--tokenizer", "whitespace"),
        ("vectors", "import", str(path), "--name", "hostile"), ("vectors", "list"),
    ):  # fmt: skip
        check(command(*line), line)


def test_a_traceback_is_harmless_too():
    """--debug shows where a bug is, and no text of others acts in it."""
    program = (
        "import sys, attncli.cli.explain as e, attncli.cli.app as a\n"
        "def broken(*_, **__): raise RuntimeError('\\x1b]52;c;x\\x07')\n"
        "e.given_sentences = broken; sys.exit(a.run(['--debug', 'explain', 'a b']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=child_environment()
    )
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert b"RuntimeError" in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_long_message_is_cut(command, tmp_path):
    """A message of a megabyte keeps its beginning and its end."""
    path = tmp_path / "r.json"
    path.write_text(
        json.dumps(
            {
                "type": "error",
                "schema": "1.0",
                "index": 0,
                "line": 1,
                "code": "data",
                "message": "begin" + "x" * 2**20 + "end",
            }
        )
    )
    ended = command("view", str(path))
    assert len(ended.err) < 20_000
    assert "begin" in ended.said
    assert "characters" in ended.said
