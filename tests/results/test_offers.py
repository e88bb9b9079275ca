"""Laws of what a result can be turned into: a line, a matrix, tables, an array, a picture, a file."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attncli
from attncli.errors import AttnError, MissingExtraError, UsageError
from attncli.insight.chosen_part import Part
from attncli.insight.select import aggregate, select_heads, select_layers
from attncli.mechanisms.general import GeneralSettings

TEXT = "the bank of the river bank"


def weights(seed: int, n_layers: int, n_heads: int, n: int) -> np.ndarray:
    """Weights of float32 whose rows sum to 1."""
    found = np.random.default_rng(seed).random((n_layers, n_heads, n, n)) + 0.01
    return np.float32(found / found.sum(axis=-1, keepdims=True))


def several_heads() -> attncli.AttentionResult:
    """Three layers of two heads, over words of which two occur twice."""
    return attncli.from_attentions(weights(1, 3, 2, 6), TEXT.split())


RESULTS = {
    "general": lambda: attncli.explain(TEXT),
    "heads": lambda: attncli.explain(TEXT, attention="task", heads=3),
    "model": lambda: attncli.explain("a piece of cake", model="idioms"),
    "layers": several_heads,
    "part": lambda: Part(layers=(2, 0), heads=(1,)).of(several_heads()),
    "mean": lambda: Part(over=("heads",)).of(several_heads()),
    "hostile": lambda: attncli.from_attentions(np.eye(3), ["$x$", "\n<b>", "=1+1"]),
    "cross": lambda: attncli.from_attentions(weights(2, 1, 2, 3)[..., :2], which="cross"),
}


@pytest.fixture(params=RESULTS)
def result(request: pytest.FixtureRequest) -> attncli.AttentionResult:
    """A result of each kind."""
    return RESULTS[request.param]()


def test_a_result_is_one_line() -> None:
    """Whatever its text; it says text, sizes, mechanism and what it was made of."""
    assert repr(attncli.explain("money bank grows")) == (
        "AttentionResult('money bank grows', 3 tokens, 1 layer, 1 head, general, "
        "vectors='glove-6b-50d')"
    )
    for result in (attncli.explain("bank " * 60), RESULTS["hostile"](), RESULTS["model"]()):
        assert "\n" not in repr(result)
        assert len(repr(result)) < 200
    assert "model='idioms'" in repr(RESULTS["model"]())


def test_a_matrix_has_the_numbers_of_the_model() -> None:
    """Layers and heads by their numbers, as parts have them; alone the last layer, heads' mean."""
    whole = several_heads()
    for layer in (None, 0, 2, -1):
        chosen = select_layers(whole, [-1 if layer is None else layer])
        mean = aggregate(chosen, ("heads",)).weights[0, 0]
        assert np.array_equal(whole.matrix(layer), mean)
        for head in (0, 1, -1):
            one = select_heads(chosen, [head]).weights[0, 0]
            assert np.array_equal(whole.matrix(layer, head), one)
    part = Part(layers=(2, 0), heads=(1,)).of(whole)
    assert np.array_equal(part.matrix(0, 1), whole.matrix(0, 1))
    assert np.array_equal(part.matrix(), whole.matrix(2, 1))
    for given, place in (((3, None), "layer"), ((None, 2), "head"), ((-4, None), "layer")):
        with pytest.raises(UsageError, match=f"{place}: found"):
            whole.matrix(*given)
    for given in (("x", None), (None, 1.5)):
        with pytest.raises(TypeError, match="found"):
            whole.matrix(*given)  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_table_holds_every_weight(library: str, result: attncli.AttentionResult) -> None:
    """With its layer, head, places and words; its numbers are those of the weights."""
    pytest.importorskip(library)
    name = {"pyarrow": "arrow"}.get(library, library)
    table = getattr(result, f"to_{name}")()
    columns: dict[str, Any] = (
        table.to_pydict()
        if library == "pyarrow"
        else {column: list(table[column]) for column in table.columns}
    )
    assert list(columns) == [
        *("index", "layer", "head", "query", "key", "query_word", "key_word", "weight"),
    ]
    n, keys = len(result.key_words), result.key_words
    size = n * len(result.words)
    np.testing.assert_array_equal(
        np.float32(columns["weight"]).reshape(result.weights.shape), result.weights
    )
    assert columns["query_word"][:size] == [word for word in result.words for _ in range(n)]
    assert columns["key_word"][:size] == keys * len(result.words)
    assert columns["key"][:size] == list(range(n)) * len(result.words)
    assert columns["query"][::n][: len(result.words)] == list(range(len(result.words)))
    assert str(table.schema.field("weight").type if library == "pyarrow" else table["weight"].dtype).lower() in ("float", "float32")  # fmt: skip


