"""`attn vectors`: import, learn, list, look into, search, export and fetch word vectors."""

import json as json_text
from typing import Annotated, Any, ClassVar

from attncli.cli import options as opt
from attncli.cli.conversion_bar import ConversionBar
from attncli.cli.options import CHOOSING, INPUT, OUTPUT, option
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, say_written, write, write_json, write_lines
from attncli.cli.train.options import WORDS
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import Saying, access_to
from attncli.cli.vectors.evaluate import evaluate
from attncli.cli.vectors.limits import LimitOptions, limits_of
from attncli.cli.vectors.train import train
from attncli.errors.wording import quoted, visible
from attncli.settings import ANALOGOUS_WORDS, SIMILAR_WORDS, ImportSettings

app = opt.commands("vectors")

Count = Annotated[int, option(OUTPUT, "N", "How many words.", "--count", "-n", min=1)]
Named = Annotated[str, opt.argument("NAME|FILE", "An imported name, or a file.")]

# Formats that an order of bytes acts on.
_OF_BINARY = ("word2vec", "word2vec-bin", "word2vec binary")


class ImportOptions(ImportSettings):
    """How a file is read, and what is kept of it."""

    OPTIONS: ClassVar = {
        "name": option(OUTPUT, "NAME", "The name for --vectors NAME."),
        "limit": option(CHOOSING, "N", "Keep the first N words.", min=1),
        "words": option(CHOOSING, "FILE", "Keep the words of a file, one a line."),
        "format": option(INPUT, "FORMAT", "Read the file as FORMAT.", "--format"),
        "encoding": option(INPUT, "NAME", "Encoding of the words."),
        "byte_order": option(INPUT, "ORDER", "Order of bytes in binary files: little or big."),
        "on_bad_line": option(INPUT, "WHAT", "A line that cannot be read: error or skip."),
    }


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
    from attncli.api.vector_files import list_vectors as known_vectors
    from attncli.cli.vectors.report import list_lines

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
    no_cache: opt.NoCache = WORDS.no_cache,
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
    from attncli.api.vector_files import facts_of_vectors
    from attncli.cli.vectors.report import info_lines

    with access_to(name, cached=not no_cache, quiet=quiet, limits=limits_of(limits)) as access:
        facts, fault = facts_of_vectors(name, access=access)
    if json:
        _print_json(facts)
    else:
        write_lines(info_lines(facts))
    if fault is not None:
        raise fault


