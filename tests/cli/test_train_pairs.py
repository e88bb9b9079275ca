"""`attn train` and `attn evaluate` of pairs of sentences, as a user has them."""

import json

import pytest
from training_pairs import write_pairs

QUICK = ("--epochs", "4", "--heads", "2", "--committee", "1", "--batch-size", "8")
TASKS = ("similarity", "relation", "match")
FIGURE = {"similarity": "Spearman", "relation": "accuracy", "match": "MRR"}
NOTE = {
    "similarity": "similarity is learned, a cosine of 0 is 0, of 1 5",
    "relation": "the label of a pair is learned",
    "match": "which belong together is learned",
}


@pytest.mark.parametrize("task", TASKS)
def test_pairs_are_trained_measured_and_described(task, command, tmp_path):
    """train says the task and the held-out figure, evaluate the figures, model info the task."""
    data, model = write_pairs(tmp_path / "p.tsv", task, 40), str(tmp_path / "m.safetensors")
    ended = command("train", str(data), "-o", model, *QUICK)
    assert (ended.code, ended.out) == (0, b"")
    assert NOTE[task] in ended.said
    assert f"held-out {FIGURE[task]}" in ended.said
    again = command("train", str(data), "-o", f"{model}2", *QUICK, "-q")
    assert again.code == 0
    assert (tmp_path / "m.safetensors").read_bytes() == (tmp_path / "m.safetensors2").read_bytes()
    shown = command("evaluate", str(data), "--model", model)
    assert shown.code == 0
    assert "the model was trained on 40 of 40 of these pairs" in shown.said
    found = json.loads(command("evaluate", str(data), "--model", model, "--json").text)
    assert found["n"] == 40
    if task == "relation":
        assert f"accuracy           {found['accuracy']:.4f}" in shown.text
    else:
        assert shown.text.splitlines()[0].split() == [
            "trained",
            "general",
            "attention",
            "mean",
            "of",
            "words",
        ]
        plain = found["baselines"]["mean_of_words"]
        name = "spearman" if task == "similarity" else "mrr"
        assert -1 <= plain[name] <= 1
        value = found["spearman"] if task == "similarity" else found["text_to_pair"]["mrr"]
        line = next(x for x in shown.text.splitlines() if FIGURE[task] in x)
        assert f" {value:.4f} " in line
    told = command("model", "info", model)
    assert f"{task}: " in told.text
    assert "pairs of sentences" in told.text
    facts = json.loads(command("model", "info", model, "--json").text)
    assert facts["architecture"]["pair"] == task


@pytest.mark.parametrize("task", TASKS)
def test_gradients_of_pairs_are_proved_on_real_sentences(task, command, tmp_path):
    """--check-grad agrees for every parameter."""
    data = write_pairs(tmp_path / "p.tsv", task)
    sizes = ("--heads", "1", "--committee", "1", "--d-k", "4", "--d-v", "4", "--landmarks", "0")
    ended = command("train", str(data), "--check-grad", *sizes)
    assert ended.code == 0
    assert ended.text.count("agrees") == len(ended.text.splitlines()) >= 5


@pytest.mark.parametrize("task", ["similarity", "match"])
def test_pairs_are_cross_validated(task, command, tmp_path):
    """--folds prints each fold beside no training, --learning-curve each share; JSON agrees."""
    data = write_pairs(tmp_path / "p.tsv", task, 30)
    ended = command("train", str(data), "--folds", "3", *QUICK)
    assert ended.code == 0
    lines = ended.text.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["1/3", "2/3", "3/3"]
    assert lines[-1].startswith(f"mean of 3  {FIGURE[task]} ")
    told = command("train", str(data), "--folds", "3", *QUICK, "--json")
    *folds, summary = map(json.loads, told.text.splitlines())
    assert [fold["n"] for fold in folds] == [10, 10, 10]
    name = FIGURE[task].lower()
    assert f"{FIGURE[task]} {summary[f'mean_{name}']:.3f} ± " in lines[-1]
    curve = command("train", str(data), "--learning-curve", *QUICK, "--held-out", "0.3")
    assert curve.code == 0
    assert [line.split()[0] for line in curve.text.splitlines()] == [
        "10%",
        "20%",
        "40%",
        "70%",
        "100%",
    ]


