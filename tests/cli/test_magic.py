"""Laws of `%attn` and `%%attn` in a notebook: objects where there are some, text elsewhere, no shell."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_data import write_data

import attncli
from attncli.api.reasons import ReasonsOfSeveral
from attncli.cli.magic_arguments import arguments_of

pytest.importorskip("IPython")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

WHOLE = "money bank grows"
WORDS = st.text(min_size=1).filter(lambda text: text.strip())


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A notebook without a window, which remembers nothing."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "attncli")
    yield shell
    InteractiveShell.clear_instance()
    os.environ.pop("IPYTHONDIR")
    if before is not None:
        os.environ["IPYTHONDIR"] = before


def ran(shell: Any, cell: str) -> Any:
    """What a cell gives. Its error, if it has one, is raised."""
    done = shell.run_cell(cell)
    done.raise_error()
    return done.result


def test_a_sentence_gives_the_result_itself(shell: Any) -> None:
    """The same as Python's `explain`: shown, remembered, assigned."""
    result = ran(shell, '%attn explain "money bank grows" --causal')
    assert result == attncli.explain("money bank grows", causal=True)
    assert ran(shell, "_") is result
    ran(shell, 'r = %attn explain "money bank grows" "river bank flows"')
    assert isinstance(shell.user_ns["r"], attncli.Results)
    assert [each.text for each in shell.user_ns["r"]] == ["money bank grows", "river bank flows"]
    assert shell.user_ns["_exit_code"] == 0


def test_each_line_of_a_cell_is_a_sentence(shell: Any) -> None:
    """Of explain and of compare; quotes and signs of a shell in it are words."""
    results = ran(
        shell, "%%attn explain --temperature 2\nmoney bank grows\nriver 'bank' $HOME; ls\n"
    )
    assert [each.text for each in results] == ["money bank grows", "river 'bank' $HOME; ls"]
    expected = attncli.explain("money bank grows", temperature=2)
    assert (results[0].weights == expected.weights).all()
    assert [each.line for each in results] == [1, 2]
    compared = ran(shell, "%%attn compare\nmoney bank grows\nriver bank flows")
    other = attncli.compare(["money bank grows", "river bank flows"])
    assert compared.to_record() == other.to_record()


def test_the_reasons_for_weights_are_an_object(shell: Any, tmp_path: Path) -> None:
    """The same as Python's `why`, of one sentence, of several, and of a saved result."""
    reasons = ran(shell, 'r = %attn explain "money bank grows" --why --temperature 0.5\nr')
    expected = attncli.why("money bank grows", temperature=0.5)
    for name in ("weights", "vectors", "temperature", "symmetry"):
        assert reasons.lines[name] == expected.lines[name]
    assert "--score dot" in reasons.lines["scale"]
    assert reasons.lines["the notes"].startswith('attn explain "money bank grows"')
    several = ran(shell, "%%attn explain --why\nmoney bank grows\nriver bank flows")
    assert isinstance(several, ReasonsOfSeveral)
    assert [each.result.text for each in several] == ["money bank grows", "river bank flows"]
    shell.user_ns["saved"] = tmp_path / "r.json"
    include = ("embeddings", "query", "key", "scores")
    attncli.save(attncli.explain("money bank grows", include=include), tmp_path / "r.json")
    assert (
        ran(shell, "%attn view $saved --why").lines["weights"]
        == attncli.why(WHOLE).lines["weights"]
    )


def test_saved_results_and_their_difference_are_objects(shell: Any, tmp_path: Path) -> None:
    """view and diff; that two differ is an exit code and no error; every head is there."""
    one, other = tmp_path / "a b.json", tmp_path / "c.json"
    weights = [[[[0.9, 0.1], [0.2, 0.8]]] * 7] * 2
    attncli.save(attncli.from_attentions(weights, ["money", "bank"]), one)
    attncli.save(attncli.explain("money bank"), other)
    shell.user_ns["one"], shell.user_ns["other"] = one, other
    assert ran(shell, "%attn view $one") == attncli.read(one)[0]
    assert ran(shell, "%attn diff $one $one")[0].changes == ()
    assert shell.user_ns["_exit_code"] == 0
    assert ran(shell, "%attn diff $one $other")[0].changes != ()
    assert shell.user_ns["_exit_code"] == 1


