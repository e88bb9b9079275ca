"""What a user writes, with types: `mypy --strict` finds nothing in it, and it runs."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import attncli

result: attncli.AttentionResult = attncli.explain("money bank grows", temperature=2.0)
several: attncli.Results = attncli.explain(["money bank", "river bank"], "idioms")
listed: list[attncli.AttentionResult] = attncli.explain(("money bank",), causal=True)
column: attncli.Results = attncli.explain(np.array(["money bank", "river bank"]))
matrix = result.matrix(layer=0, head=-1)
total: float = float(matrix.sum())
words: list[str] = result.words
first: attncli.AttentionResult = several[0]
beginning: attncli.Results = several[:1]

held = {"money": [1.0, 0.0], "bank": [0.8, 0.6]}
for vectors in (
    attncli.explain("money bank", vectors=held),
    attncli.explain("money bank", vectors=(np.eye(2), ["money", "bank"])),
    attncli.explain("money bank", vectors=(np.eye(2), {"money": 0, "bank": 1})),
    attncli.explain("money bank", vectors=attncli.open_vectors(held)),
    attncli.explain("money bank", vectors="random", dim=8),
):
    dim: int = vectors.vectors.dim

kv: attncli.WordVectors = attncli.open_vectors("glove")
near: list[tuple[str, float]] = kv.most_similar("bank", topn=3)
nearer = kv.most_similar(["king", "woman"], ["man"])
cosine: float = kv.similarity("money", "bank")
count: int = len(kv)
vector = kv["bank"] + kv.vectors[0]
known: bool = "bank" in kv

contextual, weights = attncli.attend(np.eye(2), [[1.0, 0.0], [0.0, 1.0]], np.eye(2), causal=True)
given = attncli.from_attentions(weights, ["money", "bank"])
crossed = attncli.from_attentions(
    np.full((2, 3), 1 / 3), which="cross", source_tokens=["a", "b", "c"]
)
word: str = attncli.compare(["money bank", "river bank"], vectors=kv).word
rows = [attncli.Row("money bank", "x"), attncli.Row("river bank", "y")]
model = attncli.train(
    rows * 2, held | {"river": [0.0, 1.0]}, heads=1, committee=1, epochs=1, held_out=0
)

with TemporaryDirectory() as folder:
    result.save(Path(folder) / "one.json")
    several.save(f"{folder}/all.csv", precision=3)
    attncli.save([result, given], f"{folder}/two.jsonl")
    again: attncli.Results = attncli.read(f"{folder}/two.jsonl")
    changes = [pair.changes for pair in attncli.diff(again[0], result)]
try:
    kv["bnak"]
except KeyError as error:
    hints = error.args
