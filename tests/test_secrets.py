"""No message holds a secret of an address, whoever wrote its words."""

from pathlib import Path

import pytest

import attncli
from attncli.errors import InputError
from attncli.errors.wording import without_secrets

ADDRESSES = (
    "memory://user:{}@host/x.txt",
    "s3://:{}@bucket/x.csv",
    "https://user:{}@127.0.0.1:9/x?sig={}&part=1",
    "gs://me:{}@b/x#y",
)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("secret", ["s3Cret", "se/Cr3t", "p:w%20"])
def test_no_error_holds_a_secret_of_its_address(address: str, secret: str) -> None:
    """Neither in the words of another library, which may leave the scheme out or change the case."""
    given = address.format(*[secret] * address.count("{}"))
    said = [f"no file {given}", f"no file /{given.partition('://')[2].lower()}", "gone"]
    for error in (InputError(text, place=given) for text in said):
        shown = f"{error} {error!r} {error.args} {error.place} {error.message}".lower()
        assert secret.lower() not in shown
        assert given.partition("://")[0] in error.place


@pytest.mark.parametrize(
    "address", ["http://host:8080/a@b", "s3://bucket/a@b.txt", "memory://p/a:b@c", "C:\\a@b"]
)
def test_an_at_sign_in_a_path_is_no_secret(address: str) -> None:
    """Nor is the number of a port."""
    assert without_secrets(address) == address


def test_python_sees_no_secret_either(tmp_path: Path) -> None:
    """What fsspec says of a file behind an address with a password."""
    pytest.importorskip("fsspec")
    with pytest.raises(InputError) as caught:
        attncli.batch("memory://user:seCret@host/x.txt", output=tmp_path / "o.jsonl")
    assert "secret" not in f"{caught.value} {caught.value!r}".lower()