def test_a_model_is_learned_measured_and_asked_in_cells(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cell is the file; train and predict say what they say in a terminal, evaluate is scores."""
    rows = write_data(tmp_path / "rows.tsv").read_text(encoding="utf-8")
    shell.user_ns["model"] = tmp_path / "m.safetensors"
    options = "--epochs 6 --heads 2 --committee 1 --batch-size 8"
    assert ran(shell, f"%%attn train -o $model {options}\n{rows}") is None
    assert "epoch 6/6" in capsys.readouterr().out
    scores = ran(shell, f"%%attn evaluate --model $model\n{rows}")
    assert scores.n == 40
    assert 0.5 <= scores.accuracy <= 1
    assert ran(shell, "%%attn predict --model $model --quiet\nthe loan of the bank") is None
    assert capsys.readouterr().out.splitlines()[-1].startswith("the loan of the bank,")


def test_two_texts_give_their_alignment(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The object of Python's `align`; of a cell, its lines of links."""
    given = ran(shell, '%attn align "the old bank" "the bank is old" --quiet')
    assert given.links == attncli.align("the old bank", "the bank is old").links
    capsys.readouterr()
    assert ran(shell, "%%attn align --quiet\nthe bank\tbank the\na\ta") is None
    assert capsys.readouterr().out == "0-1 1-0\n0-0\n"


def test_what_is_asked_for_as_text_is_text(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stages, JSON, a file, the version: as the command writes them, and nothing is given."""
    assert ran(shell, '%attn explain "money bank" --steps') is None
    assert "5. weights A = softmax(S)" in capsys.readouterr().out
    assert ran(shell, '%attn explain "money bank" --json') is None
    assert capsys.readouterr().out.startswith('{"type":"result"')
    shell.user_ns["page"] = tmp_path / "page.html"
    ran(shell, '%attn explain "money bank" -o $page')
    assert "</html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    ran(shell, "%attn --version")
    assert attncli.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "code", "message"),
    [
        ("%attn explain x --temperature 0", 2, "--temperature: found 0, expected a number above 0"),
        ("%attn explain x --temprature 2", 2, "did you mean --temperature?"),
        ("%attn explian x", 2, "did you mean explain?"),
        ('%attn explain "x', 2, "found a quote that is not closed"),
        ("%attn explain", 4, "found no sentence"),
        ("%%attn explain money\nbank", 2, "on the line and in the cell"),
        ("%%attn train a.tsv\nx", 2, "found a file on the line and a cell"),
        ("%attn view nothing.json", 6, "nothing.json: cannot open"),
        ("%attn predict nothing.csv --model idioms", 6, "nothing.csv: cannot open"),
        ("%attn explain x --steps --row y", 2, "--row"),
    ],
)
def test_an_error_is_one_line(
    shell: Any, capsys: pytest.CaptureFixture[str], cell: str, code: int, message: str
) -> None:
    """IPython's own UsageError, without a traceback; the exit code is known."""
    done = shell.run_cell(cell)
    assert type(done.error_in_exec).__name__ == "UsageError"
    assert shell.user_ns["_exit_code"] == code
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith("UsageError: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err + said.out


def test_a_warning_is_said_beside_the_object(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown word; a sentence that failed among others leaves the others."""
    ran(shell, "%attn explain 'zzqqx bank'")
    assert 'not in glove-6b-50d: "zzqqx"' in capsys.readouterr().err
    results = ran(shell, "%%attn explain --max-tokens 2\nmoney bank\na b c d\nriver")
    assert [each.text for each in results] == ["money bank", "river"]
    assert shell.user_ns["_exit_code"] == 3


@given(text=WORDS)
def test_a_value_stays_one_argument(text: str) -> None:
    """Whatever is in it: blanks, quotes, dollars, braces, marks of ours."""
    names = {"text": text}
    assert arguments_of("explain --seed 1 -- $text", names)[-1] == text
    assert arguments_of('explain "say: $text"', names) == ["explain", f"say: {text}"]
    assert arguments_of("explain -- {text}", names)[-1] == text
    assert arguments_of("explain -- {text.upper()}", names)[-1] == text.upper()


@given(texts=st.lists(WORDS, min_size=1))
def test_a_list_of_texts_is_an_argument_for_each(texts: list[str]) -> None:
    """Alone in its argument."""
    assert arguments_of("explain -- $texts", {"texts": texts}) == ["explain", "--", *texts]


@pytest.mark.parametrize("value", ["--output=/tmp/x", "-o", "--json", "-ox.html"])
def test_a_value_is_no_option(value: str) -> None:
    """What begins like one is refused but after "--", in a list too; a negative number is none."""
    for names in ({"text": value}, {"text": ["money", value]}):
        with pytest.raises(ValueError, match="begins with -"):
            arguments_of("explain $text", names)
        assert arguments_of("explain -- $text", names)[-1] == value
    assert arguments_of("explain x --temperature $t", {"t": -1}) == [
        *("explain", "x", "--temperature", "-1"),
    ]


def test_what_is_no_name_stays_as_it_is() -> None:
    """Prices, braces of a text, names that are not there, single quotes; $$ and {{ }} are themselves."""
    line = """explain "costs $5 {of course} $missing {1/0}" '$text' $$text {{text}} $text.nothing"""
    assert arguments_of(line, {"text": "bank"}) == [
        *("explain", "costs $5 {of course} $missing {1/0}", "$text", "$text", "{text}"),
        "$text.nothing",
    ]
    assert arguments_of("explain 'a {' $text", {"text": "b"}) == ["explain", "a {", "b"]


def test_names_of_a_function_are_seen(shell: Any) -> None:
    """As every line magic sees them."""
    code = "def of(text):\n    r = %attn explain $text\n    return r\nof('a \"quoted\" word')"
    assert ran(shell, code).text == 'a "quoted" word'


def test_an_interrupted_command_ends_and_the_cell_with_it(shell: Any, tmp_path: Path) -> None:
    """Ctrl-C in a notebook stops a training, which keeps its best model."""
    rows = write_data(tmp_path / "rows.tsv")
    shell.user_ns["rows"], shell.user_ns["out"] = rows, tmp_path / "m.safetensors"
    asked = threading.Event()

    class Screen:
        """Standard output that says when the training has begun."""

        def write(self, text: str) -> int:
            if text.startswith("epoch "):
                asked.set()
            return len(text)

        def flush(self) -> None:
            pass

    def interrupt() -> None:
        assert asked.wait(60)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", Screen())
        patch.setattr(shell, "showtraceback", lambda *args, **kwargs: None)
        line = "%attn train $rows -o $out --epochs 100000 --heads 1 --patience 0"
        with pytest.raises(KeyboardInterrupt):
            ran(shell, line)
    thread.join()
    assert (tmp_path / "m.safetensors").is_file()
