"""No option is without effect in silence: it works, is refused, or is said to do nothing."""

import json

import numpy as np
import pytest

from attncli.views.ink import width_of

SENTENCE = "money bank grows"


def test_json_is_shaped_as_in_batch(attn):
    """--precision and --top give --json the numbers and keys that attn batch writes."""
    shape = ("--precision", "2", "--top", "2", "--exclude", "line,index")
    told = json.loads(attn("explain", SENTENCE, "--json", *shape).text)
    batched = json.loads(attn("batch", "-", *shape, "-q", stdin=SENTENCE.encode()).text)
    assert told == batched
    assert told["top"]["weights"][0][0][0] == [0.78, 0.19]


def test_files_are_shaped_too(command, tmp_path):
    """-o FILE.json and FILE.csv have the digits asked for."""
    for suffix, expected in ((".json", "[0.78,0.19,0.03]"), (".csv", "money,0.78,0.19,0.03")):
        path = tmp_path / f"w{suffix}"
        assert command("explain", SENTENCE, "-o", str(path), "--precision", "2").code == 0
        assert expected in path.read_text()


def test_speech_has_the_digits_asked_for(command):
    """--speak --precision 4 says percentages with two digits, --full every word."""
    text = command("explain", SENTENCE, "--speak", "--precision", "4").text
    assert "money attends 77.95 % to itself, 18.86 % to bank and 3.19 % to grows." in text
    long = " ".join(["money bank river"] * 5)
    assert "other words" in command("explain", long, "--speak").text
    assert "other words" not in command("explain", long, "--speak", "--full").text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json", "--show", "weights"), "--show has no effect with --json"),
        (("--speak", "--show", "weights"), "--show has no effect with --speak"),
        (("--steps", "--top", "1"), "--top has no effect with --steps"),
        (("--include", "scores"), "--include has no effect on tables"),
        (("-o", "w.npz", "--precision", "2"), "--precision has no effect in a .npz file"),
        (("-o", "w.svg", "--top", "2"), "--top has no effect in a .svg file"),
        (("--hide", "foo"), '--hide: no token is called "foo"'),
    ],
)
def test_what_has_no_effect_is_said(attn, arguments, said):
    """One warning on stderr names the option; -q keeps it."""
    ended = attn("explain", SENTENCE, *arguments)
    assert ended.code == 0
    assert ended.said.count("attn: warning: ") == 1
    assert said in ended.said
    assert "warning" not in attn("explain", SENTENCE, *arguments, "-q").said


def test_sizes_belong_to_random_vectors(command):
    """--dim beside vectors that have a size is refused, also with task-specific attention."""
    for more in ((), ("--attention", "task"), ("--inline", "a=1,2")):
        ended = command("explain", SENTENCE, "--dim", "9", *more)
        assert (ended.code, ended.is_clean()) == (2, True)
        assert "--dim" in ended.said


def test_a_saved_result_says_what_it_cannot_show(attn):
    """view --show moved computes what the record holds, and names what is missing."""
    record = attn("explain", SENTENCE, "--json").out
    ended = attn("view", "-", "--show", "moved", stdin=record)
    assert ended.code == 5
    assert "holds no embeddings" in ended.said
    record = attn("explain", SENTENCE, "--json", "--include", "embeddings").out
    assert "how far each word moved" in attn("view", "-", "--show", "moved", stdin=record).text


def test_a_maximum_says_that_it_is_no_share(command):
    """--agg max warns that rows sum to more; with --hide they are rescaled, and it does not."""
    arguments = ("explain", SENTENCE, "--attention", "task", "--heads", "3", "--agg", "max")
    assert "rows sum to 1 or more" in command(*arguments).said
    hidden = command(*arguments, "--hide", "money", "--json")
    assert "rows sum to" not in hidden.said
    weights = np.array(json.loads(hidden.text)["weights"])
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-6)


def test_numbers_that_are_no_weights_are_said(attn):
    """A record with weights of 50 or −3 is drawn, and a warning gives their range."""
    record = json.loads(attn("explain", SENTENCE, "--json").text)
    record["weights"][0][0][0] = [50, -3, 0]
    ended = attn("view", "-", stdin=json.dumps(record).encode())
    assert ended.code == 0
    assert "numbers from -3 to 50 are no weights" in ended.said


def test_a_page_of_numbers_below_0_is_refused(attn, tmp_path):
    """They have no scores, which a page computes with; a picture draws them."""
    record = json.loads(attn("explain", SENTENCE, "--json").text)
    record["weights"][0][0][0] = [0.5, -3, 0]
    for suffix, code in (("html", 5), ("svg", 0)):
        ended = attn("view", "-", "-o", f"r.{suffix}", stdin=json.dumps(record).encode())
        assert ended.code == code
        assert ended.is_clean()
        assert (tmp_path / f"r.{suffix}").exists() is (code == 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": [[1, 0], [0, 1]]}, "have the shape (2, 2), expected numbers of four axes"),
        ({"weights": "x"}, "are no numbers"),
        ({"tokens": ["a"]}, "objects with end, key, start, status, text"),
        ({"warnings": ["a"]}, "objects with code, message"),
    ],
)
def test_a_record_of_another_shape_is_said_in_words(attn, change, said):
    """Nothing of Python's own messages is shown."""
    record = json.loads(attn("explain", SENTENCE, "--json").text) | change
    ended = attn("view", "-", stdin=json.dumps(record).encode())
    assert (ended.code, ended.is_clean()) == (5, True)
    assert said in ended.said


