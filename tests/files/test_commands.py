"""The commands themselves print the same sentences of the same lines, whatever the file."""

import json

import pytest

FILES = {
    "paragraphs.txt": b"# title\n\nmoney bank grows\r\n\n \t\n#\n#tag river\nbank\n",
    "powershell.txt": "money bank\r\n\r\n# note\r\nriver bank\r\n".encode("utf-16"),
    "excel.csv": b'\xef\xbb\xbftext;id\r\n"money; ""bank""";1,5\r\nriver;2\r\n',
    "quotes.tsv": b'id\ttext\n1\t"Rates rise, the bank said.\n2\tMoney "grows".\n',
    "open.csv": b'id,text\n1,"money bank\n2,river bank\n3,"two\nlines"\n',
    "cells.csv": b"id,text\n1,money\n2\n3,river,x\n4,\n",
    "pretty.json": b'[\n  {\n    "text": "money bank"\n  },\n  {\n    "text": null\n  }\n]\n',
    "lines": b'{"text": "money bank"}\nnot json\n{"id": 1}\n{"text": "river"}\n',
    "broken.json": b'[{"text": "money bank"},\n{"text": "river"}\n{"text": "bank"}]\n',
    "ends": b'[{"text": "money bank"}, {"text": "river"}, {"te',
    "nested": b'[[{"text": "money bank"}], ["river"]]\n',
    "nested.json": b'[\n[{"text": "money bank"}],\n{"text": "river"}]\n',
    "macs.txt": b"money bank\rriver bank\r",
    "bytes.txt": b"money bank\ncaf\xe9\nriver bank\n",
}


@pytest.mark.parametrize("name", FILES)
def test_batch_and_explain_print_the_same_rows(command, tmp_path, name):
    """Texts, lines, errors and exit codes; records count alike."""
    path = tmp_path / name
    path.write_bytes(FILES[name])
    batch = command("batch", str(path), "--quiet", "--workers", "1")
    explain = command("explain", "--file", str(path), "--json", "--quiet")
    assert batch.code == explain.code
    seen = [
        [
            (row["index"], row["line"], row.get("text"), row.get("code"))
            for row in map(json.loads, ended.text.splitlines())
        ]
        for ended in (batch, explain)
    ]
    assert seen[0] == seen[1]
    assert len(seen[0]) > 1
