"""Laws of hints: each works where it is typed, in a shell and in cmd.exe."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.cli.app import COMMANDS, app_for
from attncli.errors import command_line, names_as
from attncli.errors.wording import nearest, typed

PACKAGE = Path(attncli.__file__).parent


def texts_of(node):
    """The strings of a piece of source; what an f-string fills in is 1."""
    if isinstance(node, ast.JoinedStr):
        yield "".join("1" if isinstance(v, ast.FormattedValue) else v.value for v in node.values)
    elif isinstance(node, ast.Constant):
        yield node.value if isinstance(node.value, str) else ""
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts_of(child)


def lines_said(tree):
    """The lines that the library makes of fields, as the command says them; values are 1."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "command_line":
            (words,) = texts_of(node.args[0])
            values = {k.arg: getattr(k.value, "value", 1) for k in node.keywords}
            with names_as("attncli.cli.naming:Options"):
                yield command_line(words, **values)


def command_lines():
    """Every text of the package that begins as a line that is typed."""
    starts = ("attn ", "pip install ", "python -c ")
    no_lines = (
        "attn 1",
        "attn 1 --help",
        "attn train",
        "attn explain 1",
        "attn 1 1",
        "attn 1 (1)",
    )  # a version, a kind, the start of one
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for text in (*texts_of(tree), *lines_said(tree)):
            if text.startswith(starts) and text.strip("\n") not in no_lines:
                line = text.replace("--byte-order 1", "--byte-order big")
                line = line.replace("--part 1", "--part cross")
                yield pytest.param(line, id=f"{path.stem}:{text[:40]}")


def as_cmd_splits(line):
    """The arguments as cmd.exe and the C library of Windows hand them on: double quotes only."""
    parts = re.findall(r'(?:[^\s"]|"[^"]*")+', line)
    return [part.replace('"', "") for part in parts]


def parse(arguments):
    """Parses arguments as the command does. Raises: what typer raises when it refuses them."""
    command = typer.main.get_command(app_for(arguments))
    while getattr(command, "commands", None) and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in command.commands, arguments
        command, arguments = command.commands[arguments[0]], arguments[1:]
    if arguments[:1] not in (["--help"], ["--version"]):
        command.make_context("attn", list(arguments))


@pytest.mark.parametrize("line", list(command_lines()))
def test_every_command_line_in_the_package_works_when_typed(line):
    """It means the same in a shell and in cmd.exe, and where it is ours its arguments parse."""
    for part in re.split(r" \| | > ", line):
        assert shlex.split(part) == as_cmd_splits(part)
        if part.startswith("attn "):
            parse(shlex.split(part)[1:])


@given(st.text(min_size=1))
def test_a_typed_argument_is_one_argument(text):
    """A shell reads it back as it was."""
    assert shlex.split(typed(text)) == [text]


@given(
    st.text(
        st.characters(exclude_characters='"$`!%\\\r\n', categories=["L", "N", "P", "Zs"]),
        min_size=1,
    )
)
def test_a_typed_argument_is_one_for_cmd_too(text):
    """Where it holds nothing that a shell or cmd.exe obeys inside double quotes."""
    assert '"' not in text.replace(typed(text).strip('"'), "")
    assert typed(text) in (text, f'"{text}"')


def swapped(word):
    """The word with two letters that changed places, for each place."""
    return [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)]


