"""The user's own defaults: where they come from, what they change, and what they never disturb."""

import json
import tomllib
from pathlib import Path

import pytest
import typer
from cli.test_vain_options import BASES, OTHER, TEXT, files, outcome  # noqa: F401  (a fixture)
from hypothesis import given
from hypothesis import strategies as st

from attncli.cli.app import app_for
from attncli.cli.config import _toml
from attncli.cli.habits import HABITS, KEYS, variable_of

# A value of each that is not the option's own.
ANOTHER = {
    "vectors": "random", "oov": "zero", "tokenizer": "whitespace", "seed": 7, "no-cache": True,
    "score": "dot", "temperature": 2.0, "color": "always", "width": 60, "precision": 5,
    "ascii": True, "notation": "lecture", "no-footer": True, "quiet": True, "workers": 1,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the defaults, not there yet."""
    path = tmp_path / "own folder" / "config.toml"
    monkeypatch.setenv("ATTN_CONFIG", str(path))
    return path


def write(path: Path, **values: object) -> None:
    """Fills the file."""
    path.parent.mkdir(exist_ok=True)
    lines = (f"{key} = {_toml(value)}\n" for key, value in values.items())
    path.write_text("".join(lines), encoding="utf-8")


def test_every_default_has_another_value_here():
    """The laws below see each of them."""
    assert ANOTHER.keys() == HABITS.keys()


@pytest.mark.parametrize("name", HABITS)
def test_a_default_is_kept_said_and_taken_back(command, config, name):
    """`set` writes what `list` shows and TOML reads, `unset` takes it away; each as JSON too."""
    value = ANOTHER[name]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    assert command("config", "set", name, text).code == 0
    assert tomllib.loads(config.read_text(encoding="utf-8")) == {name: value}
    assert f"{name:<12}  {_toml(value)}" in command("config", "list").text
    assert json.loads(command("config", "list", "--json").text)["kept"] == {name: value}
    assert command("config", "unset", name).code == 0
    assert config.read_text(encoding="utf-8").strip() == ""
    assert command("config", "unset", name).code == 2


@pytest.mark.parametrize("more", [{}, {"ATTN_WIDTH": "60"}], ids=["alone", "with a variable"])
def test_a_file_of_defaults_that_no_system_can_name_holds_none(command, monkeypatch, more):
    """A name too long for a file is as good as a file that is not there."""
    monkeypatch.setenv("ATTN_CONFIG", "x" * 3000)
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    assert command("explain", "money bank", "--json", "-q").code == 0
    assert command("config", "list").code == 0


@pytest.mark.parametrize("name", KEYS)
def test_no_key_of_a_command_is_in_vain(name):
    """Each is an option of the command, and each that is left out is left out with its reason."""
    command = typer.main.get_command(app_for([name])).commands[name]
    options = {option.lstrip("-") for param in command.params for option in param.opts}
    left_out = {"batch": {"precision"}, "train": {"seed"}}.get(name, set())
    assert set(KEYS[name]) == (options & HABITS.keys()) - left_out


@pytest.mark.parametrize("name", HABITS)
def test_a_default_does_what_its_option_does(command, config, monkeypatch, name):
    """The same bytes as with the option typed: from the file, a command's table, and a variable."""
    value, text = ANOTHER[name], str(config.parent / "s.txt")
    line = ("batch", text) if name == "workers" else ("explain", "--file", text)
    config.parent.mkdir()
    Path(text).write_text("money don't grow xyzzy banks\n", encoding="utf-8")
    option = [f"--{name}"] if value is True else [f"--{name}", str(value)]
    typed, plain = command(*line, *option), command(*line)
    assert typed.code == plain.code == 0
    if name not in ("no-cache", "no-footer", "workers"):
        assert (typed.out, typed.err) != (plain.out, plain.err)
    write(config, **{name: value})
    assert command(*line).out == typed.out
    assert command(*line, "--no-config").out == plain.out
    config.write_text(f"[{line[0]}]\n{name} = {_toml(value)}\n", encoding="utf-8")
    assert command(*line).out == typed.out
    config.unlink()
    monkeypatch.setenv(variable_of(name), str(value).lower() if value is True else str(value))
    assert command(*line).out == typed.out
    assert command(*line, "--no-config").out == plain.out


def test_what_is_typed_counts_more_than_a_variable_and_that_more_than_the_file(
    command, config, monkeypatch
):
    """Command line, variable, table of the command, file."""
    config.parent.mkdir()
    config.write_text("precision = 4\n[explain]\nprecision = 5\n", encoding="utf-8")
    line = ("explain", "money bank", "--show", "weights")
    digits = [len(command(*line).text.split("money  ")[-1].split()[0])]
    monkeypatch.setenv("ATTN_PRECISION", "6")
    digits.append(len(command(*line).text.split("money  ")[-1].split()[0]))
    digits.append(len(command(*line, "--precision", "2").text.split("money  ")[-1].split()[0]))
    assert digits == [7, 8, 4]


@pytest.mark.parametrize("name", BASES)
def test_no_default_makes_a_command_fail_or_complain(
    command,
    files,  # noqa: F811  (the fixture)
    config,
    monkeypatch,
    tmp_path,
    name,
):
    """With every default set, each command line ends as before and says nothing about them."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path))
    put = {"TEXT": TEXT, "OTHER": OTHER, "DIR": "bert"}
    line = [put.get(word, word) for word in BASES[name].split()]
    code, _, _, said = outcome(command, files, files, line)
    for habit, value in ANOTHER.items():
        write(config, **{habit: value})
        ended = outcome(command, files, files, line)
        assert ended[0] == code, (habit, ended[3])
        more = set(ended[3].splitlines()) - set(said.splitlines())
        assert not [text for text in more if f"--{habit}" in text], (habit, more)
    write(config, **{key: value for key, value in ANOTHER.items() if key != "quiet"})
    assert outcome(command, files, files, line)[0] == code


def test_a_footer_names_the_defaults_that_act(command, config, tmp_path, monkeypatch):
    """The command below a page makes the same page where the defaults are not there.

    That these were left out is said too.
    """
    write(config, vectors="random", width=60, seed=3)
    monkeypatch.chdir(tmp_path)  # a name of one length: the footer is folded
    page = tmp_path / "a.svg"
    assert command("explain", "money bank", "-o", "a.svg").code == 0
    assert "--vectors random" in page.read_text(encoding="utf-8")
    first = page.read_bytes()
    line = ("explain", "money bank", "-o", "a.svg", "--vectors", "random", "--seed", "3")
    assert command(*line, "--no-config").code == 0
    bare = page.read_bytes().replace(b" --no-config", b"")
    assert len(bare) < len(page.read_bytes())
    assert bare == first


def test_what_other_programs_read_keeps_its_digits(command, config):
    """JSON is not rounded by the digits that a person likes to see."""
    plain = command("explain", "money bank", "--json").out
    write(config, precision=2, color="always", width=40, ascii=True)
    assert command("explain", "money bank", "--json").out == plain


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("width = ", "this is no TOML"),
        ("width = 'wide'", 'config.toml: width: found "wide", expected a whole number'),
        ("width = true", 'width: found "True", expected a whole number from 1 to 10000'),
        ("widht = 3", 'found "widht"'),
        ("[explian]\nwidth = 3", 'found "explian", expected one of explain'),
        ("[explain]\nwidth = 0", 'explain.width: found "0"'),
        ("[diff]\nvectors = 'random'", 'found "vectors", expected one of color, width'),
        ("temperature = nan", "temperature: found"),
        ("vectors = ''", "vectors: found"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_place(command, config, content, message):
    """Exit 5, what came and what was expected; `--no-config` goes on."""
    config.parent.mkdir()
    config.write_text(content, encoding="utf-8")
    ended = command("explain", "money bank")
    assert (ended.code, ended.out) == (5, b"")
    assert message in ended.said
    assert command("explain", "money bank", "--no-config").code == 0


def test_wrong_values_are_refused_before_anything_is_written(command, config, monkeypatch):
    """Of `set`, of a variable, of a key, of a file with comments."""
    for line in (
        *(("width", "0"), ("color", "red"), ("wdith", "3"), ("explian.width", "3")),
        *(("diff.vectors", "random"), ("train.seed", "5"), ("batch.precision", "2")),
    ):
        ended = command("config", "set", *line)
        assert (ended.code, config.exists()) == (2, False), ended.said
    monkeypatch.setenv("ATTN_COLOR", "red")
    assert command("explain", "money").code == 5
    monkeypatch.delenv("ATTN_COLOR")
    config.parent.mkdir()
    config.write_text("# mine\nwidth = 50\n", encoding="utf-8")
    assert command("config", "set", "width", "60").code == 2
    assert config.read_text(encoding="utf-8") == "# mine\nwidth = 50\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_file(text):
    """What is written as TOML is read back."""
    assert tomllib.loads(f"vectors = {_toml(text)}") == {"vectors": text}


def test_without_defaults_nothing_of_them_is_loaded(attn):
    """A start without a file and variables does not read this room."""
    ended = attn("explain", "money bank", "--json", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert "attncli.cli.habits" not in ended.said
    assert "tomllib" not in ended.said


def test_a_batch_goes_on_under_its_own_defaults_alone(command, config, tmp_path, monkeypatch):
    """Under another default it is refused, as under another option."""
    (tmp_path / "s.txt").write_text("money bank\n", encoding="utf-8")
    line = ("batch", str(tmp_path / "s.txt"), "-o", str(tmp_path / "o.jsonl"), "--resume", "-q")
    assert [command(*line).code, command(*line).code] == [0, 0]
    monkeypatch.setenv("ATTN_SCORE", "dot")
    assert command(*line).code == 11
