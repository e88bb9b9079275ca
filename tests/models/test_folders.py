"""Laws of finding a checkpoint by folder or by name."""

import os
import tempfile
from pathlib import Path

import pytest
from models.made import raw_file, write_checkpoint

from attncli.errors import InputError, UsageError
from attncli.models.folders import find_checkpoint, is_checkpoint
from attncli.models.hub import cache_folder


@pytest.fixture
def hub(tmp_path):
    """A cache with two models of one name, and one that has two revisions."""
    for name, commits in {
        "one--mini": ["aaa"],
        "two--mini": ["bbb"],
        "org--bert": ["ccc", "ddd"],
        "gpt2": ["eee"],
    }.items():
        repository = tmp_path / "hub" / f"models--{name}"
        for commit in commits:
            write_checkpoint(repository / "snapshots" / commit)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commits[-1] + "\n")
    return {"HF_HUB_CACHE": str(tmp_path / "hub")}


@pytest.mark.parametrize(
    ("given", "name", "commit"),
    [
        ("org/bert", "org/bert", "ddd"),
        ("bert", "org/bert", "ddd"),
        ("org/bert@ccc", "org/bert", "ccc"),
        ("one/mini", "one/mini", "aaa"),
        ("gpt2", "gpt2", "eee"),
    ],
)
def test_a_name_is_found_in_the_cache(hub, given, name, commit):
    """With or without its owner, with or without a revision."""
    found = find_checkpoint(given, hub)
    assert (found.name, found.folder.name) == (name, commit)


def test_a_folder_comes_before_the_cache(hub, tmp_path, monkeypatch):
    """A folder of the working directory is taken as it stands."""
    write_checkpoint(tmp_path / "gpt2")
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint("gpt2", hub).folder.resolve() == tmp_path / "gpt2"


@pytest.mark.parametrize(
    ("given", "message"),
    [("mini", "more than once"), ("absent", "no such folder"), ("org/absent", "no such folder")],
)
def test_a_name_that_is_not_there_is_never_fetched(hub, given, message):
    """It is an error with the place that was looked at, and how to put it there."""
    with pytest.raises(InputError, match=message):
        find_checkpoint(given, hub)
    assert not is_checkpoint(given, hub)


@pytest.mark.parametrize(
    "given", ["..", "../x", "a/../../b", "*", "models--gpt2", "a\x00b", "", "gpt2@../.."]
)
def test_a_name_never_leads_out_of_the_cache(hub, given, tmp_path, monkeypatch):
    """Dots, stars and control characters name nothing."""
    monkeypatch.chdir(tmp_path / "hub")
    (tmp_path / "hub" / "models--gpt2" / "refs" / "main").write_text("absent")
    with pytest.raises(InputError):
        find_checkpoint(given, hub)


def test_an_address_is_a_wrong_use(hub):
    """https:// is refused before anything is opened."""
    with pytest.raises(UsageError, match="local files only"):
        find_checkpoint("https://huggingface.co/gpt2", hub)


def test_the_cache_is_where_its_owner_says(tmp_path):
    """The variables of huggingface_hub are read in their order."""
    home = {"HF_HOME": "/h", "XDG_CACHE_HOME": "/x"}
    assert str(cache_folder({**home, "HF_HUB_CACHE": "/c"})) == "/c"
    assert str(cache_folder(home)) == "/h/hub"
    assert str(cache_folder({"XDG_CACHE_HOME": "/x"})) == "/x/huggingface/hub"
    assert cache_folder({}).parts[-3:] == (".cache", "huggingface", "hub")


def test_the_inner_folder_of_an_old_sentence_transformer_is_found(tmp_path):
    """The model of sentence-transformers 1 and 2 lies in 0_Transformer, under the outer name."""
    write_checkpoint(tmp_path / "mini" / "0_Transformer")
    found = find_checkpoint(str(tmp_path / "mini"), {})
    assert (found.name, found.folder.name) == ("mini", "0_Transformer")