def test_a_table_names_layers_and_heads_as_the_model_does() -> None:
    """Numbers where they have some, names where they were drawn together."""
    pytest.importorskip("pandas")
    part = RESULTS["part"]().to_pandas()
    assert part["layer"].unique().tolist() == [2, 0]
    assert part["head"].unique().tolist() == [1]
    assert RESULTS["mean"]().to_pandas()["head"].unique().tolist() == ["mean of heads 0, 1"]


def test_an_array_has_named_axes(result: attncli.AttentionResult) -> None:
    """Layer, head, query, key; words may occur twice and are asked for by name."""
    pytest.importorskip("xarray")
    array = result.to_xarray()
    assert array.dims == ("layer", "head", "query", "key")
    assert array["query"].values.tolist() == result.words
    assert array["key"].values.tolist() == result.key_words
    np.testing.assert_array_equal(array.values, result.weights)
    twice = attncli.explain(TEXT).to_xarray()
    assert twice.sel(query="bank").shape == (1, 1, 2, 6)
    assert several_heads().to_xarray().sel(layer=2, head=1).shape == (6, 6)


def test_several_results_are_a_list_and_one_table() -> None:
    """What explain gives for several texts: a list, whose table counts them by their place."""
    pandas = pytest.importorskip("pandas")
    texts = ["money bank grows", "river bank"]
    results = attncli.explain(texts)
    assert isinstance(results, list)
    assert results == [*results]
    assert isinstance(results[:1], attncli.Results)
    assert results[0].text == texts[0]
    table = results.to_pandas()
    assert len(table) == 9 + 4
    assert table.groupby("index")["weight"].sum().round(5).tolist() == [3.0, 2.0]
    parts = [result.to_pandas() for result in results]
    pandas.testing.assert_frame_equal(table, pandas.concat(parts, ignore_index=True))
    assert repr(results) == "Results('money bank grows', 'river bank')"
    assert attncli.Results().to_pandas().empty


def test_columns_of_tables_are_texts() -> None:
    """Of pandas, polars, Arrow and numpy, an iterator; a whole table says which columns it has."""
    texts = ["money bank grows", "river bank"]
    expected = attncli.explain(texts)
    frames: list[Any] = []
    columns: list[Any] = [np.array(texts), iter(texts), np.array(texts, dtype=object)]
    pandas = pytest.importorskip("pandas")
    frames.append(pandas.DataFrame({"text": texts, "label": [1, 2]}, index=[7, 7]))
    polars = pytest.importorskip("polars")
    frames.append(polars.DataFrame({"text": texts, "label": [1, 2]}))
    pyarrow = pytest.importorskip("pyarrow")
    frames.append(pyarrow.table({"text": texts, "label": [1, 2]}))
    for frame in frames:
        columns.append(frame["text"])
        for call in (
            attncli.explain,
            attncli.compare,
            lambda table: list(attncli.analyser()(table)),
        ):
            with pytest.raises(
                TypeError, match='with the columns "text", "label", expected one of'
            ):
                call(frame)
    for column in columns:
        assert attncli.explain(column) == expected
    for frame in frames:
        assert attncli.compare(frame["text"]).word == "bank"
        assert list(attncli.analyser()(frame["text"])) == expected
    with pytest.raises(TypeError, match=r"text\[1\]: found"):
        attncli.explain(pandas.Series(["money", None]))
    with pytest.raises(TypeError, match=r"text\[0\]: found the number 1"):
        attncli.explain(frames[0]["label"])
    for given in ({}, {"settings": GeneralSettings()}):
        with pytest.raises(AttnError, match=r"text\[1\]: the sentence is empty"):
            attncli.explain(["money bank", ""], **given)
    with pytest.raises(TypeError, match="text: found a LazyFrame, expected a column"):
        attncli.explain(polars.LazyFrame({"text": texts}))
    with pytest.raises(TypeError, match='texts: found the text "ab"'):
        attncli.analyser()("ab")


