"""The commands that write files, as the laws of fault points run them."""

from collections.abc import Iterator, Sequence

from faults.points import Command

_SENTENCES = "".join("money bank grows {number}\nriver bank flows\n" for number in range(40))
_VECTORS = "".join(
    f"{word} {number}.5 {-number} 0.25 1\n"
    for number, word in enumerate(["money", "bank", "grows", "river", "flows", "the"])
)
_LABELED = "text\tlabel\n" + "".join(
    "money bank grows\tmoney\nriver bank flows\triver\nthe money flows\tmoney\n" for _ in range(4)
)
_FILES = {
    "s.txt": _SENTENCES,
    "v.txt": _VECTORS,
    "t.tsv": _LABELED,
    ".attn-part": "of somebody else",
    ".out.abcd1234": "of somebody else",
    "out.bak": "of somebody else",
}
_RANDOM = ("--vectors", "random", "--dim", "4")
_OWN = ("--vectors", "v.txt", "--no-cache")
_TRAIN = ("train", "t.tsv", *_OWN, "--epochs", "2", "--committee", "1", "-q")
_CACHE = ("cache/vectors/v2-KEY/",)  # a whole entry may stay, without its name
_OLD = "what was there before"


def _command(
    name: str,
    line: Sequence[str],
    *outputs: str,
    again: Sequence[str] = (),
    works: Sequence[str] = (),
    grows: Sequence[str] = (),
    ends: Sequence[int] = (0,),
    before: Sequence[Sequence[str]] = (),
    files: dict[str, str] | None = None,
    stopped: Sequence[str] = (),
    part: float = 0.5,
) -> Command:
    return Command(
        name,
        line,
        {**_FILES, **(files or {})},
        outputs,
        again=again or line,
        works=works,
        grows=grows,
        ends=ends,
        before=before,
        stopped=stopped,
        part=part,
        env={"ATTN_CACHE_DIR": "cache"},
    )


def _batches() -> Iterator[Command]:
    for ending in ("jsonl", "csv", "parquet", "arrow", "npz"):
        name = f"out.{ending}"
        works = tuple(f"{name}{end}" for end in (".attn-part", ".attn-journal", ".attn-final"))
        line = ("batch", "s.txt", "-o", name, *_RANDOM, "--workers", "1", "--chunk", "20")
        yield _command(f"batch {ending}", line, name, again=(*line, "--resume"), works=works)
        over = (*line, "--force")
        yield _command(
            f"batch over {ending}",
            over,
            name,
            again=(*over, "--resume"),
            works=works,
            files={name: _OLD},
        )
    line = ("batch", "s.txt", "-o", "file://{here}/out.jsonl", *_RANDOM, "--workers", "1")
    line = (*line, "--chunk", "20")
    works = ("out.jsonl.attn-",)
    yield _command("batch url", line, "out.jsonl", again=(*line, "--resume"), works=works)
    over, files = (*line, "--force"), {"out.jsonl": _OLD}
    again = (*over, "--resume")
    yield _command("batch url over", over, "out.jsonl", again=again, works=works, files=files)
    line = ("batch", "s.txt", "-o", "memory://out.jsonl", *_RANDOM, "--workers", "1")
    yield _command("batch url memory", (*line, "--chunk", "20"))


def _crews() -> Iterator[Command]:
    """Batches of several processes: the call that fails is one of a worker's or of the parent's."""
    for ending in ("jsonl", "csv", "parquet", "arrow", "npz"):
        name = f"out.{ending}"
        works = tuple(f"{name}{end}" for end in (".attn-part", ".attn-journal", ".attn-final"))
        line = ("batch", "s.txt", "-o", name, *_RANDOM, "--workers", "2", "--chunk", "10")
        again = (*line, "--resume")
        yield _command(f"crew {ending}", line, name, again=again, works=works)
        yield _command(
            f"crew again {ending}", again, name, again=again, works=works, stopped=line, part=0.8
        )
    line = ("batch", "s.txt", "-o", "file://{here}/out.jsonl", *_RANDOM, "--workers", "2")
    line, works = (*line, "--chunk", "10"), ("out.jsonl.attn-",)
    again = (*line, "--resume")
    yield _command("crew url", line, "out.jsonl", again=again, works=works)
    yield _command(
        "crew again url", again, "out.jsonl", again=again, works=works, stopped=line, part=0.8
    )


def _written() -> Iterator[Command]:
    pictures, tables = ("html", "svg", "png", "pdf"), ("csv", "tsv", "parquet", "arrow")
    for ending in (*pictures, "json", "npz", *tables, "md", "tex"):
        name = f"out.{ending}"
        line = ("explain", "money bank", *_RANDOM, "-o", name)
        yield _command(f"explain {ending}", line, name, files={name: _OLD})
    saved = ("explain", "money bank", *_RANDOM, "-o", "r.json")
    yield _command("view svg", ("view", "r.json", "-o", "out.svg"), "out.svg", before=[saved])
    line = ("compare", "bank", *_RANDOM, "money bank grows", "river bank flows", "-o")
    yield _command("compare html", (*line, "out.html"), "out.html")
    yield _command("compare csv", (*line, "out.csv"), "out.csv", files={"out.csv": _OLD})


def _learned() -> Iterator[Command]:
    line = (*_TRAIN, "-o", "m.safetensors")
    works = ("m.safetensors.",)
    yield _command("train", line, "m.safetensors", works=works)
    yield _command(
        "train over", line, "m.safetensors", works=works, before=[(*line, "--seed", "3")]
    )
    logged = (*line, "--log", "log.jsonl")
    yield _command("train log", logged, "m.safetensors", works=works)
    paged = (*line, "-o", "m.html")
    yield _command("train page", paged, "m.safetensors", "m.html", works=works)
    again = (*line, "--resume")
    for part in (0.4, 0.7, 0.9):
        yield _command(
            f"train again {part}",
            again,
            "m.safetensors",
            again=again,
            works=works,
            stopped=line,
            part=part,
        )


def _kept() -> Iterator[Command]:
    line = ("vectors", "import", "v.txt", "--name", "mine")
    yield _command("vectors import", line, works=_CACHE)
    learn = ("vectors", "train", "s.txt", "--name", "mine", "--dim", "4", "--min-count", "1")
    yield _command("vectors train", learn, again=(*learn, "--force"), works=_CACHE)
    yield _command("vectors train over", (*learn, "--force"), works=_CACHE, before=[line])
    line_of_removal = ("vectors", "remove", "mine")
    yield _command("vectors remove", line_of_removal, works=_CACHE, before=[line], ends=(0, 2))
    for name in ("out.txt", "out.vec", "out.bin", "out.npz", "out.safetensors", "out.tsv"):
        export = ("vectors", "export", "mine", "-o", name)
        yield _command(f"vectors export {name}", export, name, before=[line], files={name: _OLD})


KINDS = {
    "batch": list(_batches()),
    "crews": list(_crews()),
    "written": list(_written()),
    "learned": list(_learned()),
    "vectors": list(_kept()),
}