def test_the_file_in_a_folder_names_the_folder(tmp_path):
    """DIR/model.safetensors is DIR; a model of attn train beside a config.json is not."""
    folder = write_checkpoint(tmp_path / "mini")
    assert find_checkpoint(str(folder / "model.safetensors"), {}).folder == folder
    raw_file(folder / "model.safetensors", {"__metadata__": {"attn": "{}"}})
    with pytest.raises(InputError):
        find_checkpoint(str(folder / "model.safetensors"), {})


def test_a_link_keeps_the_name_it_was_given(tmp_path, monkeypatch):
    """The folder that a link stands for may be called anything; "." is what the shell calls it."""
    folder = write_checkpoint(tmp_path / "model")
    link = tmp_path / "all-MiniLM-L6-v2"
    link.symlink_to(folder)
    assert find_checkpoint(str(link)).name == "all-MiniLM-L6-v2"
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    assert find_checkpoint(".").name == "all-MiniLM-L6-v2"
    for elsewhere in ("", "here", str(tmp_path), str(tmp_path / "absent")):
        monkeypatch.setenv("PWD", elsewhere)
        assert find_checkpoint(".").name == "model"


def test_only_what_can_be_a_name_is_said_to_be_fetched(hub):
    """A path that leads nowhere is no name to download."""
    with pytest.raises(InputError) as caught:
        find_checkpoint("../elsewhere/model", hub)
    assert not caught.value.hints


LONG = "x" * 5000


@pytest.mark.parametrize("given", [LONG, f"a/{LONG}", "~nosuchuser/x", f"org/{LONG}@main", "a\0b"])
@pytest.mark.parametrize("ask", [find_checkpoint, is_checkpoint])
def test_any_name_has_an_answer(hub, given, ask):
    """Names that no system takes are not there, by an error in words."""
    if ask is is_checkpoint:
        assert ask(given, hub) is False
        return
    with pytest.raises(InputError) as caught:
        ask(given, hub)
    assert len(str(caught.value)) < 600


def test_a_reference_that_is_none_leads_nowhere(hub, tmp_path):
    """Bytes that are no text, paths and links out of the snapshots name no commit."""
    outside = write_checkpoint(tmp_path / "outside")
    reference = tmp_path / "hub" / "models--gpt2" / "refs" / "main"
    for content in (b"\xff\xfe", str(outside).encode(), b"../../../outside", b"x" * 5000):
        reference.write_bytes(content)
        assert find_checkpoint("gpt2", hub).folder.name == "eee"  # the newest that is whole
    with pytest.raises(InputError):
        find_checkpoint(f"gpt2@{outside}", hub)


def test_long_places_of_the_cache_are_told(tmp_path):
    """Variables that hold thousands of letters are no crash."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        with pytest.raises(InputError) as caught:
            find_checkpoint("org/absent", {name: f"/{LONG}"})
        assert len(str(caught.value)) < 600


def test_a_folder_that_nobody_may_enter_is_told():
    """The reason of the system, and no crash."""
    with tempfile.TemporaryDirectory() as name:  # where another user may go, as root is one here
        Path(name).chmod(0o755)
        _expect_refused(write_checkpoint(Path(name) / "closed"))


def _expect_refused(folder):
    assert find_checkpoint(str(folder), {}).folder == folder  # and all is imported
    folder.chmod(0)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # who may look anywhere
    try:
        if is_root:
            os.seteuid(65534)
        with pytest.raises(InputError, match="permission denied"):
            find_checkpoint(str(folder), {"HF_HUB_CACHE": str(folder.parent)})
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
@pytest.mark.parametrize("command", ["explain", "evaluate", "model"])
def test_what_is_no_file_is_no_model(attn, tmp_path, command):
    """A pipe that nobody writes to, an endless device and a name too long end at once."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "t.tsv").write_text("text\tlabel\nmoney bank\ta\n")
    for given in ("pipe", "/dev/zero", LONG, f"{LONG}/model.safetensors", "~nosuchuser/x"):
        arguments = {
            "explain": ["explain", "money bank", "--model", given],
            "evaluate": ["evaluate", "t.tsv", "--model", given],
            "model": ["model", "info", given],
        }[command]
        ended = attn(*arguments)
        assert ended.code in (2, 6), (given[:20], ended.err[:400])
        assert len(ended.err) < 2000
