"""Laws of --model DIR: explain, compare and view with a transformer."""

import csv
import json
import shlex
import shutil
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from models.made import CONFIGS, tensors, write_model
from models.plain import run

from attncli.cli import schema as schema_module

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of three layers and four heads, with its tokenizer."""
    return str(write_model(tmp_path_factory.mktemp("cli") / "tiny-bert"))


def records(ended):
    """The records that a command printed, each valid under the schema."""
    path = Path(schema_module.__file__).parents[1] / "results" / "record.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    found = [json.loads(line) for line in ended.text.splitlines()]
    for record in found:
        jsonschema.validate(record, schema)
    return found


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model-00001-of-00002.safetensors"]
)
def test_a_file_of_a_checkpoint_leads_to_its_folder(command, folder, tmp_path, name):
    """A file beside config.json that is no model itself is named, and the folder that is one."""
    here = tmp_path / "my models" / "tiny"
    shutil.copytree(folder, here)
    if not (here / name).exists():
        (here / "model.safetensors").rename(here / name)
    ended = command("explain", "money bank", "--model", str(here / name))
    text, shard = (
        "found text, expected a safetensors file",
        "a safetensors file, but no model of attn",
    )
    assert (ended.code, ended.text) == (5, "")
    assert f"{here / name}: {text if name.endswith('json') else shard}" in ended.said
    hint = ended.said.split("hint: ")[1].split(" opens the checkpoint")[0]
    assert shlex.split(hint) == ["--model", str(here)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--temperature", "2"), "the checkpoint says it"),
        (("--causal",), "the checkpoint says it"),
        (("--vectors", "random"), "the checkpoint says it"),
        (("--seed", "3"), "no vector of a checkpoint is random"),
        (("--dim", "7"), "no vector of a checkpoint is random"),
        (("--target", "bank"), "a checkpoint has no label for a word"),
    ],
)
def test_a_choice_that_a_checkpoint_leaves_none_is_refused(command, folder, given, why):
    """With why: what it says itself, and what it does not have."""
    for words in (("explain", "money bank"), ("batch", str(Path(folder) / "config.json"))):
        ended = command(*words, "--model", folder, *given)
        assert (ended.code, ended.text) == (2, "")
        assert ended.said.endswith(f"attn: error: {given[0]}: found it, but {why}\n")


def test_text_is_no_model(command, tmp_path):
    """A file of words is said to be text; its letters are not taken for the length of a header."""
    for content in ("import attncli\n", "Größe und mehr", "a\tlabel\nmoney bank\tx\n"):
        (tmp_path / "notes.txt").write_text(content, encoding="utf-8")
        ended = command("explain", "money bank", "--model", str(tmp_path / "notes.txt"))
        assert ended.code == 5
        assert ended.said.endswith("notes.txt: found text, expected a safetensors file\n")


def test_the_json_holds_every_layer_and_head(command, folder):
    """Weights, hidden states and tokens of two sentences are those of the plain loops."""
    ended = command(
        "explain", "money bank grows", "the unhappiness", "--model", folder, "--json",
        "--include", "embeddings,hidden_states,query,key,value,scores",
    )  # fmt: skip
    first, second = records(ended)
    assert ended.code == 0
    assert [t["text"] for t in second["tokens"]] == ["[CLS]", "the", "un", "happi", "ness", "[SEP]"]
    weights, states = run(CONFIGS["bert"], tensors(CONFIGS["bert"]), [2, 5, 6, 7, 3], [0] * 5)
    np.testing.assert_allclose(first["weights"], weights, atol=1e-5)
    np.testing.assert_allclose(first["hidden_states"], states, atol=1e-5)
    np.testing.assert_allclose(first["contextual"], states[-1], atol=1e-5)
    assert np.shape(first["query"]) == (3, 4, 5, 6)
    assert first["attention"]["kind"] == "transformer"


def test_the_part_that_is_chosen_is_shown(command, folder):
    """A layer, two heads, their mean, words, and no special tokens: in JSON and as a table."""
    options = ["--layer", "-1", "--head", "0,2", "--agg", "mean", "--merge", "--hide", "special"]
    arguments = ["explain", "the unhappiness grows", "--model", folder, *options]
    (record,) = records(command(*arguments, "--json"))
    assert [t["text"] for t in record["tokens"]] == ["the", "unhappiness", "grows"]
    assert record["selection"]["layers"] == [2]
    assert record["selection"]["heads"] == [0, 2]
    np.testing.assert_allclose(np.sum(record["weights"], -1), 1, atol=1e-6)
    shown = command(*arguments, "--show", "weights").text
    assert "layer 2 · mean of heads 0, 2 · pieces merged · hidden: [CLS] [SEP]" in " ".join(
        shown.split()
    )
    for word in ("the", "unhappiness", "grows"):
        assert word in shown


def test_without_a_choice_a_terminal_shows_the_last_layer(command, folder):
    """Four heads of the last of three layers; the JSON keeps all."""
    text = command("explain", "old bank", "--model", folder, "--show", "weights").text
    assert "layer 2" in text
    assert text.count("[SEP]") == 4 * 2
    (record,) = records(command("explain", "old bank", "--model", folder, "--json"))
    assert np.shape(record["weights"])[:2] == (3, 4)


@pytest.mark.parametrize("n_heads", [2, 4, 6])
@pytest.mark.parametrize("given", [[], ["--merge"], ["--hide", "[CLS]"], ["--top", "2"]])
def test_view_shows_as_many_heads_as_explain(command, tmp_path, n_heads, given):
    """The last layer of what is saved whole: each head where there are four or fewer, else their mean."""
    folder = str(write_model(tmp_path / "m", "bert", num_attention_heads=n_heads))
    asked = ("explain", "the unhappiness grows", "--model", folder)
    assert command(*asked, "-o", str(tmp_path / "saved.json")).code == 0
    explained = command(*asked, "--show", "weights", *given)
    viewed = command("view", str(tmp_path / "saved.json"), "--show", "weights", *given)
    assert viewed.text == explained.text
    assert "3 layers of" in viewed.said


@pytest.mark.parametrize("kept", [["--layer", "0,1", "--head", "1,3"], ["--head", "0"]])
def test_view_shows_every_matrix_that_was_chosen(command, folder, tmp_path, kept):
    """Of a record that was saved of a few layers and heads all are shown, as they were asked for."""
    asked = ("explain", "the unhappiness grows", "--model", folder, *kept)
    assert command(*asked, "-o", str(tmp_path / "saved.json")).code == 0
    viewed = command("view", str(tmp_path / "saved.json"), "--show", "weights")
    assert viewed.text == command(*asked, "--show", "weights").text
    assert not viewed.said


def test_view_shows_what_explain_shows(command, folder, tmp_path):
    """A saved result gives the same part as explain, cell for cell, beside its own new vectors."""
    whole = command("explain", "the unhappiness grows", "--model", folder, "--json")
    (tmp_path / "saved.json").write_bytes(whole.out)
    options = ["--layer", "1", "--agg", "max", "--merge", "--hide", "[CLS]", "--json"]
    (viewed,) = records(command("view", str(tmp_path / "saved.json"), *options))
    (explained,) = records(command("explain", "the unhappiness grows", "--model", folder, *options))
    assert viewed["weights"] == explained["weights"]
    assert viewed["tokens"] == explained["tokens"]
    last = len(json.loads(whole.text)["weights"]) - 1
    assert viewed["selection"].pop("vectors_after") == last
    assert viewed["selection"] == explained["selection"]


def test_a_pair_is_read_together(command, folder):
    """The record keeps the second sentence, its offsets and segments."""
    arguments = ["explain", "money bank", "--model", folder, "--pair", "river bank"]
    (record,) = records(command(*arguments, "--json"))
    assert (record["pair"], record["segments"]) == ("river bank", [0, 0, 0, 0, 1, 1, 1])
    token = record["tokens"][5]
    assert record["pair"][token["start"] : token["end"]] == token["text"] == "bank"
    assert "river bank" in command(*arguments).text


@pytest.mark.parametrize("layer", ["0", "2"])
def test_compare_takes_the_vector_of_a_layer(command, folder, layer):
    """The cosine of the word in two sentences is that of the hidden states after the layer."""
    ended = command(
        "compare", "money bank grows", "river bank flows", "--model", folder, "--word", "bank",
        "--layer", layer, "--json",
    )  # fmt: skip
    assert ended.code == 0
    found = json.loads(ended.text)
    vectors = []
    for ids in ([2, 5, 6, 7, 3], [2, 8, 6, 9, 3]):
        _, states = run(CONFIGS["bert"], tensors(CONFIGS["bert"]), ids, [0] * 5)
        vectors.append(states[int(layer) + 1][2])
    cosine = vectors[0] @ vectors[1] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[1])
    assert found["cosine"]["after"][0][1] == pytest.approx(cosine, abs=1e-5)


def test_steps_follow_one_head(command, folder):
    """Every stage of a head is printed, and the products of its numbers are the next ones."""
    ended = command(
        "explain", "old bank", "--model", folder, "--steps", "--layer", "1", "--head", "3",
        "--row", "bank",
    )  # fmt: skip
    assert ended.code == 0
    for stage in ("1.", "2.", "3.", "4.", "5.", "6.", "7."):
        assert f"\n{stage} " in ended.text


@pytest.mark.parametrize("name", ["explain", "compare", "batch", "view"])
def test_the_first_token_is_hidden_by_every_command(command, folder, tmp_path, name):
    """--hide first leaves out [CLS] and no other, says so, and the rows sum to 1."""
    sentence, hidden = "first bank", ["--hide", "first", "--json"]
    saved, listed = tmp_path / "whole.jsonl", tmp_path / "texts.txt"
    listed.write_text(f"{sentence}\n")
    saved.write_text(command("explain", sentence, "--model", folder, "--json").text)
    ended = {
        "explain": lambda: command("explain", sentence, "--model", folder, *hidden),
        "compare": lambda: command(
            "compare", sentence, "river bank", "--word", "bank", "--model", folder, *hidden
        ),
        "batch": lambda: command("batch", str(listed), "--model", folder, *hidden[:2]),
        "view": lambda: command("view", str(saved), *hidden),
    }[name]()
    assert ended.code == 0
    if name == "compare":
        assert '"[CLS]" hidden' in ended.said
        return
    (record,) = records(ended)
    assert [token["text"] for token in record["tokens"]][-2:] == ["bank", "[SEP]"]
    assert record["selection"]["hidden"] == ["[CLS]"]
    np.testing.assert_allclose(np.sum(record["weights"], axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--layer", "3"], 2, "--layer: found 3, expected 0…2"),
        (["--head", "9"], 2, "--head: found 9, expected 0…3"),
        (["--layer", "x"], 2, "--layer"),
        (["--agg", "sum"], 2, "--agg"),
        (["--score", "dot"], 2, "--score"),
        (["--vectors", "random"], 2, "--vectors"),
        (["--attention", "task"], 2, "--attention"),
        (["--target", "bank"], 2, "--target"),
        (["--against", "general"], 2, "--against"),
        (["--steps", "--agg", "mean"], 2, "--agg"),
        (["--hide", "special", "--hide", "bank", "--hide", "old"], 4, "nothing is left"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(command, folder, arguments, code, said):
    """With the name of the option and what was expected."""
    ended = command("explain", "old bank", "--model", folder, *arguments)
    assert ended.code == code
    assert said in ended.said
    assert ended.is_clean()


def test_a_pair_needs_a_transformer(command):
    """General attention reads one sentence."""
    ended = command("explain", "old bank", "--pair", "river")
    assert (ended.code, ended.text) == (2, "")
    assert "--pair" in ended.said


def test_a_sentence_too_long_is_cut_only_when_asked(command, folder):
    """Exit 8 with both lengths; --truncate cuts and warns."""
    long = "bank " * 40
    ended = command("explain", long, "--model", folder)
    assert ended.code == 8
    assert "42 tokens" in ended.said
    assert "at most 20" in ended.said
    ended = command("explain", long, "--model", folder, "--truncate", "--json")
    assert ended.code == 0
    assert len(records(ended)[0]["tokens"]) == 20
    assert "cut to 20 of 42 tokens" in ended.said


@pytest.mark.parametrize(
    ("name", "code"),
    [("absent/model", 6), ("https://huggingface.co/gpt2", 2), ("", 6), ("..", 6)],
)
def test_a_name_that_is_no_checkpoint_is_one_clear_line(command, monkeypatch, tmp_path, name, code):
    """Nothing is fetched, and nothing goes to standard output."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ended = command("explain", "old bank", "--model", name)
    assert (ended.code, ended.text) == (code, "")
    assert ended.is_clean()