@pytest.mark.parametrize("task", TASKS)
def test_the_log_of_pairs_names_its_figure(task, command, tmp_path):
    """--log has the held-out figure by its name, --json the figures beside no training."""
    data, log = write_pairs(tmp_path / "p.tsv", task, 40), tmp_path / "log.jsonl"
    run = ("-o", str(tmp_path / "m"), *QUICK, "--log", str(log), "--json")
    ended = command("train", str(data), *run)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    name = f"held_out_{FIGURE[task].lower()}"
    assert all(-1 <= event[name] <= 1 for event in events[1:])
    summary = json.loads(ended.text)
    if task != "relation":
        assert set(summary["pairs"]["baselines"]) == {"general_attention", "mean_of_words"}


def test_a_page_of_a_training_of_pairs_is_written(command, tmp_path):
    """-o FILE.html keeps how the matrices were learned, and leaves the model's bytes alone."""
    data = write_pairs(tmp_path / "p.tsv", "match")
    page = ("-o", str(tmp_path / "t.html"))
    assert command("train", str(data), "-o", str(tmp_path / "a"), *QUICK, *page).code == 0
    assert command("train", str(data), "-o", str(tmp_path / "b"), *QUICK).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "held-out MRR" in (tmp_path / "t.html").read_text(encoding="utf-8")


def test_options_of_other_tasks_are_said_to_be_vain(command, tmp_path):
    """--smoothing of scores, --pair-temperature of labels: a warning says that nothing comes of them."""
    scored = write_pairs(tmp_path / "s.tsv", "similarity")
    labeled = write_pairs(tmp_path / "r.tsv", "relation")
    run = ("-o", str(tmp_path / "m"), *QUICK)
    ended = command("train", str(scored), *run, "--smoothing", "0.1", "--balance", "0")
    assert "--smoothing, --balance have no effect without labels" in ended.said
    ended = command("train", str(labeled), *run, "--pair-temperature", "0.1")
    assert "--pair-temperature has no effect but for pairs that belong together" in ended.said


@pytest.mark.parametrize("task", TASKS)
def test_two_sentences_are_explained_side_by_side(task, command, tmp_path):
    """explain shows each sentence and what the model says of both; JSON has a record of it."""
    model = str(tmp_path / "m")
    data = write_pairs(tmp_path / "p.tsv", task)
    assert command("train", str(data), "-o", model, *QUICK, "-q").code == 0
    texts = ("the river is here", "money and mud")
    shown = command("explain", *texts, "--model", model)
    assert shown.code == 0, shown.said
    assert '"the river is here" and "money and mud": ' in shown.text
    assert "words that counted: " in shown.text
    *results, both = map(
        json.loads, command("explain", *texts, "--model", model, "--json").text.splitlines()
    )
    assert [one["text"] for one in results] == list(texts)
    assert (both["type"], both["text"], both["pair"]) == ("pair", *texts)
    said = both["said"]
    told = f"label {said['label']} " if task == "relation" else f"score {said['score']:.4f}"
    assert told in shown.text
    saved = tmp_path / "pair.jsonl"
    saved.write_bytes(command("explain", *texts, "--model", model, "--json").out)
    viewed = command("view", str(saved), "--json")
    assert viewed.code == 0, viewed.said
    assert len(viewed.text.splitlines()) == 2
    alone = command("explain", texts[0], "--model", model)
    assert alone.code == 0
    assert "compares two sentences" in alone.said
    written = command("explain", *texts, "--model", model, "-o", str(tmp_path / "o.jsonl"))
    assert told.strip() in written.said
    assert len((tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()) == 2
