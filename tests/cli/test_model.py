"""Laws of `attn model info`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.made import CONFIGS, tensors, write_checkpoint, write_model, write_tokenizer

from attncli.api.models import model_facts, shipped_models

FACTS = {
    "family": "bert",
    "layers": 3,
    "heads": 4,
    "d_model": 24,
    "d_k": 6,
    "d_inner": 40,
    "causal": False,
    "max_tokens": 20,
    "vocabulary": 16,
    "dtypes": ["F32"],
}


@pytest.fixture
def folder(tmp_path):
    """A BERT with a pooler that attention does not use."""
    made = tensors(CONFIGS["bert"])
    made["pooler.dense.weight"] = tensors(CONFIGS["bert"])["encoder.layer.0.output.dense.weight"]
    return write_checkpoint(tmp_path / "my-bert", made=made)


def test_the_facts_are_those_of_the_files(command, folder):
    """Sizes, parameters by use, dtypes and files, as JSON."""
    ended = command("model", "info", str(folder), "--json")
    facts = json.loads(ended.text)
    assert (ended.code, facts["name"]) == (0, "my-bert")
    assert {name: facts[name] for name in FACTS} == FACTS
    counted = facts["parameters"]
    assert counted["unused"] == 24 * 40
    assert counted["total"] == sum(a.size for a in tensors(CONFIGS["bert"]).values()) + 24 * 40
    assert counted["embeddings"] == (16 + 20 + 2 + 2) * 24
    size = (folder / "model.safetensors").stat().st_size
    assert facts["files"] == [{"name": "model.safetensors", "bytes": size}]


def test_every_fact_is_shown_at_every_width(command, folder):
    """At 40 and at 200 columns the table names the same figures."""
    pytest.importorskip("tokenizers")
    write_tokenizer(folder)
    for width in ("40", "200"):
        said = " ".join(command("model", "info", str(folder), "--width", width).text.split())
        for part in (
            "on top 960 (a head of words says next tokens",
            "bert",
            "3 (0…2)",
            "4 (0…3)",
            "20 tokens",
            "WordPiece",
            "[SEP]",
            "F32",
        ):
            assert part in said


def test_one_layer_of_a_decoder_is_one(command, tmp_path):
    """Layers and heads of a decoder are counted in words: 1 layer of 2 heads."""
    from models.marian_files import write_marian_tokenizer, write_small_marian

    write_small_marian(write_marian_tokenizer(tmp_path / "marian"))
    text = command("model", "info", str(tmp_path / "marian")).text
    assert "  decoder       1 layer of 2 heads, feed-forward 16\n" in text


def test_a_checkpoint_without_tokenizer_says_so(command, folder):
    """The other facts are still shown."""
    ended = command("model", "info", str(folder))
    assert ended.code == 0
    assert "not read" in ended.text


@pytest.mark.parametrize(
    ("card", "license_"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n", "apache-2.0"),
        ('\ufeff---\r\nlicense: "mit" # free\r\n---\r\n', "mit"),
        ("---\nlicense: other\nlicense_name: llama3.2\n---\n", "llama3.2"),
        ("---\nlicense: other\n---\n", "see LICENSE.txt"),
        ("---\nlicense:\n- mit\n---\n", "see LICENSE.txt"),
        ("# A model\nlicense: gpl\n", "see LICENSE.txt"),
        ("---\nlicense: gpl\n", "see LICENSE.txt"),
        ("", "see LICENSE.txt"),
    ],
)
def test_the_license_is_the_one_that_the_card_states(command, folder, card, license_):
    """In the head of README.md, of which the text is not read; else the file that has it."""
    pytest.importorskip("tokenizers")
    assert json.loads(command("model", "info", str(folder), "--json").text)["license"] is None
    (folder / "README.md").write_bytes(card.encode())
    (folder / "LICENSE.txt").write_text("Some terms")
    assert json.loads(command("model", "info", str(folder), "--json").text)["license"] == license_
    shown = command("model", "info", str(folder)).text
    assert shown.splitlines()[-1].split(maxsplit=1) == ["license", license_]


def test_a_damaged_tokenizer_leaves_the_other_facts(command, folder):
    """Its row says why it is not read; whether a template is there is not known."""
    pytest.importorskip("tokenizers")
    write_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text("{")
    ended = command("model", "info", str(folder))
    said = " ".join(ended.text.split())
    assert ended.code == 0
    assert "tokenizer not read:" in said
    assert "this is no JSON" in said
    assert "template not known" in said
    assert json.loads(command("model", "info", str(folder), "--json").text)["chat_template"] is None


@pytest.mark.parametrize("name", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_chat_template_is_named_and_not_run(command, folder, name):
    """As a file of its own, or in the settings of the tokenizer."""
    pytest.importorskip("tokenizers")
    write_tokenizer(folder)
    assert "template      none" in command("model", "info", str(folder)).text
    template = "{{ ''.__class__.__mro__ }}"
    content = json.dumps({"chat_template": template}) if name.endswith(".json") else template
    (folder / name).write_text(content)
    assert json.loads(command("model", "info", str(folder), "--json").text)["chat_template"] is True
    assert "template      there, and never run" in command("model", "info", str(folder)).text


def test_check_reads_every_number(command, folder, tmp_path):
    """With --check the hash is printed; a NaN anywhere in a needed tensor is an error."""
    ended = command("model", "info", str(folder), "--check", "--json")
    assert len(json.loads(ended.text)["sha256"]) == 64
    made = tensors(CONFIGS["bert"])
    made["embeddings.word_embeddings.weight"][7, 3] = float("nan")
    damaged = write_checkpoint(tmp_path / "damaged", made=made)
    assert command("model", "info", str(damaged)).code == 0
    ended = command("model", "info", str(damaged), "--check")
    assert ended.code == 5
    assert "value 172 is not finite" in ended.said


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), 6),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), 7),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 64), 5),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "t5"}'), 5),
        (lambda folder: (folder / "config.json").unlink(), 6),
    ],
)
def test_a_damaged_checkpoint_is_one_clear_line(command, folder, change, code):
    """Each fault has its exit code, and nothing goes to standard output."""
    change(folder)
    ended = command("model", "info", str(folder))
    assert (ended.code, ended.text) == (code, "")
    assert ended.is_clean()


def test_models_of_the_machine_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    """Those that ship, and those of a folder of one's own; a damaged one is a warning, no more."""
    for name in ("HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ATTN_MODELS", str(tmp_path / "own"))
    write_checkpoint(tmp_path / "own" / "tiny")
    for name, text in (("other", '{"model_type": "mamba"}'), ("broken", "{")):
        folder = tmp_path / "own" / name
        folder.mkdir()
        (folder / "config.json").write_text(text)
        (folder / "model.safetensors").write_bytes(bytes(2048))
    listed = command("model", "list")
    rows = [line.split() for line in listed.text.splitlines()]
    assert [row[0] for row in rows] == ["idioms", "lecture", "other", "tiny"]
    assert rows[2][1:] == ["mamba", "(not", "read", "here)", "2.0", "KiB", "folder"]
    assert rows[3][1] == "bert"
    assert "broken" in listed.said
    assert listed.code == 0


def test_a_listed_model_is_opened_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    """A folder of ATTN_MODELS by its name there; one that a store lacks names the list."""
    pytest.importorskip("tokenizers")
    monkeypatch.setenv("ATTN_MODELS", str(tmp_path))
    write_model(tmp_path / "deep" / "tiny")
    ended = command("explain", "money bank", "--model", "deep/tiny", "--json")
    assert ended.code == 0
    assert json.loads(ended.text)["model"]["name"] == "deep/tiny"
    missing = command("explain", "money bank", "--model", "ollama:absent")
    assert missing.code == 6
    assert "attn model list" in missing.said


def test_python_has_what_the_command_prints_of_every_model_that_ships(command):
    """Facts and examples are the same ones."""
    models = shipped_models()
    assert {"idioms", "lecture"} <= {model.name for model in models}
    for model in models:
        kind, facts = model_facts(model.name)
        printed = json.loads(command("model", "info", model.name, "--json").out)
        assert kind
        assert json.loads(json.dumps(facts)) == printed
        assert printed["trained_by"] == model.trained_by
        ended = command("model", "info", model.name, "--examples")
        assert (ended.code == 0) == (model.examples is not None)
        assert model.examples is None or ended.out.decode() == model.examples
