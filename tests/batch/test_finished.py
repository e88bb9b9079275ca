"""A whole output says by itself how its run ended, wherever it was copied to."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import attncli
from attncli.batches.finished import tally_of_finished
from attncli.batches.run import closing, nothing_to_do
from attncli.batches.writers.formats import Format
from attncli.errors import AttnError, DataError, ResumeError
from attncli.results.layout import RecordLayout
from tests.batch.runs import Job, without_marks

FORMS = [
    *(Format("jsonl"), Format("jsonl", "gz"), Format("csv"), Format("csv", "xz")),
    *(Format("npz"), Format("arrow"), Format("parquet")),
]
LINES = [
    *(b"money bank", b"?!", b"", b"caf\xe9", b'"type":"error" ,,,,,,,empty: x'),
    *(b'{"type":"error","code":"empty"}', b'"a\r",river "', b"empty: money", b"bank\r"),
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.described)
@pytest.mark.parametrize("top", [None, 2])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=25))
def test_a_whole_output_ends_a_resumed_run_as_its_run_ended(
    folder: Path, form: Format, top: int | None, lines: list[bytes]
) -> None:
    """In every format, with no mark beside the file: 0, 3 or 4, and how many lines were set aside."""
    if not form.is_text and form.name != "npz":
        pytest.importorskip("pyarrow")
    (folder / "s.txt").write_bytes(b"\n".join(lines) + b"\n")
    job = Job(folder, form, chunk=7, layout=RecordLayout(top=top))
    first = job.run(force=True)
    without_marks(job.target)
    tally = tally_of_finished(str(job.target), form)
    assert (tally.failed, tally.empty) == (first.tally.failed, first.tally.empty)
    assert _code(nothing_to_do(tally)) == _code(first)


OTHERS = [
    {"causal": True},
    {"score": "dot"},
    {"vectors": "random"},
    {"top": 2},
    {"every_line": True},
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.described)
def test_another_run_onto_an_unmarked_output_is_noticed(tmp_path: Path, form: Format) -> None:
    """Other options, and another beginning, end or length of the input: 11, and the output stays."""
    if not form.is_text and form.name != "npz":
        pytest.importorskip("pyarrow")
    lines = ["# a comment", *(f"money bank grows {at % 7}" for at in range(250)), "?!", "the river"]
    text, target = tmp_path / "s.txt", tmp_path / f"out.{form.described}"
    text.write_text("\n".join(lines))
    attncli.batch(text, target)
    without_marks(target)
    whole = target.read_bytes()
    assert attncli.batch(text, target, resume=True).complete
    for options in OTHERS:
        with pytest.raises(ResumeError):
            attncli.batch(text, target, resume=True, **options)
    for other in (["river", *lines[1:]], [*lines, "more"], lines[:-1]):
        text.write_text("\n".join(other))
        with pytest.raises(ResumeError):
            attncli.batch(text, target, resume=True)
    assert target.read_bytes() == whole


@pytest.mark.parametrize("name", ["npz", "arrow", "parquet"])
def test_a_damaged_output_that_nothing_marks_is_said(tmp_path: Path, name: str) -> None:
    """Whatever byte of it is changed: whole still, another job's, or damaged; no error of a library."""
    if name != "npz":
        pytest.importorskip("pyarrow")
    text, target = tmp_path / "s.txt", tmp_path / f"out.{name}"
    text.write_text("money bank grows\nthe river\n" * 20)
    attncli.batch(text, target, vectors="random", dim=4)
    without_marks(target)
    whole = target.read_bytes()
    for place in range(0, len(whole), len(whole) // 150):
        target.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        with contextlib.suppress(ResumeError, DataError):
            assert attncli.batch(text, target, vectors="random", dim=4, resume=True).complete


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.described)
def test_what_is_no_whole_output_is_said(folder: Path, form: Format) -> None:
    """A file that is cut, empty or something else ends with 5 and the way to start again."""
    if not form.is_text and form.name != "npz":
        pytest.importorskip("pyarrow")
    (folder / "s.txt").write_bytes(b"money bank\n" * 300)
    job = Job(folder, form)
    job.run()
    whole = job.target.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"PK\x03\x04", b"{}\n[", b"\xff\xfe"):
        job.target.write_bytes(damaged)
        with contextlib.suppress(DataError):
            assert tally_of_finished(str(job.target), form).failed == 0
            assert form.is_text
    with pytest.raises(DataError) as caught:
        tally_of_finished(str(job.target), Format("npz"))
    assert caught.value.hints == ("force=True alone starts again from the first line",)


def _code(report: object) -> int:
    """The exit code that a report ends with."""
    try:
        closing(report, [])  # type: ignore[arg-type]  # a Report
    except AttnError as error:
        return error.exit_code
    return 0
