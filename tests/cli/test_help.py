"""Laws of help: the same titles everywhere, a short and a whole form, nothing cut, nothing unnamed."""

import ast
import os
import re
from pathlib import Path

import pytest
import typer

import attncli
from attncli.cli.about import ENVIRONMENT, EXIT_CODES, MOST_USED, PAGES, USED
from attncli.cli.app import COMMANDS, app_for
from attncli.cli.help import help_summary, short_help, whole_help
from attncli.cli.options import TITLES
from attncli.errors import AttnError

ROOT = Path(__file__).parents[2]
# One name, two meanings: tokens or a sentence; of vectors or a training; of a file read or written.
TWO_TITLES = {"--pair", "--seed", "--format", "--window"}


def commands(command, path=()):
    """Every command with the words that call it, the program itself with none."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


EVERY = dict(commands(typer.main.get_command(app_for([]))))
NAMES = [" ".join(path) for path in EVERY]


def options(command):
    """The options of a command that help shows, but for those that typer adds to the program."""
    shown = [param for param in command.params if param.param_type_name == "option"]
    return [o for o in shown if not o.hidden and not o.name.endswith("_completion")]


def context(path):
    """The context of a command, as typer makes it on the way there, and as narrow as COLUMNS."""
    columns = int(os.environ.get("COLUMNS", "80"))
    above = None
    for length in range(len(path) + 1):
        inner, name = EVERY[path[:length]], path[length - 1] if length else "attn"
        above = inner.context_class(
            inner, info_name=name, parent=above, terminal_width=columns if columns < 50 else None
        )
    return above


def help_of(name, whole=True):
    """The help of a command as it is printed."""
    path = tuple(name.split())
    return (whole_help if whole else short_help)(EVERY[path], context(path))


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_a_title_and_a_sentence(name):
    """A title of the list, and a description that begins large and ends in a point; arguments too."""
    for option in options(EVERY[tuple(name.split())]):
        assert option.rich_help_panel in TITLES, option.name
    for param in EVERY[tuple(name.split())].params:
        assert getattr(param, "hidden", False) or re.fullmatch(r"(?s)[A-Z].*\.", param.help), param


def test_an_option_has_one_title_on_every_command():
    """Whoever knows where --model stands on one command finds it there on the others."""
    titles = {}
    for command in EVERY.values():
        for option in options(command):
            titles.setdefault(max(option.opts, key=len), set()).add(option.rich_help_panel)
    assert {name for name, several in titles.items() if len(several) > 1} <= TWO_TITLES


@pytest.mark.parametrize("columns", ["40", "80", "120"])
@pytest.mark.parametrize("name", NAMES)
def test_titles_stand_in_one_order_and_every_option_once(name, columns, monkeypatch):
    """In the whole help, at every width."""
    monkeypatch.setenv("COLUMNS", columns)
    text = re.split(r"^(?=[A-Z][a-z]+:$)", help_of(name), flags=re.MULTILINE)
    text = "".join(part for part in text if part.partition(":")[0] in TITLES)
    titles = [line[:-1] for line in text.splitlines() if line[:-1] in TITLES]
    assert titles == [title for title in TITLES if title in titles]
    assert len(set(titles)) == len(titles)
    shown = re.findall(r"^  (?:-\w, )?(--[a-z][a-z0-9-]*)", text, re.MULTILINE)
    assert [o for o in options(EVERY[tuple(name.split())]) if shown.count(o.opts[0]) > 1] == []
    for option in options(EVERY[tuple(name.split())]):
        assert max(option.opts, key=len) in shown, option.name


@pytest.mark.parametrize("name", NAMES)
def test_the_short_help_fits_on_a_terminal(name, monkeypatch):
    """24 lines of 80 columns: what it does, ten options or all, two examples, where the rest is."""
    monkeypatch.setenv("COLUMNS", "80")
    path = tuple(name.split())
    text, command = help_of(name, whole=False), EVERY[path]
    assert len(text.splitlines()) <= 24
    assert help_summary(command) in text
    given = re.findall(r"^  (?:-\w, )?(--[a-z][a-z0-9-]*)", text, re.MULTILINE)
    assert len(given) == (
        0 if hasattr(command, "commands") else min(MOST_USED, len(options(command)))
    )
    examples = text.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == (1 if name == "vectors remove" else 2)
    assert f"{' '.join(('attn', *path))} --help shows" in text


def test_the_most_used_options_are_options():
    """Ten of each command that has more, by names that it has."""
    many = {n for n in NAMES if len(options(EVERY[tuple(n.split())])) > MOST_USED}
    assert set(USED) == many - {""}
    for name, used in USED.items():
        named = {max(o.opts, key=len) for o in options(EVERY[tuple(name.split())])}
        assert set(used.split()) <= named
        assert len(set(used.split())) == MOST_USED


@pytest.mark.parametrize("columns", ["40", "80", "120"])
@pytest.mark.parametrize("name", ["", "vectors", "model"])
@pytest.mark.parametrize("whole", [True, False])
def test_the_line_of_every_command_is_complete(name, whole, columns, monkeypatch):
    """In the list of commands no description is cut; at 80 columns each is one line."""
    monkeypatch.setenv("COLUMNS", columns)
    listed = help_of(name, whole).partition("Commands:\n")[2].partition("\n\n")[0]
    inner = EVERY[tuple(name.split())].commands
    assert " ".join(listed.split()) == " ".join(f"{n} {help_summary(c)}" for n, c in inner.items())
    if columns != "40":
        assert len(listed.splitlines()) == len(inner)


@pytest.mark.parametrize("name", NAMES)
def test_h_is_the_short_help_and_of_no_other_meaning(name, command):
    """-h prints the short form, --help the whole, alone or beside -h; both end with 0."""
    path = name.split()
    assert not any("-h" in option.opts for option in EVERY[tuple(path)].params)
    short, whole = command(*path, "-h"), command(*path, "--help")
    assert (short.code, whole.code) == (0, 0)
    assert short.out.count(b"\n") < whole.out.count(b"\n")
    assert command(*path, "-h", "--help").out == whole.out


@pytest.mark.parametrize("asked", [(), ("-h",), ("--help",)])
def test_the_program_lists_the_commands_as_they_are(asked, command):
    """In their order, with the line that each has in its own help, though none of them is made."""
    listed = command(*asked).text.partition("Commands:\n")[2].partition("\n\n")[0]
    lines = [f"{name} {help_summary(EVERY[name,])}" for name in COMMANDS]
    assert [" ".join(line.split()) for line in listed.splitlines()] == lines


@pytest.mark.parametrize("words", ["explain --temperat", "vectors import --max-mem", "tra"])
def test_shells_complete_options_and_commands(words, attn):
    """A shell asks without arguments, and is answered from the options of every command."""
    env = {"_ATTN_COMPLETE": "complete_bash", "COMP_WORDS": f"attn {words}"}
    answer = attn(env=env | {"COMP_CWORD": str(len(words.split()))})
    assert answer.text.startswith(words.split()[-1])


def test_every_exit_code_is_named():
    """Those of all errors, and those of the table in the documentation, no other."""
    kinds = [AttnError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([0-9 /]+) \| ([a-z ]+) \|", page, re.MULTILINE)
    assert {kind.exit_code for kind in kinds} <= set(EXIT_CODES)
    assert {int(code) for codes, _ in table for code in codes.split("/")} == set(EXIT_CODES)
    names = {kind.__dict__.get("name", "").replace("-", " ") for kind in kinds}
    assert {name for _, name in table} - {"ok", "signals"} <= names


def test_every_page_is_there():
    """The pages that help names are files of the repository, and their commands are commands."""
    for page, _, names in PAGES:
        assert (ROOT / page).is_file(), page
        assert set(names) <= set(COMMANDS)
    assert {name for _, _, names in PAGES for name in names} == set(COMMANDS)


def is_environment(node):
    """Whether an expression is `os.environ`, or a mapping that is called env."""
    name = getattr(node, "attr", getattr(node, "id", None))
    return name in ("environ", "env")


def names_meant(key, tree):
    """The texts that a key stands for: itself, or what its name is given or goes through."""
    if isinstance(key, ast.Constant):
        return [key.value]
    assert isinstance(key, ast.Name), ast.dump(key)
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For)]
    writes = [n for n in ast.walk(tree) if isinstance(n, ast.Assign)]
    given = [n.iter for n in loops if getattr(n.target, "id", None) == key.id]
    given += [n.value for n in writes if getattr(n.targets[0], "id", None) == key.id]
    assert given, key.id
    meant = []
    for value in given:
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        for part in parts:
            meant += names_meant(part, tree)
    return meant


def variables_read(path):
    """The environment variables that a module reads or sets."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environment(node.value):
            yield from names_meant(node.slice, tree)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks = is_environment(node.func.value) or node.func.attr == "getenv"
            if asks and node.func.attr in ("get", "getenv", "setdefault", "pop"):
                yield from names_meant(node.args[0], tree)
        if isinstance(node, ast.keyword) and node.arg == "envvar":
            yield from names_meant(node.value, tree)


def test_every_environment_variable_is_named():
    """What the code reads is in `attn --help` or on a page of the documentation."""
    package = Path(attncli.__file__).parent
    read = {name for path in package.rglob("*.py") for name in variables_read(path)}
    assert {"ATTN_CACHE_DIR", "ATTN_VECTORS_MIRROR", "HF_HUB_CACHE", "NO_COLOR"} <= read
    pages = " ".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md"))
    named = set(re.findall(r"\b_?[A-Z][A-Z0-9_]+\b", help_of("") + pages))
    assert read - named == set()
    assert {name for name, _ in ENVIRONMENT} <= read
