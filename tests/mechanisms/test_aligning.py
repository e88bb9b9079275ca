"""Alignment from cross-attention is that of transformers; from vectors, that of plain cosines."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.errors import LimitError, UsageError

PAIRS = [
    ("das haus ist klein", "the house is small"),
    ("die bank waechst", "the bank grows and grows"),
    ("haus", "the small house"),
    ("klein, das haus!", "small  is\tthe house ."),
]
WORDS = ["money", "bank", "river", "flows", "grows"]
ROWS = np.array([[1, 0, 0.2], [0.8, 0.6, 0], [0, 1, 0.1], [0.1, 0.9, 0.9], [0.9, 0.1, 0.5]])
VECTORS = dict(zip(WORDS, ROWS.tolist(), strict=True))


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A random BART of transformers, and its folder."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("tokenizers")
    from models.translators import write_translator

    folder = tmp_path_factory.mktemp("models") / "bart"
    return write_translator(folder), folder


def by_transformers(model: Any, folder: Path, source: str, target: str, later: int) -> np.ndarray:
    """The weights of words, (n_layers, n_heads, n_target, n_source), by plain loops."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read, written = tokenizer.encode(source), tokenizer.encode(target)
    steps = [model.config.decoder_start_token_id, *written.ids[:-1]]
    with torch.no_grad():
        outputs = model(
            input_ids=torch.tensor([read.ids]),
            decoder_input_ids=torch.tensor([steps]),
            output_attentions=True,
        )
    cross = np.stack([layer[0].numpy() for layer in outputs.cross_attentions])
    places = [pieces_of(source, read), pieces_of(target, written)]
    words = np.zeros((*cross.shape[:2], len(places[1]), len(places[0])))
    for j, rows in enumerate(places[1]):
        for i, columns in enumerate(places[0]):
            for layer in range(cross.shape[0]):
                for head in range(cross.shape[1]):
                    shares = [
                        sum(cross[layer, head, row + later, column] for column in columns)
                        for row in rows
                    ]
                    words[layer, head, j, i] = sum(shares) / len(shares)
    return words


def pieces_of(text: str, encoding: Any) -> list[list[int]]:
    """The pieces of each word between spaces: those that end in it, or with the space before it."""
    ends = [-1]  # a mark before the first word has no place of its own
    for word in text.split():
        ends.append(text.index(word, max(ends[-1], 0)) + len(word))
    return [
        [
            at
            for at, (_, last) in enumerate(encoding.offsets)
            if not encoding.special_tokens_mask[at] and start < last <= end
        ]
        for start, end in pairwise(ends)
    ]


@pytest.mark.parametrize("align_with", ["input", "output"])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_head_aligns_as_in_transformers(
    translator: tuple[Any, Path], pair: tuple[str, str], align_with: str
) -> None:
    """The weights of words, and the same argmax; each head, all heads of a layer, several layers."""
    model, folder = translator
    expected = by_transformers(model, folder, *pair, int(align_with == "input"))
    n_layers, n_heads = expected.shape[:2]
    one_each = [([layer], [head]) for layer in range(n_layers) for head in range(n_heads)]
    for layers, heads in [*one_each, ([1], range(n_heads)), ([0, -1], [1, 2])]:
        ours = attncli.align(
            *pair, model=folder, layer=layers, head=list(heads), align_with=align_with
        )
        theirs = np.mean([expected[k, h] for k in layers for h in heads], axis=0)
        assert ours.source == tuple(pair[0].split())
        assert ours.target == tuple(pair[1].split())
        np.testing.assert_allclose(ours.matrix, theirs, atol=2e-6)
        margin = np.diff(np.sort(theirs, axis=1)[:, -2:], axis=1) if theirs.shape[1] > 1 else 1
        assert np.min(margin) > 1e-5
        assert ours.links == tuple(sorted((int(row.argmax()), j) for j, row in enumerate(theirs)))


