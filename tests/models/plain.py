"""A transformer written a second time: float64, one token and one head at a time, plain loops.

It shares no line with the package, reads tensors by their Hugging Face names, and knows nothing of
packing, groups or blocks.
"""

import math

import numpy as np

ACTIVATION = {
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "gelu_new": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: max(x, 0.0),
    "silu": lambda x: x / (1 + math.exp(-x)),
}


def norm(row, weight, bias, epsilon):
    """Layer norm of one row."""
    mean = sum(row) / len(row)
    variance = sum((value - mean) ** 2 for value in row) / len(row)
    return (row - mean) / math.sqrt(variance + epsilon) * weight + bias


def attention(query, key, value, scale, causal, seen):
    """One head: contextual rows and weights. `seen[j]` says whether key j may be attended to."""
    n = len(query)
    weights = np.zeros((n, n))
    for i in range(n):
        allowed = [j for j in range(n) if seen[j] and (j <= i or not causal)]
        scores = {j: scale * float(query[i] @ key[j]) for j in allowed}
        top = max(scores.values(), default=0.0)
        total = sum(math.exp(score - top) for score in scores.values())
        for j, score in scores.items():
            weights[i, j] = math.exp(score - top) / total
    return np.array([sum(weights[i, j] * value[j] for j in range(n)) for i in range(n)]), weights


def heads(query, key, value, count, scale, causal, seen):
    """All heads: joined contextual rows and the weights of each."""
    d_k = query.shape[1] // count
    parts = [slice(h * d_k, (h + 1) * d_k) for h in range(count)]
    found = [attention(query[:, p], key[:, p], value[:, p], scale, causal, seen) for p in parts]
    return np.concatenate([rows for rows, _ in found], axis=1), np.stack([w for _, w in found])


def run(config, tensors, ids, types, seen=None):
    """The weights (n_layers, n_heads, n, n) and hidden states (n_layers + 1, n, d) of a sentence."""
    t = {name: values.astype(np.float64) for name, values in tensors.items()}
    seen = [True] * len(ids) if seen is None else seen
    return (_gpt2 if config["model_type"] == "gpt2" else _bert)(config, t, ids, types, seen)


def _bert(config, t, ids, types, seen):
    distil = config["model_type"] == "distilbert"
    epsilon = 1e-12 if distil else config["layer_norm_eps"]
    act = np.vectorize(ACTIVATION[config["activation" if distil else "hidden_act"]])
    positions = list(range(len(ids)))
    if config["model_type"] == "roberta":
        pad, count, positions = config["pad_token_id"], 0, []
        for number in ids:
            count += number != pad
            positions.append(pad + count if number != pad else pad)
    rows = t["embeddings.word_embeddings.weight"][ids]
    rows = rows + t["embeddings.position_embeddings.weight"][positions]
    if not distil:
        rows = rows + t["embeddings.token_type_embeddings.weight"][types]

    def normed(rows, name):
        w, b = t[f"{name}.weight"], t[f"{name}.bias"]
        return np.array([norm(row, w, b, epsilon) for row in rows])

    def linear(rows, name):
        return rows @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    rows = normed(rows, "embeddings.LayerNorm")
    states, weights = [rows], []
    n_heads = config["n_heads" if distil else "num_attention_heads"]
    for layer in range(config["n_layers" if distil else "num_hidden_layers"]):
        at = f"{'transformer' if distil else 'encoder'}.layer.{layer}."
        names = ("q_lin", "k_lin", "v_lin") if distil else ("self.query", "self.key", "self.value")
        q, k, v = (linear(rows, f"{at}attention.{name}") for name in names)
        joined, found = heads(q, k, v, n_heads, (q.shape[1] / n_heads) ** -0.5, False, seen)
        weights.append(found)
        out = linear(joined, at + ("attention.out_lin" if distil else "attention.output.dense"))
        middle = at + ("sa_layer_norm" if distil else "attention.output.LayerNorm")
        rows = normed(out + rows, middle)
        inner = act(linear(rows, at + ("ffn.lin1" if distil else "intermediate.dense")))
        outer = linear(inner, at + ("ffn.lin2" if distil else "output.dense"))
        rows = normed(outer + rows, at + ("output_layer_norm" if distil else "output.LayerNorm"))
        states.append(rows)
    return np.stack(weights), np.stack(states)


def _gpt2(config, t, ids, types, seen):
    epsilon, d = config["layer_norm_epsilon"], config["n_embd"]
    act = np.vectorize(ACTIVATION[config["activation_function"]])
    rows = t["wte.weight"][ids] + t["wpe.weight"][: len(ids)]

    def normed(rows, name):
        w, b = t[f"{name}.weight"], t[f"{name}.bias"]
        return np.array([norm(row, w, b, epsilon) for row in rows])

    def linear(rows, name):
        return rows @ t[f"{name}.weight"] + t[f"{name}.bias"]

    states, weights = [rows], []
    for layer in range(config["n_layer"]):
        at = f"h.{layer}."
        scale = (d / config["n_head"]) ** -0.5 if config.get("scale_attn_weights", True) else 1.0
        if config.get("scale_attn_by_inverse_layer_idx"):
            scale /= layer + 1
        qkv = linear(normed(rows, f"{at}ln_1"), f"{at}attn.c_attn")
        q, k, v = qkv[:, :d], qkv[:, d : 2 * d], qkv[:, 2 * d :]
        joined, found = heads(q, k, v, config["n_head"], scale, True, seen)
        weights.append(found)
        rows = rows + linear(joined, f"{at}attn.c_proj")
        inner = act(linear(normed(rows, f"{at}ln_2"), f"{at}mlp.c_fc"))
        rows = rows + linear(inner, f"{at}mlp.c_proj")
        states.append(normed(rows, "ln_f") if layer == config["n_layer"] - 1 else rows)
    return np.stack(weights), np.stack(states)
