"""A run that was begun is gone on with when it is the same job; else it is said what differs."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.made import write_model

import attncli
from attncli.batches.same_job import check_identity
from attncli.errors import ResumeError

JOB: dict[str, Any] = {
    "input": [{"sha256": "0" * 64}],
    "options": {"format": "npz 2", "precision": 6, "reading": {"comments": True, "column": None}},
    "vectors": {"name": "glove-6b-50d", "model": "1" * 64},
    "version": "1",
}


def refusal(**options: Any) -> ResumeError:
    """The error when the earlier run had other options than now."""
    begun = copy.deepcopy(JOB)
    begun["options"] |= options
    with pytest.raises(ResumeError) as caught:
        check_identity(begun, JOB, "x.npz")
    return caught.value


def test_a_refusal_says_which_option_was_another() -> None:
    """Its name, what it was and what it is now; and how to go on."""
    assert "precision was 4, now 6" in refusal(precision=4).message
    reading = refusal(reading={"comments": False, "column": None})
    assert "resume=True, every_line=True" in reading.hints[0]
    for error in (refusal(format="npz"), refusal(format="npz", reading={"comments": False})):
        assert "an earlier attn began this output" in error.message
    assert "earlier attn" not in refusal(format="csv").message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["options", "reading", "format", "comments"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from([*JOB]), JSON), st.sampled_from([JOB, {}]))
def test_whatever_a_journal_holds_is_refused_or_the_same(other: Any, rest: Any) -> None:
    """Journals of other versions end with 11 and no bug."""
    begun = rest | other
    try:
        check_identity(begun, JOB, "x")
    except ResumeError:
        assert begun != JOB
    else:
        assert begun == JOB
    with pytest.raises(ResumeError):
        check_identity(JOB | {"options": other}, JOB, "x")


# The choices by which version 1 knew a run again.
FIRST_CHOICES = {
    *(
        "inline",
        "no_cache",
        "dim",
        "seed",
        "oov",
        "tokenizer",
        "score",
        "temperature",
        "target_self",
    ),
    *(
        "causal",
        "window",
        "see_self",
        "max_tokens",
        "attention",
        "heads",
        "d_k",
        "d_v",
        "positions",
    ),
    *("model", "target", "pair", "truncate", "layer", "head", "agg", "merge", "hide", "reading"),
    *("format", "include", "exclude", "precision", "top"),
}


@pytest.mark.parametrize("model", [None, "idioms"])
def test_a_choice_that_came_later_leaves_older_runs_their_name(
    tmp_path: Path, model: str | None
) -> None:
    """Unless it is made: a journal of before is gone on with, and tables keep their bytes."""
    pq = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "s.txt").write_text("money bank grows\n", "utf-8")
    attncli.batch(tmp_path / "s.txt", tmp_path / "x.parquet", model)
    schema = pq.read_schema(tmp_path / "x.parquet")
    assert set(json.loads(schema.metadata[b"attn.options"])) == FIRST_CHOICES
    parts = [schema.field("model").type.field(at).name for at in range(5)]
    assert schema.field("model").type.num_fields == 5
    assert parts == ["name", "sha256", "label", "probabilities", "target"]


def test_a_text_that_a_model_went_on_with_says_so_in_every_format(tmp_path: Path) -> None:
    """What the model wrote, and which tokens are of it, without --include next."""
    pq = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("tokenizers")
    write_model(tmp_path / "gpt2", "gpt2", vocab_size=300)
    (tmp_path / "s.txt").write_text("bank\n", "utf-8")
    for name in ("x.jsonl", "x.parquet"):
        attncli.batch(tmp_path / "s.txt", tmp_path / name, tmp_path / "gpt2", complete=2)
    record = json.loads((tmp_path / "x.jsonl").read_text("utf-8"))
    (row,) = pq.read_table(tmp_path / "x.parquet").to_pylist()
    for field in ("completion", "written"):
        assert row["model"][field] == record["model"][field]
    assert len(row["model"]["written"]) == 2
