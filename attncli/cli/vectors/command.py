"""`attn vectors`: import, learn, list, look into, search, export and fetch word vectors."""

from typing import Annotated, Any

import typer

from attncli.api.files_read import vectors_read
from attncli.cli import options as opt
from attncli.cli.groups import grouped
from attncli.cli.options import CHOOSING, INPUT, OUTPUT, option
from attncli.cli.terminal import message, say_written, write, write_json, write_lines
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import open_vocabulary
from attncli.cli.vectors.evaluate import evaluate
from attncli.cli.vectors.limits import LimitOptions, limits_of
from attncli.cli.vectors.train import train
from attncli.errors import UnknownWordError, UsageError
from attncli.errors.wording import quoted, visible
from attncli.escape import set_apart
from attncli.files.apart import OutputFile, expect_apart, expect_writable

app = opt.commands("vectors")

Count = Annotated[int, option(OUTPUT, "N", "How many words.", "--count", "-n", min=1)]
Named = Annotated[str, typer.Argument(metavar="NAME|FILE", help="An imported name, or a file.")]
Digits = 4


@app.callback()
def _commands() -> None:
    """Learn, measure, import, search, export and fetch word vectors.

    \b
    Examples:
      attn vectors similar bank
      attn vectors import glove.6B.300d.txt --name glove300
    """


@app.command("list")
def list_vectors(json: opt.Json = False) -> None:
    """List built-in, imported and gensim's vectors.

    \b
    Examples:
      attn vectors list
      attn vectors list --json
    """
    from attncli.cli.vectors.report import known_vectors, list_lines

    known = known_vectors()
    if json:
        _print_json({"vectors": known})
    else:
        write_lines(list_lines(known))


@app.command("info")
@grouped
def info(
    name: Named,
    json: opt.Json = False,
    no_cache: opt.NoCache = False,
    limits: LimitOptions = LimitOptions(),  # noqa: B008  (frozen)
    quiet: opt.Quiet = False,
) -> None:
    """Tell what vectors are: size, lengths, hash.

    Vectors in the cache are verified whole. A file that can be read but not used is told of too; the exit code is then 5.

    \b
    Examples:
      attn vectors info glove
      attn vectors info vectors.txt --json
    """
    from attncli.cli.vectors.report import info_lines, vectors_facts

    facts, fault = vectors_facts(name, limits_of(limits), cached=not no_cache, quiet=quiet)
    if json:
        _print_json(facts)
    else:
        write_lines(info_lines(facts))
    if fault is not None:
        raise fault


