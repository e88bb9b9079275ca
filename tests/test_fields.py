"""Laws of fields: the library names them, and only the command knows options."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest
import typer

import attncli
from attncli.cli.app import app_for
from attncli.cli.naming import _OPTIONS, Options, option_of
from attncli.errors import (
    AttnError,
    Blank,
    command_line,
    field_name,
    names_as,
    naming,
    setting,
)

PACKAGE = Path(attncli.__file__).parent
COMMAND = "attncli.cli.naming:Options"
SPOKEN = r"(?<!var\()(?<!-)--([a-z]|$)"  # no variable of CSS, no line of dashes
SAYING = {"field_name", "setting", "command_line"}
# Options of other programs, of the models' own commands, and -- where it is no option: in the names
# of folders of Hugging Face's cache (models--ORGANIZATION--NAME), and in TeX.
ALLOWED = {
    "__main__.py": "--version",
    "attention/products.py": "pip install ",
    "files/foreign.py": "save ",
    "models/folders.py": "--",
    "models/gguf/mapped.py": "llama-gguf-split ",
    "models/hub.py": "--",
    "models/shipped.py": "attn ",
    "models/local_stores.py": "--",
    "views/latex.py": "--",
}


@cache
def library():
    """Each module that is no part of the command: its place in the package, and its tree."""
    places = {path: path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))}
    return [
        (place.as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path, place in places.items()
        if place.parts[0] != "cli"
    ]


@pytest.fixture(scope="module", autouse=True)
def _trees_of_this_file_alone():
    """Trees are large: what other tests collect as garbage need not pass over them."""
    yield
    library.cache_clear()


def is_allowed(place, text):
    """Whether a text with an option is one of the few that are no option of ours."""
    start = ALLOWED.get(place)
    return start is not None and text.removeprefix("models").startswith(start)


def test_the_library_speaks_of_no_option():
    """No text outside the command holds one, or what one begins with; docstrings neither."""
    spoken = [
        (place, node.lineno, node.value)
        for place, tree in library()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(SPOKEN, node.value)
        and not is_allowed(place, node.value)
    ]
    assert spoken == []


def calls():
    """Every call that names fields: its place, the function, and the call."""
    for place, tree in library():
        for node in ast.walk(tree):
            name = getattr(getattr(node, "func", None), "id", "")
            if name in SAYING and place != "errors/__init__.py":
                yield place, name, node


def options_of(command, words=()):
    """The options of a command, or of it and all of its own commands, by name."""
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    options = {}
    for inner in getattr(command, "commands", {}).values():
        options |= options_of(inner)
    for parameter in command.params:
        options |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), parameter)
    return options


def test_every_field_that_the_library_names_has_its_option():
    """One of a command; where a whole line is said, of the command of this line."""
    command = typer.main.get_command(app_for([]))
    every, seen = options_of(command), set()
    for place, function, call in calls():
        names = [keyword.arg for keyword in call.keywords if keyword.arg is not None]
        if function == "field_name" and isinstance(call.args[0], ast.Constant):
            names = [call.args[0].value]
        text = call.args[0] if function == "command_line" else None
        first = text.values[0] if isinstance(text, ast.JoinedStr) else text
        options = every if first is None else options_of(command, first.value.split())
        for name in names:
            assert option_of(name) in options, (place, call.lineno, name)
            seen.add(name)
    assert {"temperature", "see_self", "vectors", "part.layers", "resume"} <= seen


def test_the_table_of_options_holds_what_no_rule_says():
    """Each of its options is there, under another name than its field's."""
    every = options_of(typer.main.get_command(app_for([])))
    for name, option in _OPTIONS.items():
        assert option in every
        assert option != "--" + name.replace("_", "-")


def test_fields_are_named_when_something_is_said():
    """Never when a module is loaded, where nobody knows yet who will read it."""
    for place, tree in library():
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, functions)
            for part in (function.body if isinstance(function.body, list) else [function.body])
            for node in ast.walk(part)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYING:
                assert id(node) in inside, (place, node.lineno)


def test_a_name_depends_on_who_reads_it():
    """Python its own, the command options; the way of before comes back, also after an error."""
    said = (
        lambda: field_name("target_self"),
        lambda: setting(oov="random", word="it's", causal=True, model=Blank("DIR")),
        lambda: command_line("vectors import FILE", max_dim=300),
    )
    ours = [say() for say in said]
    with names_as(COMMAND):
        theirs = [say() for say in said]
    with pytest.raises(AttnError), names_as(COMMAND):
        attncli.read("no such file")
    assert naming() == "attncli.errors:Naming"
    assert ours == [
        "target_self",
        "oov='random', word=\"it's\", causal=True, model=DIR",
        "attn vectors import FILE (max_dim=300)",
    ]
    assert theirs == [
        "--target-self",
        '--oov random --word "it\'s" --causal --model DIR',
        "attn vectors import FILE --max-dim 300",
    ]
    assert Options().setting(see_self=False) == "--no-self"


@pytest.mark.parametrize(("call", "said"), [
    (lambda: attncli.explain("a b", temperature=0), "temperature: "),
    (lambda: attncli.explain("a b", see_self=False, model="idioms"), "see_self: "),
    (lambda: attncli.explain("a b", heads=2), "heads: found it, but attention='task' has it"),
    (lambda: attncli.explain("a b", target=0), "target: found no model, expected both"),
    (lambda: attncli.explain("qxqz", oov="subword"), "oov='subword': "),
    (lambda: attncli.compare(["a b", "c d"]), "word: the sentences share no word, expected word=WORD"),
    (lambda: attncli.train("no.tsv", vectors="nope"), "vectors: "),
    (lambda: attncli.from_attentions([[1.0]], ["a", "b"]), "tokens: "),
])  # fmt: skip
def test_python_reads_the_names_of_python(call, said):
    """The place, the message and the hints of an error hold no option."""
    with pytest.raises(AttnError) as fault:
        call()
    error = fault.value
    assert str(error).startswith(said)
    assert "--" not in " ".join((str(error), *error.hints))


@pytest.mark.parametrize("workers", [1, 2])
def test_records_of_a_batch_name_fields_as_who_asked(workers, tmp_path, attn):
    """The command's records say options, those from Python fields, on every number of workers."""
    sentences = tmp_path / "s.txt"
    sentences.write_text("money bank grows\n" * 4, encoding="utf-8")
    ours, theirs = tmp_path / "ours.jsonl", tmp_path / "theirs.jsonl"
    attncli.batch(sentences, ours, "idioms", workers=workers, chunk=1)
    line = ("--model", "idioms", "--workers", str(workers), "--chunk", "1")
    assert attn("batch", str(sentences), "-o", str(theirs), *line).code == 0
    for file, says in ((ours, "; target=WORD"), (theirs, "; --target WORD")):
        for record in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            assert record["warnings"][-1]["message"].endswith(says)
