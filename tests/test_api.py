"""Laws of `import attncli`: Python computes what the command does, by the same names."""

import inspect
import json
import pkgutil
from dataclasses import fields, replace

import numpy as np
import pytest
from schema import validator

import attncli
from attncli.api.training import TrainChoices
from attncli.errors import AttnError, DataError, OutputError, UsageError
from attncli.insight.chosen_part import Part
from attncli.mechanisms.general import GeneralSettings
from attncli.settings import Choices, LayerSettings, MechanismSettings, TrainingSettings

CASES = [
    ({}, []),
    ({"temperature": 0.5, "causal": True}, ["--temperature", "0.5", "--causal"]),
    ({"attention": "task", "heads": 2, "seed": 3}, ["--attention", "task", "--heads", "2", "--seed", "3"]),
    ({"model": "idioms"}, ["--model", "idioms"]),
    ({"vectors": "random", "dim": 8}, ["--vectors", "random", "--dim", "8"]),
]  # fmt: skip


@pytest.mark.parametrize(("choices", "options"), CASES, ids=str)
def test_python_and_the_command_give_the_same_weights(command, choices, options):
    """General, task-specific and trained attention, to the last bit."""
    ended = command("explain", "a piece of cake", "--json", *options)
    result = attncli.explain("a piece of cake", **choices)
    theirs = np.array(json.loads(ended.out)["weights"], dtype=np.float32)
    np.testing.assert_array_equal(result.weights.squeeze(), theirs.squeeze())


def test_choices_are_the_fields_of_the_settings():
    """Every choice of a mechanism but its vectors and its model, which have arguments."""
    assert {*Choices.__annotations__, "vectors", "model"} == {
        field.name for field in fields(MechanismSettings)
    }


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"heads": 2}, "heads"),
        ({"model": "idioms", "see_self": False}, "see_self"),
        ({"dim": 7}, "dim"),
    ],
)
def test_errors_name_arguments_and_no_options(choices, name):
    """What is wrong is said in Python's words."""
    with pytest.raises(UsageError) as fault:
        attncli.explain("money bank", **choices)
    assert fault.value.place == name


def test_a_model_is_trained_saved_and_evaluated(tmp_path, command):
    """The same bytes as `attn train` writes, and the same accuracy as `attn evaluate` prints."""
    table = tmp_path / "bank.tsv"
    rows = ["money bank\tfinance", "river bank\tnature"] * 6
    table.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    sizes = ["--epochs", "3", "--heads", "2", "--committee", "2", "--held-out", "0"]
    assert command("train", str(table), "-o", str(theirs), *sizes).code == 0
    settings = TrainingSettings(epochs=3, held_out=0.0)
    layer = LayerSettings(heads=2, committee=2)
    attncli.save(attncli.train(str(table), layer=layer, settings=settings), ours)
    assert ours.read_bytes() == theirs.read_bytes()
    ended = command("evaluate", str(table), "--model", str(theirs), "--json")
    assert attncli.evaluate(str(table), str(ours)).accuracy == json.loads(ended.out)["accuracy"]


def test_a_training_takes_the_names_of_its_options(tmp_path):
    """The fields of both settings by name give the model of the settings, and are checked alike."""
    table = tmp_path / "bank.tsv"
    rows = ["money bank\tfinance", "river bank\tnature"] * 6
    table.write_text("text\tlabel\n" + "\n".join(rows) + "\nbank\n", encoding="utf-8")
    with pytest.raises(DataError) as fault:
        attncli.train(table, epochs=2)
    assert fault.value.hints == ("skip_bad=True goes on with the other 12",)
    named, settled = tmp_path / "named.safetensors", tmp_path / "settled.safetensors"
    learned = attncli.train(
        table, skip_bad=True, heads=2, committee=2, landmarks=0, epochs=2, held_out=0, seed=3
    )
    attncli.save(learned, named)
    layer = LayerSettings(heads=2, committee=2, landmarks=0)
    settings = TrainingSettings(epochs=2, held_out=0.0, seed=3)
    attncli.save(attncli.train(table, skip_bad=True, layer=layer, settings=settings), settled)
    assert named.read_bytes() == settled.read_bytes()
    assert attncli.evaluate(table, learned, skip_bad=True).n == 12