@app.command("import")
@grouped
def import_vectors(
    file: Annotated[str, opt.argument("FILE", "A file or folder of vectors.")],
    choice: ImportOptions = ImportOptions(),  # noqa: B008  (frozen)
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
    from attncli.api.vector_files import import_vectors as imported

    with ConversionBar("", quiet=quiet) as bar:
        facts = imported(
            file,
            choice,
            limits=limits_of(limits),
            say=Saying(quiet=quiet),
            watch=bar.of_stage,
        )
    if choice.byte_order == "big" and facts["format"] not in _OF_BINARY:
        say_vain(["--byte-order"], f"on a file of the format {facts['format']}", quiet=quiet)
    if json:
        _print_json(facts)
    elif not quiet:
        _say_kept(facts, choice.name or file)


app.command("train")(train)
app.command("evaluate")(evaluate)


@app.command("similar")
def similar(
    word: Annotated[str, opt.argument("WORD", "The word.")],
    vectors: opt.Vectors = WORDS.vectors,
    count: Count = SIMILAR_WORDS,
    json: opt.Json = False,
    no_cache: opt.NoCache = WORDS.no_cache,
) -> None:
    """Find the words nearest to a word.

    \b
    Examples:
      attn vectors similar bank --count 5
      attn vectors similar bank --vectors glove --json
    """
    from attncli.api.vectors import similar as similar_words

    with access_to(vectors, cached=not no_cache) as access:
        neighbors = similar_words(word, vectors, count=count, access=access)
    _print_neighbors({"word": word}, neighbors, json)


@app.command("analogy")
def analogy(
    a: Annotated[str, opt.argument("A", "A word, such as man.")],
    b: Annotated[str, opt.argument("B", "Its counterpart, such as king.")],
    c: Annotated[str, opt.argument("C", "Another word, such as woman.")],
    vectors: opt.Vectors = WORDS.vectors,
    count: Count = ANALOGOUS_WORDS,
    json: opt.Json = False,
    no_cache: opt.NoCache = WORDS.no_cache,
) -> None:
    """Complete an analogy: A is to B as C is to another word.

    \b
    Examples:
      attn vectors analogy man king woman
      attn vectors analogy paris france berlin --count 3
    """
    from attncli.api.vectors import analogy as analogous_words

    with access_to(vectors, cached=not no_cache) as access:
        neighbors = analogous_words(a, b, c, vectors, count=count, access=access)
    _print_neighbors({"a": a, "b": b, "c": c}, neighbors, json)


@app.command("get")
def get(
    words: Annotated[list[str], opt.argument("WORD...", "The words.")],
    vectors: opt.Vectors = WORDS.vectors,
    json: opt.Json = False,
    no_cache: opt.NoCache = WORDS.no_cache,
) -> None:
    """Print the vectors of words, as text or with --json.

    \b
    Examples:
      attn vectors get money bank --json
      attn vectors get money --vectors glove300
    """
    from attncli.api.vectors import find_words

    with access_to(vectors, cached=not no_cache) as access:
        hits = find_words(words, vectors, access=access)
    if json:
        record: dict[str, Any] = {"vectors": {w: v.tolist() for w, v in hits.vectors.items()}}
        record["missing"] = hits.missing
        if hits.forms:  # the vocabulary has these in another form
            record["forms"] = {w: {"key": k, "status": s} for w, (k, s) in hits.forms.items()}
        _print_json(record)
        return
    hits.expect_some()
    for word, vector in hits.vectors.items():
        write(f"{visible(word)} {' '.join(str(value) for value in vector)}\n")
    for word, (key, status) in hits.forms.items():
        if status != "lower":
            from attncli.views.embeddings import STATUS

            message("note", f"{quoted(word)}: {STATUS[status]}, as {quoted(key)}")
    for word in hits.missing:
        message("warning", f"no vector in {quoted(hits.store.name)} for {quoted(word)}")


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
    no_cache: opt.NoCache = WORDS.no_cache,
    quiet: opt.Quiet = False,
) -> None:
    """Write vectors to a file of another format.

    \b
    Examples:
      attn vectors export glove -o glove.bin --limit 10000
      attn vectors export glove300 -o glove300.safetensors
    """
    from attncli.api.vector_files import export_vectors

    with access_to(name, cached=not no_cache, quiet=quiet) as access:
        written = export_vectors(name, output, limit=limit, access=access)
    for path in written:
        say_written(str(path), quiet=quiet)


@app.command("remove")
def remove(name: Annotated[str, opt.argument("NAME", "An imported name.")]) -> None:
    """Remove imported vectors, not their file.

    \b
    Examples:
      attn vectors remove glove300
    """
    from attncli.api.vector_files import remove_vectors

    remove_vectors(name)


@app.command("fetch")
def fetch(
    name: Annotated[str, opt.argument("NAME", "A name of the gensim-data catalog.")],
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
    from attncli.api.vector_files import fetch_vectors

    with ConversionBar("", quiet=quiet) as bar:
        facts = fetch_vectors(
            name, mirror=mirror, sha256=sha256, say=Saying(quiet=quiet), watch=bar.of_stage
        )
    if json:
        _print_json(facts)
    elif not quiet:
        message("note", f"the file's SHA-256 is {facts['file_sha256']}")
        _say_kept(facts, name)


def _say_kept(facts: dict[str, Any], use: str) -> None:
    """What was converted, and how it is named, on stderr."""
    message("note", f"{facts['words']:,} words of {facts['dim']} values; --vectors {visible(use)}")


def _print_neighbors(asked: dict[str, Any], near: list[tuple[str, float]], as_json: bool) -> None:
    from attncli.cli.vectors.report import neighbor_lines

    if as_json:
        neighbors = [{"word": word, "cosine": cosine} for word, cosine in near]
        _print_json({**asked, "neighbors": neighbors})
    else:
        write_lines(neighbor_lines(near))


def _print_json(record: dict[str, Any]) -> None:
    write_json(json_text.dumps(record, allow_nan=False))
