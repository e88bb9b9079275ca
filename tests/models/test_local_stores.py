"""Laws of finding the models that other programs left on a machine."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.made import write_checkpoint

from attncli.errors import InputError, UsageError
from attncli.models.folders import find_checkpoint, is_checkpoint
from attncli.models.listed import listed_models
from attncli.models.local_stores import StoredModel, is_of_store, stored_file, stored_models
from attncli.models.named import find_model, is_transformer

MODEL = "application/vnd.ollama.image.model"
BYTES = b"GGUF" + bytes(20)


def write(path: Path, data: bytes = BYTES) -> Path:
    """A file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ollama(store: Path, name: str, digest: str = "a" * 64, **manifest: object) -> Path:
    """A model of Ollama's store: its manifest, and the file that it names."""
    layers = [{"mediaType": MODEL, "digest": f"sha256:{digest}", "size": len(BYTES)}]
    text = json.dumps({"schemaVersion": 2, "layers": layers} | manifest)
    write(store / "manifests" / name, text.encode())
    return write(store / "blobs" / f"sha256-{digest}")


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine with a model in each store, and none of the user's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    hub, home = tmp_path / "hub", tmp_path / "home"
    write_checkpoint(hub / "models--org--mini" / "snapshots" / "aaa")
    write(hub / "models--org--packed" / "snapshots" / "bbb" / "small.Q4_0.gguf")
    store = tmp_path / "ollama"
    ollama(store, "registry.ollama.ai/library/smollm2/135m")
    ollama(store, "hf.co/org/packed/Q4_K_M", "b" * 64)
    write(home / ".lmstudio" / "models" / "org" / "packed" / "model.gguf")
    write(home / ".lmstudio" / "models" / "org" / "packed" / "mmproj-model.gguf")
    write(tmp_path / "llama" / "org_packed_model.gguf")
    write_checkpoint(tmp_path / "own" / "tiny")
    write(tmp_path / "own" / "deep" / "one.gguf")
    return {
        "HOME": str(home),
        "HF_HUB_CACHE": str(hub),
        "OLLAMA_MODELS": str(store),
        "LLAMA_CACHE": str(tmp_path / "llama"),
        "ATTN_MODELS": os.pathsep.join([str(tmp_path / "own")]),
    }


def models(env: dict[str, str]) -> list[StoredModel]:
    """The models that are listed, with no fault beside them."""
    listed = list(stored_models(env))
    assert not [one for one in listed if isinstance(one, InputError)]
    return [one for one in listed if isinstance(one, StoredModel)]


def test_every_store_tells_its_models(env: dict[str, str]) -> None:
    """Whose each is, and the name that `--model` takes; the part that sees pictures is no model."""
    assert [(one.source, one.name) for one in models(env)] == [
        ("huggingface", "org/mini"),
        ("huggingface", "hf:org/packed/small.Q4_0.gguf"),
        ("ollama", "ollama:hf.co/org/packed:Q4_K_M"),
        ("ollama", "ollama:smollm2:135m"),
        ("lmstudio", "lmstudio:org/packed/model.gguf"),
        ("llama.cpp", "llama.cpp:org_packed_model.gguf"),
        ("folder", "deep/one.gguf"),
        ("folder", "tiny"),
    ]


def test_a_listed_name_leads_to_its_model(env: dict[str, str]) -> None:
    """`find_checkpoint` gives the folder or file that the list has, and a size of more than nothing."""
    for one in models(env):
        found = find_checkpoint(one.name, env)
        assert found.folder == one.path, one.name
        assert found.name == one.name
        assert is_checkpoint(one.name, env)
        assert one.size > 0


def test_the_latest_of_ollama_needs_no_tag(env: dict[str, str]) -> None:
    """As `ollama run` takes names: the tag is latest, the space is library."""
    store = Path(env["OLLAMA_MODELS"])
    blob = ollama(store, "registry.ollama.ai/library/tiny/latest", "c" * 64)
    ollama(store, "registry.ollama.ai/someone/tiny/latest", "d" * 64)
    for name in ("ollama:tiny", "ollama:tiny:latest", "ollama:library/tiny"):
        assert stored_file(name, env) == blob
    other = stored_file("ollama:someone/tiny", env)
    assert other is not None
    assert other.name == f"sha256-{'d' * 64}"


