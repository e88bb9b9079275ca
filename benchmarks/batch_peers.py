"""What a user writes in the place of `attn batch`: gensim, torch and json, plainly or by hand made fast.

`python benchmarks/batch_peers.py PEER SOURCE TARGET [MODE]` runs one, in a process of its own. Needs
gensim, torch, orjson; transformers and a MiniLM folder in $MINILM for `transformer`.
"""

import os
import sys
from pathlib import Path

# What a record has beside its line: as `attn batch` writes it by default, or less.
FIELDS = {
    "everything": ("tokens", "weights", "contextual"),
    "strongest": ("top",),
    "tokens": ("tokens",),
}
STRONGEST = 3


def plain(source: str, target: str, mode: str = "everything") -> None:
    """gensim KeyedVectors, torch a sentence at a time, json.dumps."""
    import json

    import numpy as np
    import torch

    torch.set_num_threads(1)
    vectors, fields = keyed_vectors(), FIELDS[mode]
    zeros = np.zeros(50, dtype=np.float32)
    with open(source) as lines, open(target, "w") as out, torch.inference_mode():
        for number, line in enumerate(lines, start=1):
            words = line.lower().split()
            known = [vectors[w] if w in vectors else zeros for w in words]  # noqa: SIM401
            record: dict[str, object] = {"line": number}
            if "tokens" in fields:
                record["tokens"] = words
            if mode != "tokens":
                x = torch.from_numpy(np.stack(known))
                weights = torch.softmax(x @ x.T / 50**0.5, dim=-1)
            if "weights" in fields:
                record["weights"] = weights.tolist()
            if "contextual" in fields:
                record["contextual"] = (weights @ x).tolist()
            if "top" in fields:
                kept, keys = weights.topk(min(STRONGEST, len(words)))
                record["top"] = {"keys": keys.tolist(), "weights": kept.tolist()}
            out.write(json.dumps(record) + "\n")


def grouped(source: str, target: str, mode: str = "everything") -> None:
    """The same by hand made fast: sentences grouped by length, orjson."""
    from collections import defaultdict
    from itertools import islice

    import numpy as np
    import orjson
    import torch

    torch.set_num_threads(1)
    vectors, fields = keyed_vectors(), FIELDS[mode]
    table = torch.from_numpy(np.concatenate([vectors.vectors, np.zeros((1, 50), np.float32)]))
    index, unknown = vectors.key_to_index, len(table) - 1
    numpy = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    number = 0
    with open(source) as lines, open(target, "wb") as out, torch.inference_mode():
        while chunk := [line.lower().split() for line in islice(lines, 2000)]:
            records: list[dict[str, object]] = [
                {"line": number + i + 1} | ({"tokens": words} if "tokens" in fields else {})
                for i, words in enumerate(chunk)
            ]
            groups: dict[int, list[int]] = defaultdict(list)
            for i, words in enumerate(chunk):
                groups[len(words)].append(i)
            for n_tokens, members in groups.items() if mode != "tokens" else ():
                rows = torch.tensor([[index.get(w, unknown) for w in chunk[i]] for i in members])
                x = table[rows]
                weights = torch.softmax(x @ x.transpose(1, 2) / 50**0.5, dim=-1)
                made = {}
                if "weights" in fields:
                    made["weights"] = weights.numpy()
                if "contextual" in fields:
                    made["contextual"] = (weights @ x).numpy()
                if "top" in fields:
                    kept, keys = (t.numpy() for t in weights.topk(min(STRONGEST, n_tokens)))
                for k, i in enumerate(members):
                    records[i] |= {name: array[k] for name, array in made.items()}
                    if "top" in fields:
                        records[i]["top"] = {"keys": keys[k], "weights": kept[k]}
            number += len(chunk)
            out.write(b"".join(orjson.dumps(record, option=numpy) for record in records))


def transformer(source: str, target: str) -> None:
    """transformers, MiniLM, output_attentions=True, a sentence at a time."""
    import json

    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    folder = os.environ["MINILM"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager")
    with open(source) as lines, open(target, "w") as out, torch.inference_mode():
        for line in lines:
            found = model(**tokenizer(line, return_tensors="pt"), output_attentions=True)
            record = {
                "weights": torch.stack(found.attentions)[:, 0].tolist(),
                "contextual": found.last_hidden_state[0].tolist(),
            }
            out.write(json.dumps(record) + "\n")


def keyed_vectors():  # type: ignore[no-untyped-def]  # gensim has no types
    """The built-in vectors as gensim's own class, from a file it reads fast."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load(os.environ["KEYED_VECTORS"], mmap="r")


def save_keyed_vectors(path: Path) -> None:
    """Writes the built-in vectors for gensim."""
    import numpy as np
    from gensim.models import KeyedVectors

    import attncli

    store = attncli.open_vectors("glove").store
    vectors = KeyedVectors(store.dim)
    vectors.add_vectors([store.word(i) for i in range(store.words)], np.array(store.matrix))
    vectors.save(str(path))


def main() -> None:
    peer, *given = sys.argv[1:]
    {"plain": plain, "grouped": grouped, "transformer": transformer}[peer](*given)


if __name__ == "__main__":
    main()