def test_without_the_library_the_install_line_is_said(command, folder, monkeypatch):
    """Exit 14 and the line that installs it."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    ended = command("explain", "old bank", "--model", folder)
    assert (ended.code, ended.text) == (14, "")
    assert "hint: pip install tokenizers" in ended.said


def test_a_page_has_every_layer_and_head(command, folder, tmp_path):
    """The HTML of a transformer has sliders for its layers and heads."""
    page = tmp_path / "t.html"
    assert command("explain", "old bank", "--model", folder, "-o", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    for name, last in (("layer", 2), ("head", 3)):
        assert f'<input type="range" name="{name}" min="0" max="{last}"' in text


@pytest.mark.parametrize("suffix", ["json", "csv", "tsv", "npz"])
@pytest.mark.parametrize("choice", [("3,1", "2,0"), ("1", "3"), ("0,1", "1")])
def test_a_saved_part_takes_the_numbers_of_the_model(command, tmp_path, suffix, choice):
    """What was saved with --layer and --head is chosen by the same numbers; others are refused."""
    deep = write_model(tmp_path / "deep", num_hidden_layers=4)
    layers, heads = choice
    saved = str(tmp_path / f"part.{suffix}")
    sentence = ["explain", "the unhappiness grows", "--model", str(deep)]
    assert command(*sentence, "--layer", layers, "--head", heads, "-o", saved).code == 0
    for layer in layers.split(","):
        for head in heads.split(","):
            place = ["--layer", layer, "--head", head]
            (again,) = records(command("view", saved, *place, "--json"))
            (whole,) = records(command(*sentence, *place, "--json"))
            np.testing.assert_allclose(again["weights"], whole["weights"], atol=1e-6)
    ended = command("view", saved, "--layer", "9")
    assert ended.code == 2
    listed = (
        "0…1" if layers == "0,1" else f"layer{'s' * (',' in layers)} {layers.replace(',', ', ')}"
    )
    assert f"--layer: found 9, expected {listed} (or" in ended.said
    mirrored = str(tmp_path / "mirrored.json")
    order = [",".join(reversed(numbers.split(","))) for numbers in choice]
    command(*sentence, "--layer", order[0], "--head", order[1], "-o", mirrored)
    assert command("diff", saved, mirrored).code == 0


def test_diff_says_that_other_heads_are_compared(command, folder, tmp_path):
    """Files of --head 0 and --head 1 hold other matrices, and diff names both."""
    for head in "01":
        command("explain", "money bank", "--model", folder, "--layer", "-1", "--head", head,
                "-o", str(tmp_path / f"{head}.json"))  # fmt: skip
    ended = command("diff", str(tmp_path / "0.json"), str(tmp_path / "1.json"))
    assert ended.code == 1
    assert "other heads are compared: head 0 in the first, head 1 in the second" in ended.text
    assert "most at layer 2, head 0 and head 1, " in ended.text


def test_a_batch_calls_layers_and_heads_by_their_numbers(command, folder, tmp_path):
    """The columns layer and head of a batch's CSV are those of explain's for the same options."""
    text = str(tmp_path / "t.txt")
    Path(text).write_text("the unhappiness grows\n", encoding="utf-8")
    for number, part in enumerate(
        (["--layer", "2,0", "--head", "3,1"], ["--layer", "1,2", "--agg", "max"])
    ):
        one, other = (str(tmp_path / f"{name}{number}.csv") for name in ("batch", "explain"))
        options = ["--model", folder, *part]
        assert command("batch", text, "-o", one, *options).code == 0
        assert command("explain", "--file", text, "-o", other, *options).code == 0
        tables = [
            list(csv.DictReader(Path(p).read_text("utf-8").splitlines())) for p in (one, other)
        ]
        names = [dict.fromkeys((row["layer"], row["head"]) for row in table) for table in tables]
        assert list(names[0]) == list(names[1])
        assert command("diff", one, other).code == 0


@pytest.mark.parametrize("order", ["1,2", "2,1"])
def test_a_comparison_names_its_layer_in_every_format(command, folder, tmp_path, order):
    """Row and new vector are those of layer 2, whatever order it was asked for in, and it is said."""
    pair = ["money bank", "river bank", "--word", "bank", "--model", folder]
    chosen = [*pair, "--layer", order, "--head", "3,0"]
    said = f"mean of heads 3, 0, layer 2, the last of layers {order.replace(',', ', ')}"
    assert f"weights: {said}" in command("compare", *chosen).text
    told = json.loads(command("compare", *chosen, "--json").text)
    assert told["weights_of"] == said
    (one, _) = told["sentences"]
    only = json.loads(command("compare", *pair, "--layer", "2", "--head", "3,0", "--json").text)
    assert [p["weight"] for p in one["row"]] == pytest.approx(
        [p["weight"] for p in only["sentences"][0]["row"]], abs=1e-6
    )
    np.testing.assert_allclose(one["contextual"], only["sentences"][0]["contextual"], atol=1e-5)
    saved = str(tmp_path / "c.json")
    assert command("compare", *chosen, "-o", saved).code == 0
    for suffix in ("html", "svg", "md"):
        for name, arguments in (("direct", ["compare", *chosen]), ("again", ["view", saved])):
            path = tmp_path / f"{name}.{suffix}"
            assert command(*arguments, "-o", str(path)).code == 0
            assert said in path.read_text("utf-8"), path.name