@pytest.mark.parametrize(
    "name",
    ["ollama:absent", "ollama:a/b/c/d/e", "lmstudio:absent.gguf", "llama.cpp:x", "hf:org/absent/x"],
)
def test_a_name_that_its_store_lacks_is_an_error(env: dict[str, str], name: str) -> None:
    """Which store it is, with the command that lists the models; it is no name of a training."""
    with pytest.raises(InputError, match="no such model in the store") as caught:
        find_checkpoint(name, env)
    assert "attn model list" in caught.value.hints[0]
    assert is_of_store(name)
    assert is_transformer(name)


@pytest.mark.parametrize(
    "inner",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a//b",
        "a\0b",
        "~/secret.gguf",
        ".",
        "x\n",
        "C:/x.gguf",
    ],
)
@pytest.mark.parametrize("store", ["ollama", "lmstudio", "llama.cpp", "hf"])
def test_no_name_leads_out_of_its_store(
    env: dict[str, str], tmp_path: Path, store: str, inner: str
) -> None:
    """Whatever stands in it; a file beside the store is not found."""
    write(tmp_path / "secret.gguf")
    with pytest.raises(InputError):
        stored_file(f"{store}:{inner}", env)
    assert stored_file(inner, env) is None


@given(st.text(max_size=40))
def test_any_name_gives_a_model_of_the_store_or_an_error(inner: str) -> None:
    """Nothing else, whatever characters it has."""
    empty = {"OLLAMA_MODELS": "/nonexistent", "LLAMA_CACHE": "/nonexistent", "HF_HUB_CACHE": "/no"}
    for store in ("ollama", "llama.cpp", "hf"):
        if inner:
            with pytest.raises(InputError):
                stored_file(f"{store}:{inner}", empty)
    assert stored_file(inner, empty) is None or ":" in inner


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (b"not json", "no manifest"),
        (b"[]", "no manifest"),
        (b'{"layers": 7}', "no manifest"),
        (b'{"layers": [{"mediaType": "' + MODEL.encode() + b'"}]}', "no manifest"),
        (b"[" * 100_000, "no manifest"),
        (b" " * (1 << 20) + b"{}", "no manifest"),
        (
            json.dumps({"layers": [{"mediaType": MODEL, "digest": "sha256:../../x"}]}).encode(),
            "none of sha256",
        ),
        (
            json.dumps({"layers": [{"mediaType": MODEL, "digest": f"sha256:{'e' * 64}"}]}).encode(),
            "is not there",
        ),
    ],
)
def test_a_damaged_manifest_is_told_and_the_others_are_listed(
    env: dict[str, str], manifest: bytes, why: str
) -> None:
    """One line with its place; by its name the same error."""
    path = Path(env["OLLAMA_MODELS"]) / "manifests/registry.ollama.ai/library/broken/latest"
    write(path, manifest)
    listed = list(stored_models(env))
    (fault,) = [one for one in listed if isinstance(one, InputError)]
    assert why in str(fault)
    assert "broken" in str(fault)
    assert len(listed) == 9
    with pytest.raises(InputError, match=why):
        stored_file("ollama:broken", env)


def test_a_manifest_without_weights_is_no_model(env: dict[str, str]) -> None:
    """One that holds a template alone is passed over, and not found by its name."""
    before = models(env)
    path = Path(env["OLLAMA_MODELS"]) / "manifests/registry.ollama.ai/library/words/latest"
    write(path, json.dumps({"layers": [{"mediaType": "text", "digest": "x"}]}).encode())
    assert models(env) == before
    with pytest.raises(InputError, match="no such model"):
        stored_file("ollama:words", env)


def test_a_folder_of_models_that_is_not_there_is_told(env: dict[str, str], tmp_path: Path) -> None:
    """ATTN_MODELS names several; the others are listed."""
    env["ATTN_MODELS"] += os.pathsep + str(tmp_path / "absent")
    listed = list(stored_models(env))
    (fault,) = [one for one in listed if isinstance(one, InputError)]
    assert "ATTN_MODELS" in str(fault)
    assert len(listed) == 9


@pytest.mark.parametrize("inner", ["hub/models--org--mini/snapshots/aaa", "own/tiny"])
def test_weights_whose_link_leads_to_nothing_are_told(
    env: dict[str, str], tmp_path: Path, inner: str
) -> None:
    """Their model is not listed, and the others are."""
    before = len(models(env))
    weights = tmp_path / inner / "model.safetensors"
    weights.unlink()
    weights.symlink_to(tmp_path / "blobs" / "gone")
    (fault,) = (model for model in stored_models(env) if isinstance(model, InputError))
    assert str(fault) == f"{weights}: these weights are a link to a file that is not there"
    assert len([m for m in stored_models(env) if isinstance(m, StoredModel)]) == before - 1