@app.command("import")
@grouped
def import_vectors(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file or folder of vectors.")],
    name: Annotated[str | None, option(OUTPUT, "NAME", "The name for --vectors NAME.")] = None,
    limit: Annotated[int | None, option(CHOOSING, "N", "Keep the first N words.", min=1)] = None,
    words: Annotated[
        str | None, option(CHOOSING, "FILE", "Keep the words of a file, one a line.")
    ] = None,
    format: Annotated[  # noqa: A002  (the option's name)
        str | None, option(INPUT, "FORMAT", "Read the file as FORMAT.", "--format")
    ] = None,
    encoding: Annotated[str, option(INPUT, "NAME", "Encoding of the words.")] = "utf-8",
    byte_order: Annotated[
        str, option(INPUT, "ORDER", "Order of bytes in binary files: little or big.")
    ] = "little",
    on_bad_line: Annotated[
        str, option(INPUT, "WHAT", "A line that cannot be read: error or skip.")
    ] = "error",
    limits: LimitOptions = LimitOptions(),  # noqa: B008  (frozen)
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Convert a file once; it then opens at once.

    \b
    Examples:
      attn vectors import glove.6B.300d.txt --name glove300
      attn vectors import glove.6B.zip:glove.6B.50d.txt --name glove50 --limit 100000
    """
    from attncli.cli.vectors.importing import ImportSettings, imported

    if on_bad_line not in ("error", "skip"):
        raise UsageError(
            f"found {quoted(on_bad_line)}, expected error or skip", place="--on-bad-line"
        )
    if byte_order not in ("little", "big"):
        raise UsageError(
            f"found {quoted(byte_order)}, expected little or big", place="--byte-order"
        )
    skip_bad = on_bad_line == "skip"
    choice = ImportSettings(
        name, limit, words, format, encoding, byte_order, skip_bad, limits_of(limits)
    )
    facts = imported(file, choice, quiet=quiet)
    if byte_order == "big" and facts["format"] not in (
        "word2vec",
        "word2vec-bin",
        "word2vec binary",
    ):
        say_vain(["--byte-order"], f"on a file of the format {facts['format']}", quiet=quiet)
    if json:
        _print_json(facts)
    elif not quiet:
        use = name or file
        message(
            "note", f"{facts['words']} words of {facts['dim']} values; --vectors {visible(use)}"
        )


app.command("train")(train)
app.command("evaluate")(evaluate)


@app.command("similar")
def similar(
    word: Annotated[str, typer.Argument(metavar="WORD", help="The word.")],
    vectors: opt.Vectors = "glove",
    count: Count = 10,
    json: opt.Json = False,
    no_cache: opt.NoCache = False,
) -> None:
    """Find the words nearest to a word.

    \b
    Examples:
      attn vectors similar bank --count 5
      attn vectors similar bank --vectors glove --json
    """
    from attncli.reading.neighbors import similar_words

    neighbors = similar_words(open_vocabulary(vectors, cached=not no_cache), word, count)
    _print_neighbors({"word": word}, neighbors, json)


@app.command("analogy")
def analogy(
    a: Annotated[str, typer.Argument(metavar="A", help="A word, such as man.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Its counterpart, such as king.")],
    c: Annotated[str, typer.Argument(metavar="C", help="Another word, such as woman.")],
    vectors: opt.Vectors = "glove",
    count: Count = 5,
    json: opt.Json = False,
    no_cache: opt.NoCache = False,
) -> None:
    """Complete an analogy: A is to B as C is to another word.

    \b
    Examples:
      attn vectors analogy man king woman
      attn vectors analogy paris france berlin --count 3
    """
    from attncli.reading.neighbors import analogous_words

    neighbors = analogous_words(open_vocabulary(vectors, cached=not no_cache), a, b, c, count)
    _print_neighbors({"a": a, "b": b, "c": c}, neighbors, json)


@app.command("get")
def get(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="The words.")],
    vectors: opt.Vectors = "glove",
    json: opt.Json = False,
    no_cache: opt.NoCache = False,
) -> None:
    """Print the vectors of words, as text or with --json.

    \b
    Examples:
      attn vectors get money bank --json
      attn vectors get money --vectors glove300
    """
    from attncli.cli.vectors.access import open_named
    from attncli.reading.lookup import find, spelled_alike

    store = open_named(vectors, whole=False, cached=not no_cache)
    store.prefetch(words)
    hits = {word: find(store, word) for word in dict.fromkeys(words)}
    missing = [word for word, hit in hits.items() if hit is None]
    vectors_of = {w: store.vectors([hit[0]])[0] for w, hit in hits.items() if hit is not None}
    others = {w: hit[1:] for w, hit in hits.items() if hit is not None and hit[2] != "exact"}
    if json:
        record: dict[str, Any] = {"vectors": {w: v.tolist() for w, v in vectors_of.items()}}
        record["missing"] = missing
        if others:  # the vocabulary has these in another form
            record["forms"] = {w: {"key": k, "status": s} for w, (k, s) in others.items()}
        _print_json(record)
        return
    if not vectors_of:
        named = ", ".join(quoted(word) for word in missing[:5])
        raise UnknownWordError(
            f"no vector in {quoted(store.name)} for {named}", hints=spelled_alike(store, missing)
        )
    for word, vector in vectors_of.items():
        write(f"{visible(word)} {' '.join(str(value) for value in vector)}\n")
    for word, (key, status) in others.items():
        if status != "lower":
            from attncli.views.embeddings import STATUS

            message("note", f"{quoted(word)}: {STATUS[status]}, as {quoted(key)}")
    for word in missing:
        message("warning", f"no vector in {quoted(store.name)} for {quoted(word)}")


@app.command("export")
def export(
    name: Named,
    output: Annotated[
        str,
        option(
            OUTPUT,
            "FILE",
            "Where they go; the suffix says the format: txt vec bin kv npz safetensors tsv.",
            "--output",
            "-o",
        ),
    ],
    limit: Annotated[int | None, option(CHOOSING, "N", "The first N words.", min=1)] = None,
    no_cache: opt.NoCache = False,
    quiet: opt.Quiet = False,
) -> None:
    """Write vectors to a file of another format.

    \b
    Examples:
      attn vectors export glove -o glove.bin --limit 10000
      attn vectors export glove300 -o glove300.safetensors
    """
    from attncli.embeddings.exporting import export_store, exported_files

    files = [OutputFile("output", str(path)) for path in exported_files(output)]
    expect_writable(files, vectors_read(name))
    store = open_vocabulary(name, cached=not no_cache, quiet=quiet)
    expect_apart(files, [store.meta.get("source")])
    for path in export_store(store, output, limit=limit):
        say_written(str(path), quiet=quiet)


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="An imported name.")]) -> None:
    """Remove imported vectors, not their file.

    \b
    Examples:
      attn vectors remove glove300
    """
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.cache.writing import writing_cache

    cache = Cache()
    with writing_cache(cache.root):
        was_there = cache.forget(name)
    if not was_there:
        raise UsageError(
            f"no imported vectors are named {quoted(name)}", hints=("attn vectors list",)
        )


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of the gensim-data catalog.")],
    mirror: Annotated[
        str | None,
        option(INPUT, "URL", "Where the catalog is served.", envvar="ATTN_VECTORS_MIRROR"),
    ] = None,
    sha256: Annotated[str | None, option(INPUT, "HEX", "The SHA-256 the file must have.")] = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Download vectors of gensim's catalog.

    \b
    Examples:
      attn vectors fetch glove-wiki-gigaword-100
      attn vectors fetch glove-twitter-25 --json
    """
    from attncli.cli.vectors.importing import fetched

    facts = fetched(name, mirror, sha256, quiet=quiet)
    if json:
        _print_json(facts)
    elif not quiet:
        message("note", f"the file's SHA-256 is {facts['file_sha256']}")
        message("note", f"{facts['words']} words of {facts['dim']} values; --vectors {name}")


def _print_neighbors(asked: dict[str, Any], near: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        neighbors = [{"word": word, "cosine": cosine} for word, cosine in near]
        _print_json({**asked, "neighbors": neighbors})
        return
    from attncli.views.ink import left, width_of

    names = [set_apart(visible(word)) for word, _ in near]
    width = max(map(width_of, names), default=0)
    write_lines(
        f"{left(name, width)}  {cosine:.{Digits}f}"
        for name, (_, cosine) in zip(names, near, strict=True)
    )


def _print_json(record: dict[str, Any]) -> None:
    import json

    write_json(json.dumps(record, allow_nan=False))
