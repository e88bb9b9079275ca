"""Laws of the transformer's Analyser: sentences and pairs → results of every layer and head."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import child_environment
from models.made import CONFIGS, tensors, write_checkpoint, write_model, write_tokenizer
from models.plain import run

import attncli
from attncli.errors import AttnError, EmptyError, LimitError, NumericError, UsageError
from attncli.insight.chosen_part import Part
from attncli.mechanisms.part_analyser import PartAnalyser
from attncli.mechanisms.transformer import open_transformer
from attncli.results.result import AttentionResult

pytest.importorskip("tokenizers")

FIELDS = frozenset({"embeddings", "hidden_states", "query", "key", "value", "scores"})
SENTENCES = ["money bank grows", "river bank flows", "the unhappiness grows .", "old"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of three layers and four heads, with its tokenizer."""
    return write_model(tmp_path_factory.mktemp("model"))


def test_the_record_is_that_of_the_plain_loops(folder):
    """Weights, contextual vectors and scores of each sentence, in the order of the sentences."""
    config, made = CONFIGS["bert"], tensors(CONFIGS["bert"])
    analyser = open_transformer(folder, include=FIELDS)
    for index, (text, result) in enumerate(zip(SENTENCES, analyser(SENTENCES), strict=True)):
        assert (result.text, result.index) == (text, index)
        ids = analyser.tokenizer(text).ids
        weights, states = run(config, made, list(ids), [0] * len(ids))
        np.testing.assert_allclose(result.weights, weights, atol=1e-5)
        np.testing.assert_allclose(result.contextual, states[-1], atol=1e-5)
        np.testing.assert_allclose(result.embeddings, states[0], atol=1e-5)
        np.testing.assert_allclose(result.hidden_states, states, atol=1e-5)
        exp = np.exp(result.scores.astype(np.float64))
        np.testing.assert_allclose(result.weights, exp / exp.sum(-1, keepdims=True), atol=1e-5)
        assert result.attention.kind == "transformer"
        assert AttentionResult.from_dict(result.to_dict()) == result


def test_order_and_packs_change_no_bit(folder, monkeypatch):
    """Any number of sentences in any packs gives the very numbers of one sentence alone."""
    texts = [" ".join(SENTENCES[at % 4].split()[: 1 + at % 3]) for at in range(40)]
    monkeypatch.setattr("attncli.models.packing._PACK_ROWS", 60)
    monkeypatch.setattr("attncli.mechanisms.transformer._WINDOW_WEIGHTS", 2000)
    many = list(open_transformer(folder)(texts))
    analyser = open_transformer(folder)
    for text, result in zip(texts, many, strict=True):
        alone = next(iter(analyser([text])))
        assert result.text == text
        np.testing.assert_array_equal(result.weights, alone.weights)
        np.testing.assert_array_equal(result.contextual, alone.contextual)


def test_a_layer_gives_the_vectors_that_leave_it(folder):
    """With a layer chosen, contextual is the hidden state after it, and the selection says so."""
    whole = next(iter(open_transformer(folder, include=FIELDS)(["old bank"])))
    part = next(iter(open_transformer(folder, layers=(-2,))(["old bank"])))
    np.testing.assert_array_equal(part.weights[0], whole.weights[1])
    np.testing.assert_array_equal(part.contextual, whole.hidden_states[2])
    assert part.selection == {"layers": [1]}


def test_a_selection_is_what_is_shown(folder):
    """Mean of two heads, pieces merged, special tokens hidden: rows still sum to 1."""
    part = Part(heads=(1, 2), merge=True, hide_special=True, over=("heads",))
    analyser = PartAnalyser(open_transformer(folder, layers=(0,)), part)
    result = next(iter(analyser(["the unhappiness grows"])))
    assert result.words == ["the", "unhappiness", "grows"]
    assert result.weights.shape == (1, 1, 3, 3)
    np.testing.assert_allclose(result.weights.sum(-1), 1, atol=1e-6)
    assert result.selection["heads"] == [1, 2]
    assert result.selection["hidden"] == ["[CLS]", "[SEP]"]


def test_a_pair_is_one_input_of_two_sentences(folder):
    """Both sentences attend to each other; the record keeps the second and the segments."""
    result = next(iter(open_transformer(folder, pair="river bank")(["money bank"])))
    assert result.pair == "river bank"
    assert result.segments == (0, 0, 0, 0, 1, 1, 1)
    assert result.words == ["[CLS]", "money", "bank", "[SEP]", "river", "bank", "[SEP]"]
    assert (result.weights[..., 1, 4] > 0).all()
    assert AttentionResult.from_dict(result.to_dict()) == result


def test_a_sentence_that_fails_does_not_stop_the_others(folder):
    """Each gets its own error or result, in order."""
    texts = ["old", "", "  ", "bank " * 30, "flows"]
    kinds = [type(outcome) for outcome in open_transformer(folder).outcomes(texts)]
    assert kinds == [AttentionResult, EmptyError, EmptyError, LimitError, AttentionResult]
    with pytest.raises(EmptyError):
        list(open_transformer(folder)(texts))