def test_a_machine_without_stores_has_no_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made, and nothing is an error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(stored_models({"HOME": str(tmp_path), "OLLAMA_MODELS": str(tmp_path / "no")})) == []
    assert list(tmp_path.iterdir()) == []


def test_every_listed_name_opens_the_model_it_stands_beside(
    env: dict[str, str], tmp_path: Path
) -> None:
    """Two folders with a model of one name, a name of the cache, one that ships, a line break."""
    other, hub = tmp_path / "other", Path(env["HF_HUB_CACHE"])
    for folder in ("own/idioms", "own/org/mini", "other/tiny", "other/line\nbreak"):
        write_checkpoint(tmp_path / folder)
    write(hub / "models--alone" / "snapshots" / "ccc" / "one.gguf")
    ollama(Path(env["OLLAMA_MODELS"]), "localhost:5000/org/packed/latest", "c" * 64)
    env["ATTN_MODELS"] += os.pathsep + str(other) + os.pathsep + str(other)
    listed = [one for one in listed_models(env) if isinstance(one, StoredModel)]
    assert [find_checkpoint(one.name, env).folder for one in listed] == [one.path for one in listed]
    names = [one.name for one in listed]
    assert len(set(names)) == len(names) == 14
    assert {"hf:org/mini", "hf:alone/one.gguf", "ollama:localhost:5000/org/packed:latest"} <= {
        *names
    }
    assert {str(tmp_path / "own" / "idioms"), str(other / "tiny"), "tiny", "org/mini"} <= {*names}


def test_a_model_that_may_not_be_read_is_told(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are listed."""
    before, hub = len(models(env)), Path(env["HF_HUB_CACHE"])
    write_checkpoint(hub / "models--org--locked" / "snapshots" / "ddd")
    locked, iterdir = hub / "models--org--locked" / "snapshots", Path.iterdir

    def refusing(folder: Path) -> Iterator[Path]:
        if folder == locked:
            raise PermissionError(13, "Permission denied")
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", refusing)
    listed = list(listed_models(env))
    (fault,) = [one for one in listed if isinstance(one, InputError)]
    assert "permission denied" in str(fault)
    assert len(listed) == before + 1


@pytest.mark.parametrize("name", ["org/packed", "hf:org/packed"])
def test_the_name_of_several_files_leads_to_the_list(env: dict[str, str], name: str) -> None:
    """A repository of GGUF files has no config.json that could be missed: each file has a name."""
    with pytest.raises(InputError, match="the name of one of the files") as caught:
        find_checkpoint(name, env)
    assert caught.value.hints == ("attn model list",)


def test_a_name_that_the_cache_has_twice_is_one_of_a_transformer(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what is the matter is said by who looks in the cache, not by who knows trained models."""
    for owner in ("one", "two"):
        write_checkpoint(Path(env["HF_HUB_CACHE"]) / f"models--{owner}--twice" / "snapshots" / "a")
    monkeypatch.setenv("HF_HUB_CACHE", env["HF_HUB_CACHE"])
    assert is_transformer("twice")
    assert is_transformer("org/packed")
    assert not is_transformer("absent")


SHORT = [
    ("smollm2:135m", "ollama:smollm2:135m"),
    ("smollm2", "ollama:smollm2:135m"),
    ("packed:Q4_K_M", "ollama:hf.co/org/packed:Q4_K_M"),
    ("org_packed_model.gguf", "llama.cpp:org_packed_model.gguf"),
    ("model", "lmstudio:org/packed/model.gguf"),
    ("one", "deep/one.gguf"),
]


@pytest.mark.parametrize(("short", "full"), SHORT)
def test_a_short_name_leads_to_the_full_one(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch, short: str, full: str
) -> None:
    """A model of a store that is asked for without its store is named, whoever looks for it."""
    with pytest.raises(InputError, match=f"did you mean {full}\\?"):
        find_checkpoint(short, env)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if not short.endswith(".gguf"):
        with pytest.raises(UsageError, match=f"did you mean {full}\\?"):
            find_model(short)
    assert find_checkpoint(full, env)


def test_of_several_models_of_a_short_name_each_is_named(env: dict[str, str]) -> None:
    """And a name that no model has leads to none."""
    ollama(Path(env["OLLAMA_MODELS"]), "registry.ollama.ai/library/smollm2/360m", "c" * 64)
    with pytest.raises(InputError, match="ollama:smollm2:135m or ollama:smollm2:360m"):
        find_checkpoint("smollm2", env)
    with pytest.raises(InputError) as caught:
        find_checkpoint("smollm", env)
    assert "did you mean" not in str(caught.value)
