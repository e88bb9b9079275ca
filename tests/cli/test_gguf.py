"""GGUF files in every command that takes a transformer."""

import json
from pathlib import Path

import pytest
from models.gguf_files import write_tiny

pytest.importorskip("gguf")
pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole model."""
    return write_tiny(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_explain_says_how_the_matrices_are_quantized(command, model):
    """The record names the model and its quantization; every row of the weights sums to 1."""
    record = json.loads(command("explain", "abc", "--model", str(model), "--json").out)
    assert record["model"]["name"] == "tiny"
    assert record["model"]["quantization"] == "Q8_0"
    assert record["tokens"][0]["status"] == "special"
    for layer in record["weights"]:
        for head in layer:
            for row in head:
                assert sum(row) == pytest.approx(1, abs=1e-6)


def test_a_file_of_floats_is_not_quantized(command, tmp_path):
    """Of 16-bit floats the record says nothing of quantization."""
    path = write_tiny(tmp_path / "half.gguf", "F16")
    record = json.loads(command("explain", "abc", "--model", str(path), "--json").out)
    assert "quantization" not in record["model"]


def test_a_record_with_a_quantization_is_read_back(command, model, tmp_path):
    """What explain saves is what view reads, the quantization too."""
    saved = tmp_path / "r.json"
    assert command("explain", "abc", "--model", str(model), "-o", str(saved)).code == 0
    again = json.loads(command("view", str(saved), "--json").out)
    assert again["model"]["quantization"] == "Q8_0"


def test_model_info_says_what_the_file_is(command, model):
    """Format, types by kind of tensor, tokenizer, template and license, for people and as JSON."""
    shown = command("model", "info", str(model)).text
    for part in ("GGUF 3", "Q8_0", "self_attn.q_proj", "cc0-1.0", "there, and never run", "BPE"):
        assert part in shown
    assert "__mro__" not in shown
    facts = json.loads(command("model", "info", str(model), "--json", "--check").out)
    assert facts["format"] == "GGUF 3"
    assert facts["quantization"]["self_attn.q_proj"] == {"Q8_0": 2}
    assert (facts["license"], facts["chat_template"]) == ("cc0-1.0", True)
    assert facts["parameters"]["total"] == 258 * 32 + 2 * (64 + 32 * 96 + 3 * 64 * 32) + 32
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize(
    "line",
    [
        ("compare", "ab cd", "ab ef", "--word", "ab", "--vectors", "model:{}"),
        ("explain", "ab cd", "--vectors", "model:{}:1"),
        ("explain", "ab cd", "--model", "{}", "--layer", "-1", "--head", "0"),
        ("explain", "ab cd", "--model", "{}", "--include", "hidden_states,scores", "--json"),
    ],
    ids=" ".join,
)
def test_commands_take_a_file_as_they_take_a_folder(command, model, line):
    """Every way to name a transformer takes a GGUF file."""
    done = command(*(part.format(model) for part in line))
    assert done.code == 0, done.err


def test_a_batch_takes_a_file(command, model, tmp_path):
    """The records of a batch say the quantization too."""
    (tmp_path / "s.txt").write_text("ab cd\nef\n")
    out = tmp_path / "o.jsonl"
    line = ("batch", str(tmp_path / "s.txt"), "--model", str(model), "-o", str(out))
    assert command(*line, "--workers", "1").code == 0
    records = [json.loads(record) for record in out.read_text().splitlines()]
    assert [record["model"]["quantization"] for record in records] == ["Q8_0", "Q8_0"]


def test_a_file_that_is_renamed_is_told_by_its_content(command, model, tmp_path):
    """The first bytes say that a file is GGUF, not its name, as in the store of Ollama."""
    blob = tmp_path / "sha256-abc"
    blob.write_bytes(model.read_bytes())
    assert command("explain", "abc", "--model", str(blob), "--layer", "0").code == 0


def test_a_damaged_file_is_one_line(command, model, tmp_path):
    """A file cut in its tensors says so, and ends with 5."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-100])
    done = command("explain", "abc", "--model", str(cut))
    assert done.code == 5
    assert "cut off" in done.err.decode()
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        ("explain", "abc", "--model", "m.gguf"),
        ("explain", "abc", "--vectors", "model:m.gguf"),
        ("model", "info", "m.gguf"),
    ],
    ids=" ".join,
)
def test_a_file_that_is_only_called_so_says_how_it_begins(command, tmp_path, monkeypatch, line):
    """What has the suffix of GGUF and other bytes: what was expected, what came, what to do."""
    monkeypatch.chdir(tmp_path)
    Path("m.gguf").write_bytes(b"<html>\x1b[31mNot Found</html>")
    done = command(*line)
    said = done.err.decode()
    assert done.code == 5
    assert 'm.gguf: this is no GGUF file: it begins with "<html>' in said
    assert 'expected "GGUF"' in said
    assert "hint: download it again" in said
    assert "\x1b" not in said


def test_a_trained_model_is_told_by_its_content_too(command, tmp_path, monkeypatch):
    """A model of attn train stays one under the name of a GGUF file."""
    from attncli.models.shipped import shipped_file

    monkeypatch.chdir(tmp_path)
    Path("m.gguf").write_bytes(shipped_file("idioms").read_bytes())
    assert command("explain", "the bank of the river", "--model", "m.gguf").code == 0


def test_another_architecture_is_named(command, tmp_path):
    """A file of an architecture that is not read says which, and which are."""
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    done = command("explain", "abc", "--model", str(tmp_path / "m.gguf"))
    assert done.code == 5
    said = done.err.decode()
    assert 'the architecture "mamba"' in said
    assert "expected one of llama" in said