def test_compare_goes_on_without_a_failing_sentence(command):
    """An empty sentence among three is set aside (3); of two it is the error (4)."""
    ended = command("compare", "money bank", "", "river bank", "--word", "bank")
    assert ended.code == 3
    assert "bank in 2 sentences" in ended.text
    assert "1 sentence was set aside" in ended.said
    assert command("compare", "money bank", "").code == 4


def test_diff_passes_over_sentences_that_failed(attn, tmp_path):
    """Error records are set aside in both files, the others compared under their own numbers."""
    lines = ("money bank", "!!", "river bank")
    one = attn("explain", "-", "--json", stdin="\n".join(lines).encode())
    other = attn("explain", "-", "--json", stdin="\n".join((*lines[:2], "a bank")).encode())
    for name, content in (("a", one.out), ("b", other.out)):
        (tmp_path / name).write_bytes(content)
    ended = attn("diff", str(tmp_path / "a"), str(tmp_path / "a"))
    assert ended.code == 3
    assert "equal within 1e-06: 2 sentences" in ended.text
    ended = attn("diff", str(tmp_path / "a"), str(tmp_path / "b"))
    assert ended.code == 1
    assert "3. river bank" in ended.text


def test_words_without_quotes_are_one_sentence(command):
    """Several words without a space in any are one sentence, which is said; none of them is a command."""
    whole, loose = command("explain", SENTENCE), command("explain", *SENTENCE.split())
    assert (loose.text, loose.code) == (whole.text, 0)
    assert loose.said == f'attn: note: read as one sentence: "{SENTENCE}"\n'
    ended = command("explain", *("bank " * 60).split())
    assert ended.said.endswith("attn: note: read as one sentence: 60 words\n")
    assert command("explain", *SENTENCE.split(), "--quiet").said == ""
    both = command("explain", SENTENCE, "bank", "--json")
    assert (both.text.count("\n"), both.said) == (2, "")
    assert command("explain", "银行", "河岸", "--json").text.count("\n") == 2
    ended = command("money", "bank", "--json")
    assert (ended.code, ended.is_clean()) == (2, True)
    assert 'hint: attn explain "money bank"' in ended.said


def test_rows_are_named_one_by_one_or_in_a_list(command):
    """--row a,b is --row a --row b."""
    steps = ("explain", SENTENCE, "--steps")
    one = command(*steps, "--row", "money,bank").text
    assert one == command(*steps, "--row", "money", "--row", "bank").text


def test_a_trained_model_is_told(command):
    """attn model info knows what attn train wrote: sizes, labels, vectors, training."""
    told = json.loads(command("model", "info", "idioms", "--json").text)
    assert (told["kind"], len(told["labels"]), told["vectors"]["dim"]) == ("attn train", 32, 50)
    text = command("model", "info", "idioms").text
    assert "3 members of 8 heads" in text
    assert all(width_of(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--hide", "zebra"), '--hide: no token is called "zebra"'),
        (("--hide", "bank", "--hide", "zebra"), '--hide: no token is called "zebra"'),
        (("--hide", "bank"), None),
        (("--seed", "4"), "--seed has no effect: no word needed a random vector"),
        (("--merge",), "--merge has no effect on words"),
        (("--agg", "mean"), "--agg has no effect on the one matrix"),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_batch_says_what_did_nothing_as_explain_does(attn, workers, given, said):
    """What no sentence of a batch needed is said once, by every number of workers, but with -q."""
    lines = b"money bank grows\nriver bank\n" * 3
    run = ("batch", "-", "--workers", workers, "--chunk", "2")
    batched = attn(*run, *given, stdin=lines)
    shown = attn("explain", "-f", "-", *given, stdin=lines)
    for ended in (batched, shown):
        assert ended.code == 0
        assert ended.said.count("attn: warning: --") == (said is not None)
        assert said is None or said in ended.said
    assert "warning: --" not in attn(*run, *given, "-q", stdin=lines).said


def test_one_unknown_word_is_enough_for_the_seed(attn):
    """A seed that one sentence of a batch needed is not called vain."""
    lines = b"money bank\n" * 5 + b"money qqzzx\n"
    ended = attn("batch", "-", "--seed", "4", "--workers", "2", "--chunk", "2", stdin=lines)
    assert "--seed" not in ended.said


@pytest.mark.parametrize(
    ("kind", "given", "missing"),
    [
        ((), "scores,query", ""),
        ((), "hidden_states,scores,next", "hidden_states, next"),
        (("--attention", "task"), "value,next", "next"),
        (("--model", "idioms"), "hidden_states", "hidden_states"),
        (("--model", "TINY"), "hidden_states,next,measures", "next"),
        (("--model", "TINY", "--merge"), "scores,next", "next"),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_batch_says_which_fields_no_record_holds(attn, tmp_path, workers, kind, given, missing):
    """As explain does; also where a sentence has no word, and nothing where no sentence has a result."""
    if "TINY" in kind:
        pytest.importorskip("tokenizers")
        from models.made import write_model

        folder = str(write_model(tmp_path / "tiny"))  # without a head of words
        kind = tuple(folder if word == "TINY" else word for word in kind)
    said = f"--include: no result holds {missing}\n"
    run = ("batch", "-", *kind, "--include", given, "--workers", workers, "--chunk", "2")
    for lines, code in (("money bank\nriver bank\nbank\n", 0), ("bank\nriver\n...\nbank\n", 3)):
        code = 0 if "tiny" in str(kind) else code  # whose tokenizer reads any sentence
        ended = attn(*run, stdin=lines.encode())
        assert (ended.code, "no result holds" in ended.said) == (code, bool(missing))
        assert not missing or said in ended.said
    assert "no result holds" not in attn(*run, "--max-tokens", "1", stdin=b"money bank\n" * 3).said