def test_a_marian_reads_the_target_by_its_own_tokenizer(tmp_path: Path) -> None:
    """Source and target are cut by two models; a word is the sum of its pieces, from both sides."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from models.marian_files import VOCABULARY, write_marian_tokenizer

    from attncli.models.pieces import PieceTokenizer

    folder = write_marian_tokenizer(tmp_path / "marian")
    pad = VOCABULARY.index("<pad>")
    torch.manual_seed(0)
    config = transformers.MarianConfig(
        vocab_size=len(VOCABULARY), d_model=16, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
        pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, bos_token_id=None,
        max_position_embeddings=40, attn_implementation="eager",
    )  # fmt: skip
    model = transformers.MarianMTModel(config).eval()
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "embed_positions" not in name:
                values.normal_(0.0, 0.7)
    model.save_pretrained(folder)
    source, target = "the river bank", "a bank of the river"
    read, written = PieceTokenizer(folder)(source), PieceTokenizer(folder).target(target)
    assert [piece.key for piece in PieceTokenizer(folder)(target).pieces] != [
        piece.key for piece in written.pieces
    ]
    with torch.no_grad():
        outputs = model(
            input_ids=torch.tensor([read.ids]),
            decoder_input_ids=torch.tensor([[pad, *written.ids[:-1]]]),
            output_attentions=True,
        )
    cross = outputs.cross_attentions[1][0, 1].numpy()
    expected = np.zeros((5, 3))
    for j, rows in enumerate(by_words(target, written)):
        for i, columns in enumerate(by_words(source, read)):
            expected[j, i] = np.mean([sum(cross[row + 1, c] for c in columns) for row in rows])
    ours = attncli.align(source, target, model=folder, layer=1, head=1)
    np.testing.assert_allclose(ours.matrix, expected, atol=2e-6)
    assert ours.links == tuple(sorted((int(row.argmax()), j) for j, row in enumerate(expected)))


def by_words(text: str, read: Any) -> list[list[int]]:
    """The places of the pieces of each word, by `pieces_of`."""
    offsets = [(piece.start, piece.end) for piece in read.pieces]
    special = [piece.status == "special" for piece in read.pieces]
    return pieces_of(text, SimpleNamespace(offsets=offsets, special_tokens_mask=special))


def test_without_a_choice_all_heads_of_one_layer_are_read(translator: tuple[Any, Path]) -> None:
    """One at a third for words that are read, the last but one for those that are foretold."""
    for step, layer in ((None, 0), ("input", 0), ("output", 1)):
        usual = attncli.align(*PAIRS[0], model=translator[1], align_with=step)
        named = attncli.align(*PAIRS[0], model=translator[1], layer=layer, align_with=step)
        assert np.array_equal(usual.matrix, named.matrix)
        assert (usual.matrix.sum(axis=1) < 1).all()


def test_a_whole_layer_is_the_mean_of_its_heads(translator: tuple[Any, Path]) -> None:
    """As plain numpy has it."""
    whole = attncli.align(*PAIRS[0], model=translator[1], layer=1).matrix
    heads = [attncli.align(*PAIRS[0], model=translator[1], layer=1, head=h) for h in range(4)]
    np.testing.assert_allclose(whole, np.mean([one.matrix for one in heads], axis=0), atol=1e-7)


def test_pairs_are_aligned_as_each_alone(translator: tuple[Any, Path]) -> None:
    """A list of texts gives a list, in order, the same bits."""
    several = attncli.align(*map(list, zip(*PAIRS, strict=True)), model=translator[1])
    for alignment, pair in zip(several, PAIRS, strict=True):
        alone = attncli.align(*pair, model=translator[1])
        assert np.array_equal(alignment.matrix, alone.matrix)
        assert alignment.links == alone.links


def test_a_model_says_what_it_cannot_align(translator: tuple[Any, Path], tmp_path: Path) -> None:
    """Layers and heads that are not there, texts too long, an encoder alone, a trained model."""
    model = translator[1]
    for name, choice in (("layer", {"layer": 3}), ("head", {"head": [0, -5]})):
        with pytest.raises(UsageError, match=f"{name}: found"):
            attncli.align(*PAIRS[0], model=model, **choice)
    with pytest.raises(LimitError, match=r"the source has .* bart reads at most 48"):
        attncli.align("haus " * 60, "house", model=model)
    with pytest.raises(LimitError, match=r"the target has .* max_tokens=5 allows no more"):
        attncli.align("haus", "house is small", model=model, max_tokens=5)
    from models.made import write_model

    with pytest.raises(UsageError, match="has no decoder"):
        attncli.align(*PAIRS[0], model=write_model(tmp_path / "bert"))
    with pytest.raises(UsageError, match="found a model of attn train"):
        attncli.align(*PAIRS[0], model="idioms")


def cosines(source: list[str], target: list[str]) -> np.ndarray:
    """Of words with vectors, by plain numpy."""
    a, b = (np.array([VECTORS[word] for word in words]) for words in (source, target))
    return (b @ a.T) / np.linalg.norm(b, axis=1)[:, None] / np.linalg.norm(a, axis=1)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
       st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))  # fmt: skip
def test_vectors_align_by_cosine(source: list[str], target: list[str]) -> None:
    """Every cell is a cosine; a link is nearest both ways."""
    ours = attncli.align(" ".join(source), " ".join(target), vectors=VECTORS)
    expected = cosines(source, target)
    np.testing.assert_allclose(ours.matrix, expected, atol=1e-5)
    for i, j in ours.links:
        assert expected[j, i] >= expected[j].max() - 1e-5
        assert expected[j, i] >= expected[:, i].max() - 1e-5
    assert len({i for i, _ in ours.links}) == len({j for _, j in ours.links}) == len(ours.links)


def test_the_same_text_is_linked_word_by_word() -> None:
    """Also where words stand twice, and where none of them has a vector."""
    for text in ("the bank is the bank of the river", "xqz yqz xqz . . , zqz ."):
        n = len(text.split())
        assert attncli.align(text, text).links == tuple((i, i) for i in range(n))


def test_unknown_words_keep_their_place() -> None:
    """They are linked to the same spelling, and to nothing else; marks around a word are no part of it."""
    ours = attncli.align("Xqzzy money, (bank) ?", "bank. Xqzzy wqq money ?", vectors=VECTORS)
    assert ours.source == ("Xqzzy", "money,", "(bank)", "?")
    assert ours.words == [("Xqzzy", "Xqzzy"), ("money,", "money"), ("(bank)", "bank."), ("?", "?")]
    assert ours.unknown == ("Xqzzy", "?", "wqq")
    assert attncli.align("xqzzy", "Xqzzy", vectors=VECTORS).links == ()


@pytest.mark.parametrize(
    "word", ["<b>", "[bold]", "\x1b[31m", "שלום", "👩\u200d👧", "a\\b", "%s{}"]
)
def test_any_word_is_a_word(word: str) -> None:
    """Markup, escapes, right to left, emoji: a text between spaces."""
    ours = attncli.align(f"bank {word}", f"{word} bank")
    assert ours.links == ((0, 1), (1, 0))
    assert ours.target[0] == word


def test_the_vectors_of_the_target_may_stand_elsewhere() -> None:
    """In one space with those of the source; of another size they are refused."""
    german = {"geld": [1, 0, 0.2], "fluss": [0, 1, 0.1]}
    ours = attncli.align("geld fluss", "river money", vectors=german, target_vectors=VECTORS)
    assert ours.links == ((0, 1), (1, 0))
    with pytest.raises(UsageError, match="target_vectors: found vectors of 50 values, expected 3"):
        attncli.align("geld", "money", vectors=german, target_vectors="glove")


def test_words_are_cut_as_is_asked_for() -> None:
    """At spaces, by Unicode's rules, or character by character."""
    assert attncli.align("money-bank", "bank", tokenizer="words").source == ("money", "bank")
    assert attncli.align("money-bank", "bank").source == ("money-bank",)
    assert attncli.align("水流", "流", tokenizer="chars").links == ((1, 0),)


def test_vectors_of_a_transformers_layers_align(tmp_path: Path) -> None:
    """Each occurrence of a word has a vector of its own, and equal texts are linked in order."""
    pytest.importorskip("tokenizers")
    from models.made import write_model

    text = "the bank of the river bank"
    ours = attncli.align(text, text, vectors=f"model:{write_model(tmp_path / 'bert')}:1")
    assert ours.links == tuple((i, i) for i in range(6))


def test_a_side_without_words_has_no_links() -> None:
    """Nothing is linked to nothing."""
    assert attncli.align(["", "bank", " "], ["bank", "", "\t"]).to_pharaoh() == "\n\n\n"


def test_what_cannot_be_aligned_is_said() -> None:
    """Lists of two lengths, a list beside a text, a text that is too long."""
    with pytest.raises(UsageError, match="target: found 1 texts, expected 2"):
        attncli.align(["a", "b"], ["a"])
    with pytest.raises(attncli.AttnError, match="expected a text, or a list of texts"):
        attncli.align("a", ["a"])
    with pytest.raises(LimitError, match="pair 1"):
        attncli.align(["a", "bank " * 9], ["a", "a"], max_tokens=5)
