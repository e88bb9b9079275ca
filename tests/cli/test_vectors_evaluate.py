"""Vectors measured by pairs of words and analogies: the numbers of gensim."""

import json

import numpy as np
import pytest

import attncli
from attncli.reading.named_vectors import open_named_vectors

pytest.importorskip("gensim")

PAIRS = "# word1\tword2\tmean\nTiger\tcat\t7.35\nmoney\tbank\t8.5\nbank\tRIVER\t3\nmoney\tgrass\t1.2\nxyzzyq\tbank\t5\nno number\n"
ANALOGIES = """: family
king queen man woman
boy girl king queen
: capitals
paris france berlin germany
Rome Italy Madrid Spain
rome italy xyzzyq spain
one two three
"""


@pytest.fixture(scope="module")
def theirs():
    """The first 10,000 words of GloVe in gensim."""
    from gensim.models import KeyedVectors

    store = open_named_vectors("glove")
    vectors = KeyedVectors(store.dim)
    vectors.add_vectors([store.word(row) for row in range(10_000)], np.array(store.matrix[:10_000]))
    return vectors


@pytest.fixture
def files(tmp_path):
    """A file of pairs and one of analogies."""
    (tmp_path / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    (tmp_path / "analogies.txt").write_text(ANALOGIES, encoding="utf-8")
    return tmp_path


def test_the_numbers_are_those_of_gensim(command, files, theirs):
    """Both correlations, accuracies of every section, and what is unknown."""
    pairs, analogies = str(files / "pairs.tsv"), str(files / "analogies.txt")
    ended = command(
        *("vectors", "evaluate", "glove", "--limit", "10000", "--json"),
        *("--pairs", pairs, "--analogies", analogies),
    )
    assert ended.code == 0, ended.said
    facts = json.loads(ended.out)
    (judged,), (solved,) = facts["pairs"], facts["analogies"]
    pearson, spearman, unknown = theirs.evaluate_word_pairs(pairs)
    assert judged["pearson"] == pytest.approx(pearson[0], abs=1e-6)
    assert judged["spearman"] == pytest.approx(spearman[0], abs=1e-9)
    assert 100 * judged["unknown"] / (judged["pairs"] + judged["unknown"]) == unknown
    accuracy, sections = theirs.evaluate_word_analogies(analogies)
    assert solved["accuracy"] == accuracy
    assert [(s["section"], s["correct"]) for s in solved["sections"]] == [
        (s["section"], len(s["correct"])) for s in sections[:-1]
    ]
    shown = command("vectors", "evaluate", "glove", "--pairs", pairs).out.decode()
    assert shown.startswith("pairs.tsv\n  Spearman ")


def test_words_that_differ_in_case_are_one(command, files, tmp_path):
    """As gensim has it: the first of them counts, and none is an answer that was asked."""
    from gensim.models import KeyedVectors

    words = ["Bank", "bank", "money", "Money", "river", "king", "KING", "queen", "man", "woman"]
    matrix = np.random.default_rng(1).standard_normal((len(words), 6)).astype(np.float32)
    vectors = KeyedVectors(6)
    vectors.add_vectors(words, matrix)
    vectors.save_word2vec_format(str(tmp_path / "v.txt"))
    (tmp_path / "a.txt").write_text(
        ": x\nking queen man woman\nbank money king river\nman river bank KING\n", encoding="utf-8"
    )
    (tmp_path / "p.tsv").write_text(
        "bank\tmoney\t1\nking\tman\t3\nriver\tqueen\t2\n", encoding="utf-8"
    )
    facts = attncli.evaluate_vectors(
        tmp_path / "v.txt", pairs=tmp_path / "p.tsv", analogies=[tmp_path / "a.txt"]
    )
    pearson, spearman, _ = vectors.evaluate_word_pairs(str(tmp_path / "p.tsv"))
    assert facts["pairs"][0]["pearson"] == pytest.approx(pearson[0], abs=1e-6)
    assert facts["pairs"][0]["spearman"] == pytest.approx(spearman[0], abs=1e-9)
    accuracy, _ = vectors.evaluate_word_analogies(str(tmp_path / "a.txt"))
    assert facts["analogies"][0]["accuracy"] == accuracy


@pytest.mark.parametrize(
    "text",
    [
        "Word 1,Word 2,Human (mean)\ntiger,cat,7.35\nmoney,bank,8.5\nbank,river,3\n",
        "word1\tword2\tPOS\tSimLex999\tSD\ntiger\tcat\tN\t7.35\t1\nmoney\tbank\tN\t8.5\t1\nbank\triver\tN\t3\t2\n",
        "tiger cat 7.35\nmoney bank 8.5\nbank river 3\n",
    ],
)
def test_files_are_read_as_they_are_given_out(text, tmp_path):
    """WordSim-353 as CSV, SimLex-999 with its columns, MEN with spaces: the same numbers."""
    (tmp_path / "pairs").write_text(text, encoding="utf-8")
    (judged,) = attncli.evaluate_vectors(pairs=tmp_path / "pairs")["pairs"]
    assert judged["pairs"] == 3
    plain = tmp_path / "plain"
    plain.write_text("tiger\tcat\t7.35\nmoney\tbank\t8.5\nbank\triver\t3\n", encoding="utf-8")
    (expected,) = attncli.evaluate_vectors(pairs=plain)["pairs"]
    assert (judged["spearman"], judged["pearson"]) == (expected["spearman"], expected["pearson"])


@pytest.mark.parametrize("text", ["", "xyzzyq\tqyzzyx\t1\n", "money bank\n"])
@pytest.mark.parametrize("option", ["--pairs", "--analogies"])
def test_a_file_without_a_known_word_is_an_error(command, tmp_path, text, option):
    """Not a number that means nothing."""
    (tmp_path / "file").write_text(text, encoding="utf-8")
    ended = command("vectors", "evaluate", "glove", option, str(tmp_path / "file"))
    assert ended.code == 5
    assert "no " in ended.said


def test_a_file_of_unknown_words_leaves_the_others_their_numbers(command, files):
    """It says that nothing of it is known, and has no number."""
    (files / "far.txt").write_text(": x\nxa xb xc xd\nxa xb xe xf\n", encoding="utf-8")
    (files / "far.tsv").write_text("xa\txb\t1\n", encoding="utf-8")
    arguments = ("vectors", "evaluate", "glove", "--pairs", str(files / "pairs.tsv"))
    arguments += ("--pairs", str(files / "far.tsv"), "--analogies", str(files / "far.txt"))
    ended = command(*arguments, "--json")
    assert ended.code == 0, ended.said
    facts = json.loads(ended.out)
    near, far = facts["pairs"]
    assert near["pairs"] == 4
    assert near["spearman"] is not None
    assert (far["pairs"], far["unknown"], far["spearman"], far["pearson"]) == (0, 1, None, None)
    (solved,) = facts["analogies"]
    assert (solved["questions"], solved["unknown"], solved["accuracy"]) == (0, 2, None)
    shown = command(*arguments).out.decode()
    assert "0 of 2 known" in shown
    assert "0 of 1 pairs known" in shown
    scores = attncli.evaluate_vectors(
        pairs=files / "pairs.tsv", analogies=files / "far.txt", limit=10_000
    )
    assert "far.txt None" in repr(scores)
    assert scores._repr_html_()


def test_where_nothing_of_any_file_is_known_it_is_an_error_with_a_hint(command, files):
    """Which names the option of a file."""
    (files / "far.txt").write_text("xa xb xc xd\n", encoding="utf-8")
    (files / "far.tsv").write_text("xa\txb\t1\n", encoding="utf-8")
    arguments = ("--pairs", str(files / "far.tsv"), "--analogies", str(files / "far.txt"))
    ended = command("vectors", "evaluate", "glove", *arguments)
    assert ended.code == 5
    assert "of 0 of 2 all words" in ended.said
    assert "--pairs FILE" in ended.said


def test_numbers_that_do_not_vary_have_no_correlation(command, tmp_path):
    """JSON has null, the lines say none."""
    (tmp_path / "pairs").write_text("money\tbank\t1\nbank\tgrows\t1\n", encoding="utf-8")
    arguments = ("vectors", "evaluate", "preset:by-hand", "--pairs", str(tmp_path / "pairs"))
    assert "Spearman none" in command(*arguments).out.decode()
    (judged,) = json.loads(command(*arguments, "--json").out)["pairs"]
    assert judged["spearman"] is judged["pearson"] is None


def test_without_gensim_files_have_to_be_given(command, tmp_path, monkeypatch):
    """Only its own files are missing then: the numbers are ours."""
    monkeypatch.setattr("attncli.embeddings.evaluating.find_spec", lambda name: None)
    ended = command("vectors", "evaluate", "glove")
    assert ended.code == 2
    assert "--pairs" in ended.said