@pytest.mark.parametrize("name", [name for name in COMMANDS if len(name) > 4])
def test_two_letters_that_changed_places_are_recognized(name):
    """Every longer command is suggested for each slip of two letters."""
    for slip in swapped(name):
        assert nearest(slip, COMMANDS) == name


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("expalin", "money bank"), 'attn explain "money bank"'),
        (("veiw", "x.json", "--layer", "0"), "attn view x.json --layer 0"),
        (("expalin",), "attn explain --help"),
        (("vectors", "simlar", "bank"), "attn vectors similar bank"),
        (("explain", "a b", "--attention", "taks"), 'attn explain "a b" --attention task'),
        (("explain", "a b", "--attention=taks"), 'attn explain "a b" --attention=task'),
        (("explain", "a b", "--score", "sclaed"), 'attn explain "a b" --score scaled'),
        (("explain", "a b", "--jsn"), 'attn explain "a b" --json'),
        (("explain", "--masc", "causal", "a b"), 'attn explain --causal "a b"'),
        (("batch", "--mask", "s.txt"), "attn batch --causal s.txt"),
        (("batch", "s.txt", "--format", "jsnol"), "attn batch s.txt --format jsonl"),
        (("money", "bank", "grows"), 'attn explain "money bank grows"'),
        (("attn", "explain", "a b"), 'attn explain "a b"'),
        (("attn", "bank"), 'attn explain "attn bank"'),
        (("help", "me"), 'attn explain "help me"'),
        (("version",), "attn --version"),
        (("--verison",), "attn --version"),
        (("explain", "a b", "--json=true"), 'attn explain "a b" --json'),
        (("rain", "falls"), 'attn explain "rain falls"'),
        (("company", "a b", "a c"), 'attn explain "company a b a c"'),
        (("plain",), "attn explain plain"),
        (("views", "x.json"), "attn view x.json"),
        (("tran", "x.tsv", "-o", "m"), "attn train x.tsv -o m"),
        (("money bank grows",), 'attn explain "money bank grows"'),
    ],
    ids=" ".join,
)
def test_a_slip_is_answered_with_the_line_that_was_meant(command, arguments, line):
    """A usage error (2) whose first hint is the whole line, mended."""
    ended = command(*arguments)
    assert ended.code == 2
    assert ended.said.splitlines()[1] == f"  hint: {line}"
    parse(shlex.split(line)[1:])


@pytest.mark.parametrize(
    ("name", "line"), [("s.txt", "attn explain --file s.txt"), ("r.json", "attn view r.json")]
)
def test_a_file_without_a_command_is_no_sentence(command, tmp_path, monkeypatch, name, line):
    """A file that is there is shown, or read for its sentences."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("money bank\n")
    ended = command(name)
    assert ended.code == 2
    assert ended.said.splitlines()[1] == f"  hint: {line}"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("explain", "a b", "--vectors", "glvoe"), "glove"),
        (("explain", "a b", "--vectors", "radnom"), "random"),
        (("explain", "a b", "--model", "idoms"), "idioms"),
        (("explain", "a b", "--show", "wieghts"), "weights"),
        (("explain", "a b", "--include", "contxtual"), "contextual"),
        (("explain", "a b", "--agg", "maen"), "mean"),
        (("explain", "a b", "-o", "x.htlm"), ".html"),
        (("batch", "-", "-o", "x.jsnol"), ".jsonl"),
        (("compare", "a b", "a c", "-o", "x.htlm"), ".html"),
    ],
    ids=" ".join,
)
def test_values_get_suggestions_too(command, arguments, meant):
    """Names of vectors, models, sections, fields and suffixes."""
    ended = command(*arguments)
    assert ended.code == 2
    assert f'; did you mean "{meant}"?' in ended.said


@pytest.mark.parametrize("given_name", ["xyzzy", "qqqq", "12345"])
def test_nothing_is_suggested_for_a_name_that_is_near_nothing(command, given_name):
    """A guess that is no better than chance is left out."""
    assert "did you mean" not in command("explain", "a b", "--vectors", given_name).said


@pytest.mark.parametrize(
    "kind", ["layers", "layers that learn", "one tensor", "bfloat16", "one head"]
)
def test_the_hint_for_a_torch_file_runs_as_written(attn, tmp_path, kind):
    """Typed as they stand, the two lines show what torch.save wrote, gradients or not."""
    torch = pytest.importorskip("torch")
    layers = [torch.rand(1, 2, 3, 3).softmax(-1) for _ in range(2)]
    held = {
        "layers": tuple(layers),
        "layers that learn": [layer.requires_grad_() for layer in layers],
        "one tensor": torch.stack([layer[0] for layer in layers]),
        "bfloat16": [torch.eye(3).expand(1, 2, 3, 3).to(torch.bfloat16)],
        "one head": layers[0][0, 0],
    }[kind]
    torch.save(held, tmp_path / "w eights.pt")
    refused = attn("view", "w eights.pt")
    assert refused.code == 7
    save, view = [line.removeprefix("  hint: ") for line in refused.said.splitlines()[1:]]
    program, *arguments = shlex.split(save)
    assert program == "python"
    subprocess.run([sys.executable, *arguments], check=True, cwd=tmp_path)
    shown = attn(*shlex.split(view)[1:])
    assert shown.code == 0, shown.said
    assert "a" in shown.text
