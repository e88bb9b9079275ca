"""The map of all heads, of every mechanism, part, file and terminal: the same numbers in each."""

import csv
import json
import re
import tracemalloc

import numpy as np
import pytest
from models.made import write_checkpoint, write_tokenizer

import attncli
from attncli.insight.chosen_part import Part
from attncli.insight.heads import HEAD_MEASURES, sink_share
from attncli.mechanisms.transformer import open_transformer

pytest.importorskip("tokenizers")

TEXT = "the old bank . grows"
MECHANISMS = {
    "transformer": ["--model", "FOLDER"],
    "general": ["--vectors", "random"],
    "task": ["--attention", "task", "--heads", "3", "--vectors", "random"],
    "causal": ["--attention", "task", "--heads", "2", "--causal", "--vectors", "random"],
}
PARTS = {
    "whole": [],
    "first": ["--hide", "first"],
    "hidden": ["--hide", "old"],
    "head": ["--head", "-1"],
    "mean": ["--agg", "mean"],
    "merged": ["--merge", "--hide", "special"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint of three layers and four heads."""
    path = tmp_path_factory.mktemp("model")
    write_checkpoint(path, num_hidden_layers=3, num_attention_heads=4)
    write_tokenizer(path)
    return str(path)


def mapped(command, folder, mechanism, part, *more):
    """A command with --map, which ends well and loads no other words."""
    words = [folder if word == "FOLDER" else word for word in MECHANISMS[mechanism]]
    ended = command("explain", TEXT, *words, *PARTS[part], "--map", *more)
    assert ended.code == 0, ended.said
    return ended


def by_hand(record):
    """The numbers of a result's record by plain loops, of what is easily said: self and entropy."""
    weights = np.array(record["weights"], dtype=np.float64)
    logs = np.log(weights, where=weights > 0, out=np.zeros_like(weights))
    return {
        "self": np.trace(weights, axis1=2, axis2=3) / weights.shape[-1],
        "entropy": -(weights * logs).sum(axis=-1).mean(axis=-1),
    }


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("part", PARTS)
def test_the_map_is_that_of_the_record(command, folder, tmp_path, mechanism, part):
    """JSON, CSV and the terminal hold the numbers of the weights that the record holds."""
    kinds = [folder if word == "FOLDER" else word for word in MECHANISMS[mechanism]]
    record = json.loads(command("explain", TEXT, *kinds, *PARTS[part], "--json").text)
    held = json.loads(mapped(command, folder, mechanism, part, "--json").text)
    assert (len(held["layers"]), len(held["heads"])) == np.array(record["weights"]).shape[:2]
    for name, expected in by_hand(record).items():
        np.testing.assert_allclose(held["measures"][name], expected, atol=2e-6)
    file = tmp_path / "map.csv"
    mapped(command, folder, mechanism, part, "-o", str(file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    for name in HEAD_MEASURES:
        listed = [float(row[name]) if row[name] else None for row in rows]
        assert listed == [value for row in held["measures"][name] for value in row]
    assert [row["habit"] for row in rows] == [h or "" for row in held["habits"] for h in row]
    cells = re.findall(
        r"^ +layer \d ([\d ]+)$",
        mapped(command, folder, mechanism, part, "--measure", "self").text,
        re.MULTILINE,
    )
    shown = [int(cell) for row in cells for cell in row.split()]
    expected = [
        min(int(value * 100 + 1e-6), 99) for row in held["measures"]["self"] for value in row
    ]
    assert shown == expected


@pytest.mark.parametrize("width", ["20", "40", "80", "200"])
@pytest.mark.parametrize("more", [[], ["--ascii"], ["--color", "always"]])
@pytest.mark.parametrize("measure", [[], ["--measure", "entropy"], ["--measure", "separators"]])
def test_the_map_fits_every_terminal(command, folder, width, more, measure):
    """No line is wider than the terminal; without color the cells say as much as with it."""
    ended = mapped(command, folder, "transformer", "whole", "--width", width, *more, *measure)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", ended.text)
    assert all(len(line) <= int(width) for line in plain.splitlines())
    whole = mapped(command, folder, "transformer", "whole", "--width", width, *measure)
    if "--ascii" in more:
        assert plain.isascii()
    else:
        assert plain == whole.text
    assert bool(plain != ended.text) == ("always" in more)


@pytest.mark.parametrize(
    "suffix", ["svg", "md", "tex", "html", "pdf", "png", "json", "jsonl", "tsv"]
)
@pytest.mark.parametrize("mechanism", ["transformer", "general"])
def test_every_file_has_the_map(command, folder, tmp_path, suffix, mechanism):
    """Files of text name every layer; JSON and tables hold all; pictures are of their kind."""
    if suffix == "pdf":
        pytest.importorskip("typst")
    if suffix == "png":
        pytest.importorskip("resvg_py")
    file = tmp_path / f"map.{suffix}"
    mapped(command, folder, mechanism, "whole", "-o", str(file))
    raw = file.read_bytes()
    starts = {"svg": b"<svg", "pdf": b"%PDF", "png": b"\x89PNG", "html": b"<!DOCTYPE"}
    assert raw.startswith(starts.get(suffix, b""))
    if suffix in ("svg", "md", "tex", "html"):
        assert all(name.encode() in raw for name in ("layer 0", "the token before"))


def test_the_list_leads_to_the_head(command, folder):
    """The options that the list names show a head with just the number that it says."""
    text = mapped(command, folder, "transformer", "whole").text
    listed = re.findall(r"the token itself +(\d+)%  (--layer \d) (--head \d)", text)
    assert listed
    for percent, layer, head in listed:
        options = [*layer.split(), *head.split(), "--json"]
        (record,) = (
            json.loads(line)
            for line in command("explain", TEXT, "--model", folder, *options).text.splitlines()
        )
        weights = np.array(record["weights"])[0, 0]
        assert f"{np.trace(weights) / len(weights):.0%}" == f"{percent}%"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--map", "--steps"], "--map: found --steps too"),
        (["--map", "--speak"], "--map: found --speak too"),
        (["--map", "--why"], "--why"),
        (["--map", "-o", "x.npz"], "--map: found a .npz file"),
        (["--map", "-o", "x.svg", "--size", "300x300"], "--size: found --map too"),
        (["--measure", "self"], "--measure: found no --map"),
        (["--map", "--measure", "other"], "--measure"),
        (["--map", "--attention", "task", "--against", "general"], "--against: found --map too"),
    ],
)
def test_what_excludes_a_map_is_refused(command, more, said):
    """With the name of the option, and nothing is written."""
    ended = command("explain", TEXT, "--vectors", "random", *more)
    assert (ended.code, ended.text) == (2, "")
    assert said in ended.said


def test_a_sink_is_named_where_it_is(command, tmp_path):
    """Most of the weight on the first token is said with its share; hiding it ends that."""
    weights = np.full((1, 2, 5, 5), 0.05, dtype=np.float32)
    weights[..., 0] = 0.8
    np.save(tmp_path / "w.npy", weights)
    read = ["view", str(tmp_path / "w.npy"), "--tokens", "<s> a b c d"]
    said = 'the first token "<s>" takes 80% of the weight (a sink); --hide first shows the rest'
    assert said in command(*read, "--map").text.replace("\n  ", " ")
    assert "sink" not in command(*read, "--map", "--hide", "first").text
    assert said in command(*read).text.replace("\n    ", " ")
    assert "sink" not in command(*read, "--hide", "first").text
    pages = tmp_path / "p.html"
    command(*read, "-o", str(pages))
    assert "takes 80% of the weight (a sink)" in pages.read_text(encoding="utf-8")


@pytest.mark.parametrize("choice", [{}, {"layers": (2, 0), "heads": (3, 1)}])
def test_a_map_of_which_no_weights_are_kept_is_that_of_the_whole(command, folder, choice):
    """Texts of several lengths read together: each number, name and sink as of the whole result."""
    texts = [
        "the old bank . grows",
        "bank",
        "river flows . the old river",
        "the bank grows . money",
    ]
    part = Part(**choice)
    numbers = {f"--{n[:-1]}": ",".join(map(str, of)) for n, of in choice.items()}
    options = [word for option in numbers.items() for word in option]
    lines = command("explain", *texts, "--model", folder, "--map", "--json", *options).text
    shown = command("explain", *texts, "--model", folder, "--map", *options).text
    results = attncli.explain(texts, folder, part=part)
    for result, line in zip(results, lines.splitlines(), strict=True):
        record, heads = json.loads(line), result.head_map()
        assert record["n_tokens"] == len(result.tokens)
        assert [str(label) for label in record["layers"]] == list(heads.layers)
        assert [str(label) for label in record["heads"]] == list(heads.heads)
        for name in HEAD_MEASURES:
            expected = [
                [None if np.isnan(value) else round(value, 6) for value in row]
                for row in heads.values[name].tolist()
            ]
            assert record["measures"][name] == expected
        assert (f"{sink_share(result):.0%} of the weight" in shown) or sink_share(result) <= 0.5


def test_a_map_takes_the_memory_of_one_layer(tmp_path):
    """Of 24 layers of a long text, less than half of what all of their weights take."""
    write_checkpoint(tmp_path, num_hidden_layers=24, max_position_embeddings=420)
    write_tokenizer(tmp_path)
    text = "bank " * 398
    whole = 24 * 4 * 400**2 * 4  # bytes
    peaks = {}
    for keeps in ("map", "all"):
        analyser = open_transformer(tmp_path, keeps=keeps)
        list(analyser.outcomes(["the bank"]))
        tracemalloc.start()
        (result,) = analyser.outcomes([text])
        peaks[keeps] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert result.weights.shape == (24, 4, 400, 400)
    assert peaks["map"] < whole / 2 < whole < peaks["all"]


@pytest.mark.parametrize(
    ("more", "measure", "why"),
    [
        (["--hide", "first"], "first", "the first token is hidden"),
        (["--hide", "special", "--hide", "."], "separators", "no punctuation, or they are hidden"),
        (
            ["--hide", "the", "--hide", "bank", "--hide", "grows"],
            "previous",
            "no token has the one",
        ),
    ],
)
@pytest.mark.parametrize("suffix", ["svg", "md", "html", ""])
def test_a_number_that_no_head_has_is_explained(
    command, folder, tmp_path, more, measure, why, suffix
):
    """In every view, with no empty list of the strongest heads below."""
    file = tmp_path / f"map.{suffix}"
    where = ["-o", str(file)] if suffix else ["--width", "200"]
    ended = command(
        "explain", TEXT, "--model", folder, "--map", "--measure", measure, *more, *where
    )
    assert ended.code == 0, ended.said
    text = file.read_text(encoding="utf-8") if suffix else ended.text
    text = " ".join(re.sub("<[^>]+>", " ", text).split())
    assert "o head has this number: " in text
    assert why in text
    assert "the strongest heads" not in text or "--layer" in text


def test_a_map_without_any_number_says_why(command, tmp_path):
    """A matrix between two texts without its first key has neither neighbors nor separators."""
    np.save(tmp_path / "cross.npy", np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]))
    read = ["view", str(tmp_path / "cross.npy"), "--tokens", "the house", "--pair", "das Haus ist"]
    assert "F the first token" in command(*read, "--map").text
    hidden = " ".join(command(*read, "--map", "--hide", "das").text.split())
    assert "no head has a number here: the first token and separators are hidden" in hidden
    assert "F the first token" not in hidden
