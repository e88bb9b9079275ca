"""Laws of weights that pass by: a map or a page of which none are kept is that of the whole weights."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from models.made import write_checkpoint, write_tokenizer
from models.stories import write_stories

import attncli
from attncli.errors import EmptyError, LimitError, UsageError
from attncli.insight.chosen_part import Part
from attncli.insight.heads import HEAD_MEASURES, MappedResult, sink_share
from attncli.mechanisms.transformer import open_transformer
from attncli.models.forward import Wanted, encode
from attncli.views.html import page

pytest.importorskip("tokenizers")

TEXTS = [
    "the old bank . grows",
    "bank",
    "river flows . the old river",
    "the bank grows . money",
]
PARTS = [
    Part(**choices)
    for choices in (
        {},
        {"layers": (2, 0), "heads": (3, 1)},
        {"layers": (-1,), "over": ("layers", "heads")},
        {"over": ("heads",)},
        {"over": ("layers",), "how": "max"},
        {"over": ("heads", "layers")},
        {"over": ("layers", "heads"), "how": "mean"},
        {"over": ("heads",), "how": "max", "hide": ("first",)},
        {"merge": True},
        {"merge": True, "hide_special": True},
        {"merge": True, "over": ("layers",), "hide": ("old", "first"), "layers": (1, 2)},
        {"hide": ("first",)},
        {"hide": ("special", "."), "heads": (2,)},
        {"hide": ("nothing of the text",)},
    )
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkpoint of three layers and four heads that reads both ways, and one that is causal."""
    root = tmp_path_factory.mktemp("models")
    (root / "bert").mkdir()
    write_checkpoint(root / "bert", num_hidden_layers=3, num_attention_heads=4)
    write_tokenizer(root / "bert")
    write_stories(root / "stories")
    return {"bert": root / "bert", "stories": root / "stories"}


def expect_same(mapped, whole):
    """The same result, but for its weights; the numbers of its heads are those of the weights."""
    assert isinstance(mapped, MappedResult)
    heads, expected = mapped.head_map(), whole.head_map()
    assert (heads.layers, heads.heads) == (expected.layers, expected.heads)
    for name in HEAD_MEASURES:
        np.testing.assert_allclose(heads.values[name], expected.values[name], rtol=0, atol=1e-12)
    assert sink_share(mapped) == pytest.approx(sink_share(whole), abs=1e-6)
    for name in ("text", "tokens", "keys", "attention", "model", "pair", "segments"):
        assert getattr(mapped, name) == getattr(whole, name), name
    np.testing.assert_array_equal(mapped.contextual, whole.contextual)
    assert mapped.weights.shape == whole.weights.shape
    chosen, selection = dict(mapped.selection or {}), dict(whole.selection or {})
    shares = [of.pop("hidden_share", 0.0) for of in (chosen, selection)]
    assert chosen == selection
    assert shares[0] == pytest.approx(shares[1], abs=3e-6)
    said, expected = (
        [warning._replace(message="") for warning in of.warnings] for of in (mapped, whole)
    )
    assert said == expected


@pytest.mark.parametrize("name", ["bert", "stories"])
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_heads_that_pass_by_have_the_numbers_of_the_whole(folders, name, part):
    """Texts of several lengths read together, of every choice of a part; what fails, fails alike."""
    wholes = outcomes_of(folders[name], part, keeps="all")
    mapped = outcomes_of(folders[name], part, keeps="map")
    for one, whole in zip(mapped, wholes, strict=True):
        if isinstance(whole, EmptyError):
            assert isinstance(one, EmptyError)
        else:
            expect_same(one, whole)


def outcomes_of(folder, part, keeps):
    """The outcomes of the texts, the part chosen at the end or while the weights pass by."""
    own = {"layers": part.layers, "heads": part.heads}
    rest = replace(part, layers=None, heads=None)
    if keeps != "all":
        return list(open_transformer(folder, keeps=keeps, part=rest, **own).outcomes(TEXTS))
    outcomes = []
    for result in open_transformer(folder, **own).outcomes(TEXTS):
        try:
            outcomes.append(rest.of(result))
        except EmptyError as error:
            outcomes.append(error)
    return outcomes


@pytest.mark.parametrize("name", ["bert", "stories"])
@pytest.mark.parametrize("part", PARTS, ids=str)
@pytest.mark.parametrize("room", [10_000_000, 2_000, 1])
def test_a_page_of_weights_that_pass_by_is_that_of_the_whole(
    folders, monkeypatch, name, part, room
):
    """Byte for byte, whether it holds every head, some or one, but for how much of the weight is hidden."""
    for place in ("insight.streamed", "views.page.section"):
        monkeypatch.setattr(f"attncli.{place}.PAGE_BYTES", room)
    monkeypatch.setattr("attncli.mechanisms.transformer._WINDOW_WEIGHTS", 1)
    pages = []
    for keeps in ("page", "all"):
        results = [
            of for of in outcomes_of(folders[name], part, keeps) if not isinstance(of, EmptyError)
        ]
        pages.append(re.sub(r"\d+(%| %) of the weight", "", page(results)))
        assert (keeps == "page") == isinstance(results[0], MappedResult)
    assert pages[0] == pages[1]


