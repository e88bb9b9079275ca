"""Laws of vectors from Python: each function does what its command does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import attncli
from attncli.api import vector_files, vectors
from attncli.embeddings.fetching import MIRROR
from attncli.errors import AttnError, UnknownWordError, UsageError
from attncli.files.access import Access
from attncli.settings import ImportSettings

TEXT = "money 1 0 0\nbank .8 .6 0\nriver 0 1 0\ngrows 0 .6 .8\nBanks .7 .7 .1\n"


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    """A small file of vectors, beside a cache of its own."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "small.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def facts(ended):
    """What a command printed as JSON."""
    assert ended.code == 0, ended.said
    return json.loads(ended.out)


def test_words_are_searched_as_the_command_does(attn, file):
    """Neighbors, analogies and vectors, of a file and of the built-in ones."""
    for name in (str(file), "glove"):
        near = facts(attn("vectors", "similar", "bank", "--vectors", name, "-n", "3", "--json"))
        ours = vectors.similar("bank", name, count=3)
        assert [list(n.values()) for n in near["neighbors"]] == [list(one) for one in ours]
        words = ("money", "bank", "river")
        near = facts(attn("vectors", "analogy", *words, "--vectors", name, "--json"))
        ours = vectors.analogy(*words, name)
        assert [list(n.values()) for n in near["neighbors"]] == [list(one) for one in ours]
        got = facts(attn("vectors", "get", "money", "Bank", "zzzq", "--vectors", name, "--json"))
        found = vectors.find_words(["money", "Bank", "zzzq"], name)
        assert {w: v.tolist() for w, v in found.vectors.items()} == got["vectors"]
        assert (found.missing, found.forms) == (["zzzq"], {"Bank": ("bank", "lower")})
        assert got["forms"] == {"Bank": {"key": "bank", "status": "lower"}}


def test_words_that_are_not_there_are_an_error(file):
    """With words that are spelled alike; vectors without a list of words name the field."""
    with pytest.raises(UnknownWordError, match="monye") as fault:
        vectors.find_words(["monye"], str(file)).expect_some()
    assert "money" in fault.value.hints[0]
    for fails in (
        lambda: vectors.similar("bank", "random"),
        lambda: vectors.analogy(*"abc", "random"),
    ):
        with pytest.raises(UsageError, match=r"^vectors: these vectors have no list of words"):
            fails()


def test_what_is_imported_is_what_the_command_imports(attn, file, tmp_path):
    """The same facts and content; listed, told of, exported and removed by its name."""
    said, stages = [], []
    settings = ImportSettings(name="ours", limit=3)
    ours = vector_files.import_vectors(
        str(file),
        settings,
        say=lambda *told: said.append(told),
        watch=lambda *stage: stages.append(stage[0]),
    )
    theirs = facts(
        attn("vectors", "import", str(file), "--name", "theirs", "--limit", "3", "--json")
    )
    assert {**theirs, "name": "ours"} == ours
    assert set(stages) <= {f"importing {str(file)[-40:]}"}
    listed = json.loads(json.dumps(vector_files.list_vectors()))
    assert facts(attn("vectors", "list", "--json"))["vectors"] == listed
    told, fault = vector_files.facts_of_vectors("ours")
    assert fault is None
    assert told == facts(attn("vectors", "info", "ours", "--json"))
    written = vector_files.export_vectors("ours", str(tmp_path / "out.bin"))
    assert written == [tmp_path / "out.bin"]
    assert attncli.open_vectors(written[0]).sha256 == ours["sha256"]
    vector_files.remove_vectors("ours")
    with pytest.raises(UsageError, match="no imported vectors are named"):
        vector_files.remove_vectors("ours")


def test_an_export_is_no_file_the_vectors_came_from(file):
    """Neither the file that is named, nor the one that was imported; it stays as it was."""
    vector_files.import_vectors(str(file), ImportSettings(name="ours"))
    for name in (str(file), "ours"):
        with pytest.raises(UsageError, match="which is also read here"):
            vector_files.export_vectors(name, str(file))
    assert file.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(
    ("field", "expected"), [("on_bad_line", "error or skip"), ("byte_order", "little or big")]
)
def test_a_choice_of_an_import_that_is_none_is_said(file, field, expected):
    """By its field, with what it may be."""
    with pytest.raises(UsageError, match=f'^{field}: found "x", expected {expected}'):
        vector_files.import_vectors(str(file), replace(ImportSettings(), **{field: "x"}))


def test_opening_is_followed_from_python(file, tmp_path):
    """Access hears the warnings of a file, and how far a conversion is."""
    big, said, ticks = tmp_path / "big.txt", [], []
    rows = [f"w{number} {number % 7}.5 {number}e-3" for number in range(400_000)]
    big.write_text("\n".join([*rows, rows[0]]), encoding="utf-8")
    access = Access(say=lambda *told: said.append(told), tick=lambda *done: ticks.append(done))
    assert attncli.open_vectors(str(big), access=access)["w7"].tolist() == pytest.approx(
        [0.5, 0.007]
    )
    assert any("again" in text or "twice" in text for _, text in said), said
    assert ticks
    assert all(done <= total for done, total in ticks)


def test_a_file_that_is_not_there_is_said_where_it_is_looked_for(file):
    """Also of a name that is too long, where words are searched for in the file."""
    for name in ("x" * 300, "no/such/file.txt"):
        for opens in (
            lambda name=name: vectors.find_words(["bank"], name),
            lambda name=name: attncli.open_vectors(name, access=Access(whole=False)),
        ):
            with pytest.raises(AttnError) as fault:
                opens()
            assert fault.value.exit_code in (2, 6)


def test_a_fetch_needs_an_address(file):
    """The mirror is checked before anything is asked of it."""
    assert MIRROR.startswith("https://")
    with pytest.raises(AttnError, match=r"^mirror: "):
        vector_files.fetch_vectors("glove-twitter-25", mirror="file:///etc")