@pytest.mark.parametrize(("choices", "place"), [
    ({"epochs": 2, "settings": TrainingSettings()}, "settings"),
    ({"heads": 2, "layer": LayerSettings()}, "layer"),
    ({"settings": TrainingSettings(dropout=2.0)}, "dropout"),
    ({"learning_rate": 0.0}, "learning_rate"),
    ({"held_out": 1.0}, "held_out"),
    ({"landmark": 2}, "landmark"),
    ({"epochs": 0}, "epochs"),
    ({"oov": "skip"}, "oov"),
    ({"dim": 9}, "dim"),
])  # fmt: skip
def test_a_training_refuses_what_the_command_refuses(choices, place):
    """Two ways of saying one thing, values out of range, names of none: before the work."""
    with pytest.raises(AttnError) as fault:
        attncli.train([attncli.Row("a", "x"), attncli.Row("b", "y")], **choices)
    assert fault.value.place == place


def test_the_names_of_training_are_its_settings():
    """Every field of both is a name, with its type."""
    fields = {*LayerSettings.__annotations__, *TrainingSettings.__annotations__}
    assert set(TrainChoices.__annotations__) == fields


def test_results_and_files_are_compared_and_written_as_asked(tmp_path, command):
    """diff reads files; save writes the digits and fields that `attn explain -o` writes."""
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    result = attncli.explain("river bank")
    attncli.save(result, ours, precision=3, top=1, exclude=["contextual", "embeddings"])
    options = ["--precision", "3", "--top", "1", "--exclude", "contextual"]
    assert command("explain", "river bank", "-o", str(theirs), *options).code == 0
    assert ours.read_bytes() == theirs.read_bytes()
    attncli.save(result, theirs)
    assert [pair.changes for pair in attncli.diff(theirs, result)] == [()]
    assert attncli.diff(str(theirs), theirs, tol=0)[0].changes == ()
    with pytest.raises(AttnError, match="exclude"):
        attncli.save(result, ours, exclude=["weight"])


def test_a_comparison_is_of_the_part_that_is_chosen():
    """One of three heads has other weights than all of them."""
    texts, random = ["money bank", "river bank"], {"attention": "task", "heads": 3, "seed": 1}
    one, other = (
        attncli.compare(texts, "bank", part=Part(heads=(head,)), **random).to_record()
        for head in (0, 1)
    )
    assert one != other


def test_a_word_is_compared_and_results_are_told_apart():
    """compare finds the word that is shared; diff has no change of a result and itself."""
    assert attncli.compare(["money bank grows", "river bank flows"]).word == "bank"
    with pytest.raises(UsageError, match=r"^texts: found 1 sentence, expected two or more\n"):
        attncli.compare(["money bank grows"])
    one, other = attncli.explain("money bank"), attncli.explain("money river")
    assert not attncli.diff(one, one)[0].changes
    assert attncli.diff(one, other)[0].changes


def test_a_list_of_sentences_gives_a_list_of_results():
    """Each is the result of its sentence alone with its place, also where settings are whole."""
    texts = ["money bank grows", "river bank", "the bank"]
    for given in ({}, {"model": "idioms"}, {"settings": GeneralSettings(temperature=0.5)}):
        alone = [replace(attncli.explain(t, **given), index=i) for i, t in enumerate(texts)]
        assert attncli.explain(texts, **given) == alone
    assert attncli.explain(("river bank",)) == [attncli.explain("river bank")]
    assert attncli.explain([]) == []


def test_view_reads_what_the_command_draws(tmp_path, command):
    """A part, one result of several, weights with names: the same weights as `attn view --json`."""
    path, weights = tmp_path / "two.json", tmp_path / "weights.npy"
    choices = {"attention": "task", "heads": 2}
    attncli.save(attncli.explain(["money bank", "river bank flows"], **choices), path)
    np.save(weights, np.eye(3))
    cases = [
        ((path, {"index": 1}), ["--index", "1"]),
        ((path, {"index": 1, "part": Part(heads=(1,))}), ["--index", "1", "--head", "1"]),
        ((weights, {"tokens": ["a", "b", "c"]}), ["--tokens", "a b c"]),
        ((weights, {"scores": True}), ["--scores"]),
    ]
    for (file, given), options in cases:
        (result,) = attncli.view(file, **given)
        record = json.loads(command("view", str(file), "--json", *options).out)
        np.testing.assert_array_equal(np.float32(record["weights"]), result.weights)
        assert [token["text"] for token in record["tokens"]] == result.words


@pytest.mark.parametrize("name", ["index", "array", "scores"])
def test_view_names_arguments_and_no_options(tmp_path, name):
    """A result, an array or scores that are not there."""
    attncli.save(attncli.explain("money bank"), tmp_path / "one.json")
    given = {"index": 7, "array": "x", "scores": True}[name]
    with pytest.raises(UsageError) as fault:
        attncli.view(tmp_path / "one.json", **{name: given})
    assert fault.value.place == name