def test_short_texts_of_a_page_keep_their_scores(folders):
    """Only a text with many weights passes by: the pages of others are as they were."""
    analyser = open_transformer(folders["bert"], keeps="page", include=frozenset({"scores"}))
    (result,) = analyser.outcomes(TEXTS[:1])
    assert not isinstance(result, MappedResult)
    assert result.scores is not None


@pytest.mark.parametrize("which", ["encoder", "decoder", "cross", None])
@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_the_decoder_is_mapped_as_it_reads(tmp_path, kind, which):
    """Each of the three attentions, whole and in parts, is that of the whole result."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from models.word_translators import write_translator

    write_translator(tmp_path, kind)
    source, target = "Das Haus ist klein", "The house is small ."
    for choices in (
        {},
        {"layers": (-1,), "heads": (1, 0)},
        {"over": ("heads",), "hide": ("special",)},
        {"merge": True, "over": ("layers",)},
    ):
        part = Part(**choices, which=which, shown=True)
        (whole,) = open_transformer(tmp_path, pair=target).outcomes([source])
        (mapped,) = open_transformer(tmp_path, pair=target, keeps="map", part=part).outcomes(
            [source]
        )
        expect_same(mapped, part.of(whole))
        heads = attncli.map_heads(source, tmp_path, pair=target, part=part)
        np.testing.assert_array_equal(heads.values["entropy"], mapped.measured["entropy"])


def test_python_maps_heads_as_results_do(folders):
    """Of a transformer and of words; a text is one map, a list of texts is a list of them."""
    for given in ({"model": folders["bert"]}, {"attention": "task", "heads": 3}, {}):
        results = attncli.explain(TEXTS, **given)
        maps = attncli.map_heads(TEXTS, **given)
        for result, heads in zip(results, maps, strict=True):
            expected = result.head_map()
            assert repr(heads) == repr(expected)
            for name in HEAD_MEASURES:
                np.testing.assert_allclose(heads.values[name], expected.values[name], atol=1e-12)
        assert repr(attncli.map_heads(TEXTS[0], **given)) == repr(maps[0])
    part = Part(hide=("first",), over=("heads",))
    heads = attncli.map_heads(TEXTS[0], folders["bert"], part=part)
    whole = attncli.explain(TEXTS[0], folders["bert"], part=part).head_map()
    np.testing.assert_allclose(heads.values["self"], whole.values["self"], atol=1e-12)


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (Part(layers=(9,)), UsageError),
        (Part(heads=(9,)), UsageError),
        (Part(which="encoder"), UsageError),
        (Part(which="cross"), UsageError),
    ],
)
def test_a_head_or_part_that_is_not_there_is_said_at_once(folders, part, error):
    """As of a whole result."""
    with pytest.raises(error):
        attncli.map_heads(TEXTS[0], folders["bert"], part=part)


PEAKS = {
    "map": {},
    "mean": {"part": Part(over=("heads",))},
    "merged": {"part": Part(merge=True)},
    "hidden": {"part": Part(hide=("first",))},
    "layers": {"part": Part(over=("layers",))},
    "page": {"keeps": "page"},
    "hidden page": {"keeps": "page", "part": Part(hide=("first",))},
}


@pytest.mark.parametrize("kind", PEAKS)
def test_what_passes_by_takes_the_memory_of_a_layer(tmp_path, monkeypatch, kind):
    """Of 24 layers of a long text, whatever is drawn of them, a third of what all weights take."""
    write_checkpoint(tmp_path, num_hidden_layers=24, max_position_embeddings=420)
    write_tokenizer(tmp_path)
    monkeypatch.setattr("attncli.mechanisms.transformer._WINDOW_WEIGHTS", 1 << 20)
    whole = 24 * 4 * 400**2 * 4  # bytes
    analyser = open_transformer(tmp_path, **{"keeps": "map", **PEAKS[kind]})
    list(analyser.outcomes(["the bank"]))
    tracemalloc.start()
    (result,) = analyser.outcomes(["bank " * 398])
    if "page" in kind:
        page([result])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(result, MappedResult)
    assert peak < whole / 3


@pytest.mark.parametrize("keeps", ["map", "page", "all"])
def test_memory_that_is_not_there_is_said_before_it_is_taken(folders, monkeypatch, keeps):
    """Of what passes by the memory of one layer is asked for; nothing is computed without it."""
    analyser = open_transformer(folders["bert"], keeps=keeps)
    monkeypatch.setattr("attncli.mechanisms.transformer._WINDOW_WEIGHTS", 1)
    monkeypatch.setattr("attncli.mechanisms.transformer_memory._SURELY_FITS", 0)
    n = 5 + 2
    of_layer = (4 * 4 + 32) * n * n
    for available, fits in ((of_layer, keeps == "map"), (of_layer - 1, False), (10**9, True)):
        monkeypatch.setattr(
            "attncli.mechanisms.transformer_memory.available_memory", lambda of=available: of
        )
        (outcome,) = analyser.outcomes(TEXTS[:1])
        assert isinstance(outcome, LimitError) != fits
        if not fits:
            layers = "3 layers" if keeps == "all" else "1 layer"
            assert f"{n} tokens in {layers} of 4 heads" in str(outcome)
    assert encode(analyser.model, [], Wanted()) == []