@pytest.mark.parametrize("suffix", ["json", "npz", "csv", "html", "svg", "md", "tex"])
def test_a_result_saves_itself_as_the_package_does(tmp_path: Path, suffix: str) -> None:
    """One or several, by the ending, with the same choices: the same bytes."""
    results = attncli.explain(["money bank", "river bank"])
    for given in (results[0], results):
        for how in ({}, {"precision": 2}):
            ours, theirs = tmp_path / f"ours.{suffix}", tmp_path / f"theirs.{suffix}"
            given.save(ours, **how)
            attncli.save(given, theirs, **how)
            assert ours.read_bytes() == theirs.read_bytes()
    with pytest.raises(UsageError):
        results.save(tmp_path / "x.doc")


def test_a_plot_shows_the_matrix_and_its_words(result: attncli.AttentionResult) -> None:
    """On its own axes or those given: the numbers, the labels, the scale of every view."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    axes = result.plot()
    np.testing.assert_array_equal(axes.images[0].get_array(), result.matrix())
    assert axes.images[0].get_clim() == (0, 1)
    assert len(axes.get_xticklabels()) == len(result.key_words)
    assert len(axes.get_yticklabels()) == len(result.words)
    figure, two = pyplot.subplots(1, 2)
    assert result.plot(ax=two[1], numbers=False) is two[1]
    assert not two[0].images
    assert not two[1].texts
    figure.savefig("/dev/null", format="png")
    axes.figure.savefig("/dev/null", format="png")
    pyplot.close("all")


def test_a_plot_is_of_the_head_that_is_asked_for() -> None:
    """Its title names it; words are no formulas; numbers stand in small matrices."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    whole = several_heads()
    axes = whole.plot(layer=0, head=1, palette="cividis")
    np.testing.assert_array_equal(axes.images[0].get_array(), whole.matrix(0, 1))
    assert axes.get_title() == f"{TEXT}\nlayer 0, head 1"
    assert whole.plot().get_title() == f"{TEXT}\nlayer 2, mean of 2 heads"
    assert attncli.explain("money bank").plot().get_title() == "money bank"
    assert [text.get_text() for text in whole.plot(layer=0, head=0).texts] == [
        f"{weight:.2f}" for weight in whole.matrix(0, 0).ravel()
    ]
    labels = [label.get_text() for label in RESULTS["hostile"]().plot().get_yticklabels()]
    assert labels == ["$x$", "\\n<b>", "=1+1"]
    for wrong in (
        {"layer": 9},
        {"palette": "jet"},
        {"palette": ["x"]},
        {"numbers": "x"},
        {"ax": 3},
    ):
        with pytest.raises(AttnError, match=f"{next(iter(wrong))}: found"):
            whole.plot(**wrong)
    pyplot.close("all")


@pytest.mark.parametrize(
    ("method", "package"),
    [
        *(("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")),
        *(("to_xarray", "xarray"), ("plot", "matplotlib")),
    ],
)
def test_a_library_that_is_missing_is_named(
    method: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that installs it, no error of the import."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"needs the package {package}") as fault:
        getattr(attncli.from_attentions(np.eye(2)), method)()
    assert fault.value.hints == (f"pip install {package}",)