def test_vectors_are_called_alike_everywhere():
    """Whatever takes vectors by a name or a path calls them `vectors`, `open_vectors` too."""
    takers = (attncli.open_vectors, attncli.explain, attncli.compare, attncli.evaluate_vectors)
    for function in takers:
        assert "vectors" in inspect.signature(function).parameters
    stores = [attncli.open_vectors("random"), attncli.open_vectors(vectors="random")]
    assert len({store.sha256 for store in stores}) == 1


def test_no_public_name_is_a_room():
    """`import attncli.views` would put the room in the place of a function of its name."""
    rooms = {module.name for module in pkgutil.iter_modules(attncli.__path__)}
    assert not rooms & set(attncli.__all__)


BATCHES = [
    ({}, []),
    ({"causal": True, "top": 2, "exclude": ["contextual"]}, ["--causal", "--top", "2", "--exclude", "contextual"]),
    ({"attention": "task", "heads": 2, "part": Part(heads=(1,))}, ["--attention", "task", "--heads", "2", "--head", "1"]),
    ({"model": "idioms", "precision": "full", "include": ["measures"]}, ["--model", "idioms", "--precision", "full", "--include", "measures"]),
]  # fmt: skip


@pytest.mark.parametrize(("choices", "options"), BATCHES, ids=str)
def test_a_batch_has_the_bytes_of_the_command(tmp_path, command, choices, options):
    """But for how fields are named; also the same identity: what one began the other finds whole."""
    sentences, ours, theirs = (tmp_path / name for name in ("s.txt", "ours.jsonl", "theirs.jsonl"))
    sentences.write_text("a piece of cake\n\nmoney bank grows\nthe piece\n", encoding="utf-8")
    told = []
    report = attncli.batch(
        sentences, ours, workers=1, watch=lambda *done: told.append(done), **choices
    )
    assert command("batch", str(sentences), "-o", str(theirs), "--workers", "1", *options).code == 0
    assert ours.read_bytes().replace(b"; target=WORD", b"; --target WORD") == theirs.read_bytes()
    assert (report.tally.records, report.tally.failed, told) == (3, 0, [(3, 3)])
    assert attncli.batch(sentences, theirs, resume=True, **choices).complete


def test_a_batch_keeps_what_is_there_and_what_it_reads(tmp_path):
    """An output is replaced when that is said, never an input; errors name arguments."""
    sentences, out = tmp_path / "s.jsonl", tmp_path / "out.jsonl"
    sentences.write_text('{"text": "money bank"}\n', encoding="utf-8")
    attncli.batch([sentences], out, workers=1)
    before = out.read_bytes()
    with pytest.raises(OutputError):
        attncli.batch([sentences], out, workers=1, temperature=2.0)
    assert out.read_bytes() == before
    attncli.batch([sentences], out, workers=1, temperature=2.0, force=True)
    assert out.read_bytes() != before
    with pytest.raises(UsageError) as fault:
        attncli.batch([sentences], sentences, workers=1, force=True)
    assert fault.value.place == "output"
    with pytest.raises(UsageError) as fault:
        attncli.batch([sentences], out, workers=1, force=True, scheduler="tcp://nowhere:1")
    assert fault.value.place == "scheduler"


def test_a_model_at_hand_is_taken_as_its_file(tmp_path):
    """What train gives explains and compares as the file that it is saved to, without a file."""
    rows = [attncli.Row("money in the bank", "a"), attncli.Row("the river bank", "b")] * 4
    model = attncli.train(rows, epochs=2)
    file = tmp_path / "m.safetensors"
    model.save(file)
    ours, theirs = attncli.explain("money bank", model), attncli.explain("money bank", file)
    assert np.array_equal(ours.weights, theirs.weights)
    assert ours.model.probabilities == theirs.model.probabilities
    assert str(ours) != ""
    validator().validate(json.loads(json.dumps(ours.to_dict())))
    texts = ["money bank", "river bank"]
    assert repr(attncli.compare(texts, model=model)) == repr(attncli.compare(texts, model=file))
    analyser = attncli.analyser(model, part=Part(heads=(0,)))
    assert [result.weights.shape[1] for result in analyser(texts)] == [1, 1]
    with pytest.raises(AttnError, match="the model says it"):
        attncli.explain("money bank", model, heads=2)
    with pytest.raises(AttnError, match="a model has vectors of its own"):
        attncli.explain("money bank", model, preset="lecture")
    with pytest.raises(AttnError, match="TrainedModel, expected a path") as fault:
        attncli.batch("no.txt", "no.jsonl", model)
    assert fault.value.hints == ('attncli.save(model, "model.safetensors")',)
