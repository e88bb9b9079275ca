"""What attn or another tool left on the disk: checkpoints, unfinished runs, entries of the cache.

As in specimens.py: every reader with whole files to damage.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import vector_files as vf
from faults.fuzzing import Case
from faults.mutations import resummed
from faults.specimens import RANDOM, TABLE, TRAIN, files_of, run_in_child

_CLASSES = {"bert": "BertTokenizer", "gpt2": "GPT2Tokenizer"}


def checkpoints(folder: Path) -> Iterator[Case]:
    """Folders of transformers: every file of them."""
    from models.made import VOCAB, write_checkpoint, write_tokenizer

    for family in ("bert", "gpt2"):
        place = write_checkpoint(folder / family / "d", family, vocab_size=300)
        write_tokenizer(place, family)
        files = files_of(folder / family)
        files["d/tokenizer_config.json"] = json.dumps(
            {"model_max_length": 20, "do_lower_case": True, "tokenizer_class": _CLASSES[family]}
        ).encode()
        files["d/special_tokens_map.json"] = json.dumps(
            {
                "unk_token": {"content": "[UNK]" if family == "bert" else "an", "lstrip": False},
                "additional_special_tokens": ["[X]"],
            }
        ).encode()
        files["d/model.safetensors.index.json"] = json.dumps(
            {"weight_map": {"embeddings.word_embeddings.weight": "model.safetensors"}}
        ).encode()
        index = files.pop("d/model.safetensors.index.json")
        lines = (
            ("explain", "money bank", "--model", "d"),
            ("model", "info", "d", "--json"),
            ("explain", "money bank", "--vectors", "model:d"),
            ("batch", "s.txt", "--model", "d", "--workers", "1", "-q"),
        )
        files["s.txt"] = b"money bank grows\n"
        for name in files:
            if name != "s.txt":
                yield Case(f"{family} {name}", files, name, lines)
        if family == "bert":
            yield Case(
                "bert index",
                {**files, "d/model.safetensors.index.json": index},
                "d/model.safetensors.index.json",
                lines,
            )
            old = {name: data for name, data in files.items() if name != "d/tokenizer.json"}
            old["d/vocab.txt"] = "\n".join(VOCAB).encode()
            yield Case("bert vocab.txt", old, "d/vocab.txt", lines)
        else:
            model = json.loads(files["d/tokenizer.json"])["model"]
            old = {name: data for name, data in files.items() if name != "d/tokenizer.json"}
            old["d/vocab.json"] = json.dumps(model["vocab"]).encode()
            merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
            old["d/merges.txt"] = ("#version: 0.2\n" + "\n".join(merges) + "\n").encode()
            yield Case("gpt2 vocab.json", old, "d/vocab.json", lines)
            yield Case("gpt2 merges.txt", old, "d/merges.txt", lines)


def unfinished(folder: Path) -> Iterator[Case]:
    """What runs leave to go on from: journals, parts, jobs behind URLs, states, leases."""
    (folder / "s.txt").write_text("money bank grows\nriver bank\n" * 20, encoding="utf-8")
    job = ("batch", "s.txt", *RANDOM, "--workers", "1", "--chunk", "10", "-q", "-o")
    for output in ("o.jsonl", "o.csv"):
        _stopped_at("attncli.batches.journal", "Journal", "finish", [*job, output])
        files = files_of(folder)
        for name in (f"{output}.attn-journal", f"{output}.attn-part"):
            yield Case(f"resume {name}", files, name, ([*job, output, "--resume"],))
        for name in set(files) - {"s.txt"}:
            (folder / name).unlink()
    with contextlib.suppress(ImportError):
        import fsspec  # noqa: F401

        yield from _behind_urls(folder)
    (folder / "t.csv").write_text(TABLE, encoding="utf-8")
    train = ("train", "t.csv", *TRAIN[:-1], "--epochs", "3", "-q", "-o", "m.safetensors")
    _stopped_at("attncli.api.training_run", "TrainingRun", "_save_model", train)
    files = files_of(folder)
    for name in files:
        if name.startswith("m.safetensors"):
            yield Case(f"state {name}", files, name, ([*train, "--resume"],))


def _behind_urls(folder: Path) -> Iterator[Case]:
    from attncli.batches import lease

    job = ("batch", "s.txt", *RANDOM, "--workers", "1", "--chunk", "10", "-q", "-o")
    _stopped_at("attncli.batches.remote", "RemoteOutput", "end", [*job, f"file://{folder}/u.jsonl"])
    files = files_of(folder)
    for name in files:
        if name.startswith("u.jsonl"):
            line = [*job, "file://{here}/u.jsonl", "--resume"]
            yield Case(f"resume {name}", files, name, (line,))
    told = json.dumps({"owner": "a", "host": "b", "process": 1, "until": 1e9}).encode()

    def held(data: bytes) -> object:
        found = json.loads(data.decode("utf-8", "replace")) if _is_json(data) else None
        return lease._rest(found if isinstance(found, dict) else None)

    yield Case("lease", {"lease": told}, "lease", act=held)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _stopped_at(module: str, owner: str, name: str, line: Sequence[str]) -> None:
    """Runs a command line that ends, as by a kill, where a function is called."""
    child = os.fork()
    if child == 0:
        try:
            import importlib

            from attncli.cli.app import run

            holder: Any = importlib.import_module(module)
            setattr(getattr(holder, owner) if owner else holder, name, lambda *_, **__: os._exit(0))
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)
            run(line)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise AssertionError(f"{line} did not come to {name}")


def entries(folder: Path) -> Iterator[Case]:
    """Entries of the cache of vectors, their sums made right again, and a mirror's catalog."""
    (folder / "v.txt").write_bytes(vf.text())
    before = os.environ["ATTN_CACHE_DIR"]
    os.environ["ATTN_CACHE_DIR"] = "cache"
    try:
        run_in_child(("vectors", "import", "v.txt", "--name", "mine"))
    finally:
        os.environ["ATTN_CACHE_DIR"] = before
    files = files_of(folder)
    lines = (
        ("explain", "the bank", "--vectors", "mine"),
        ("vectors", "list"),
        ("vectors", "info", "mine"),
        ("vectors", "similar", "bank", "--vectors", "mine"),
    )
    for name in files:
        if name != "v.txt":
            repair = resummed if name.endswith(".json") or "names" in name else None
            yield Case(
                f"cache {Path(name).name if 'names' not in name else 'name'}",
                files,
                name,
                lines,
                env={"ATTN_CACHE_DIR": "cache"},
                repair=repair,
            )
    catalog = {
        "models": {
            "glove": {
                "parts": 2,
                "checksum": "0" * 32,
                "checksum-0": "1" * 32,
                "sha256": "2" * 64,
                "file_name": "a.gz",
            }
        }
    }
    yield Case("catalog", {"list.json": json.dumps(catalog).encode()}, "list.json", act=_cataloged)


def _cataloged(data: bytes) -> object:
    from attncli.embeddings import fetching

    fetching._small = lambda url: data if url.endswith("list.json") else data[:100]  # type: ignore[assignment]
    facts = fetching._facts("glove", "https://host")
    addresses = fetching._urls("glove", "https://host", facts)
    return fetching._of_the_whole("glove", "https://host", facts, None), fetching._of_parts(
        facts, len(addresses)
    )