_LIMITED = """
import resource, sys
from attncli.__main__ import main
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
try:
    main()
finally:
    peak = open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]
    print(int(peak) // 1024, file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what memory is left")
@pytest.mark.parametrize("layers", [[], ["--layer", "0"]])
def test_weights_that_the_memory_cannot_hold_are_refused_before_they_are_begun(tmp_path, layers):
    """Sentences whose layers need gigabytes end with 8 in a process that took a few megabytes."""
    heads = {"num_attention_heads": 24, "max_position_embeddings": 4096}
    write_model(tmp_path, **heads)
    (tmp_path / "s.txt").write_text("bank " * 4000)
    command = ["explain", "--file", "s.txt", "--model", ".", "--json", *layers]
    env = child_environment(OPENBLAS_NUM_THREADS="1")
    run = [sys.executable, "-c", _LIMITED, *command]
    ended = subprocess.run(run, capture_output=True, cwd=tmp_path, env=env, check=False)
    said = ended.stderr.decode()
    assert ended.returncode == 8, said
    assert "the weights of 4,002 tokens in " in said
    assert ("--layer -1 keeps those of one layer" in said) is (not layers)
    assert "--layer -1 --head 0 keeps those of one head" in said
    assert int(said.split()[-1]) < 400


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what memory is left")
def test_one_head_of_a_long_sentence_takes_the_memory_of_one_head(tmp_path):
    """A head of 1,200 tokens whose 72 heads need 800 MB is shown by a process of a few."""
    write_model(tmp_path, num_attention_heads=24, max_position_embeddings=1300)
    (tmp_path / "s.txt").write_text("bank " * 1200)
    command = ["explain", "--file", "s.txt", "--model", ".", "--layer", "-1", "--head", "23"]
    run = [sys.executable, "-c", _LIMITED, *command]
    env = child_environment(OPENBLAS_NUM_THREADS="1")
    ended = subprocess.run(run, capture_output=True, cwd=tmp_path, env=env, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    assert int(ended.stderr.decode().split()[-1]) < 200


@pytest.mark.parametrize("layers", [None, (2, 0), (-1,)])
@pytest.mark.parametrize("heads", [None, (3, 1), (-2,), (0, 1, 2, 3)])
def test_heads_that_are_not_made_are_as_if_they_had_been_left_out(folder, layers, heads):
    """An Analyser that keeps some layers and heads finds just what is chosen of all of them."""
    texts = ["old money bank grows", "river"]
    kept = open_transformer(folder, layers=layers, heads=heads, include=FIELDS)
    whole = open_transformer(folder, layers=layers, include=FIELDS)
    part = Part(heads=heads)
    for one, all_of_them in zip(kept(texts), whole(texts), strict=True):
        assert one == part.of(all_of_them)


def test_who_allows_no_more_is_said(folder):
    """A limit of the caller is not said to be the model's, which reads longer texts."""
    (fault,) = open_transformer(folder, max_tokens=4).outcomes(["bank " * 10])
    assert str(fault) == "12 tokens, max_tokens=4 allows no more"
    (cut,) = open_transformer(folder, max_tokens=4, truncate=True).outcomes(["bank " * 10])
    assert "the most that is to be read" in cut.warnings[0].message


def test_a_sentence_that_is_too_long_is_cut_only_when_asked(folder):
    """The error names both lengths; with truncate a warning does, and [SEP] stays at the end."""
    error = next(open_transformer(folder).outcomes(["bank " * 30]))
    assert "32 tokens" in str(error)
    assert "at most 20" in str(error)
    result = next(iter(open_transformer(folder, truncate=True)(["bank " * 30])))
    assert len(result.tokens) == 20
    assert result.tokens[-1].text == "[SEP]"
    assert result.warnings[0].message.startswith("cut to 20 of 32 tokens")


def test_unknown_pieces_are_said(folder):
    """The record warns of what the vocabulary does not have, and marks it."""
    result = next(iter(open_transformer(folder)(["old xyzzy"])))
    assert result.tokens[2].status == "unknown"
    assert (result.warnings[0].code, result.warnings[0].tokens) == ("unknown-word", (2,))


def test_a_layer_or_head_that_does_not_exist_is_refused(folder):
    """With the range that exists."""
    with pytest.raises(UsageError, match="expected 0…2"):
        list(open_transformer(folder, layers=(3,))(["old"]))
    with pytest.raises(UsageError, match="expected 0…3"):
        list(PartAnalyser(open_transformer(folder), Part(heads=(-5,)))(["old"]))


def test_a_part_leaves_errors_as_they_are(folder):
    """What fails goes through; a sentence of which nothing is left fails alone."""
    analyser = PartAnalyser(
        open_transformer(folder), Part(hide=("old", "flows"), hide_special=True)
    )
    kinds = [type(outcome) for outcome in analyser.outcomes(["old bank", "", "flows", "river"])]
    assert kinds == [AttentionResult, EmptyError, EmptyError, AttentionResult]


def test_numbers_that_overflow_fail_alone(tmp_path):
    """A word whose vector overflows float32 is an error of its sentence, and of no other."""
    made = tensors(CONFIGS["gpt2"])
    made["wte.weight"][8] = 3e38
    folder = write_checkpoint(tmp_path, "gpt2", made=made)
    write_tokenizer(folder)
    outcomes = list(open_transformer(folder).outcomes(["river", "bank"]))
    assert isinstance(outcomes[0], NumericError)
    assert isinstance(outcomes[1], AttentionResult)
    assert isinstance(outcomes[0], AttnError)


@pytest.mark.parametrize(
    ("name", "doubted"), [("SplinterTokenizer", True), ("BertTokenizer", False)]
)
def test_a_tokenizer_that_transformers_builds_another_way_is_a_warning(tmp_path, name, doubted):
    """In the record of a transformer, and of contextual vectors; none of a class built as there."""
    folder = write_model(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text(f'{{"tokenizer_class": "{name}"}}')
    for options in ({"model": folder}, {"vectors": f"model:{folder}"}):
        warnings = attncli.explain("money bank", **options).warnings
        assert [warning.code for warning in warnings] == ["tokenizer-class"] * doubted
        assert all(name in warning.message for warning in warnings)
