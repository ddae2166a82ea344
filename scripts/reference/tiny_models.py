"""Logits and vectors of tiny random models of every architecture, by PyTorch transformers in f32.

  python scripts/reference/tiny_models.py

Writes test/fixtures/reference/tiny/<case>.json: the Hugging Face config, the GGUF metadata of the same model, its
tensors under both names, token ids, and the expected logits (decoders) or sentence vectors (encoders).
No weights are stored: both sides make them from a hash of the tensor's GGUF name (see weight()).
"""

import json
import math
import pathlib

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

TARGET = pathlib.Path(__file__).parents[2] / "test/fixtures/reference/tiny"
MASK = (1 << 64) - 1
VOCABULARY, BATCH, TOKENS = 40, 2, 9


def weight(name, count, center, amplitude):
    """center + amplitude * u, u in [-1, 1) from splitmix64 seeded with the name's 64-bit FNV-1a hash."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1.0)
    return np.float32(center) + np.float32(amplitude) * u


class Tensors:
    def __init__(self):
        self.rows = []

    def add(self, gguf, hf, rows, cols, center, amplitude, permuted_heads=0):
        self.rows.append(
            {
                "gguf": gguf,
                "hf": hf,
                "rows": rows,
                "cols": cols,
                "center": center,
                "amplitude": float(np.float32(amplitude)),
                # GGUF's llama keeps the two halves of each head interleaved.
                "permuted_heads": permuted_heads,
            }
        )

    def matrix(self, gguf, hf, rows, cols, permuted_heads=0):
        self.add(gguf + ".weight", hf + ".weight", rows, cols, 0.0, math.sqrt(3.0 / cols), permuted_heads)

    def bias(self, gguf, hf, size):
        self.add(gguf + ".bias", hf + ".bias", 1, size, 0.0, 0.2)

    def norm(self, gguf, hf, size, bias=False):
        self.add(gguf + ".weight", hf + ".weight", 1, size, 1.0, 0.3)
        if bias:
            self.bias(gguf, hf, size)


def decoder_tensors(c, architecture):
    t = Tensors()
    d, q, kv = c.hidden_size, c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
    llama = architecture == "llama"
    t.matrix("token_embd", "model.embed_tokens", VOCABULARY, d)
    t.norm("output_norm", "model.norm", d)
    if not c.tie_word_embeddings:
        t.matrix("output", "lm_head", VOCABULARY, d)
    for i in range(c.num_hidden_layers):
        g, h = f"blk.{i}.", f"model.layers.{i}."
        t.norm(g + "attn_norm", h + "input_layernorm", d)
        t.norm(g + "ffn_norm", h + "post_attention_layernorm", d)
        if architecture == "phi3":
            t.matrix(g + "attn_qkv", h + "self_attn.qkv_proj", q + 2 * kv, d)
            t.matrix(g + "ffn_up", h + "mlp.gate_up_proj", 2 * c.intermediate_size, d)
        else:
            t.matrix(g + "attn_q", h + "self_attn.q_proj", q, d, c.num_attention_heads if llama else 0)
            t.matrix(g + "attn_k", h + "self_attn.k_proj", kv, d, c.num_key_value_heads if llama else 0)
            t.matrix(g + "attn_v", h + "self_attn.v_proj", kv, d)
            t.matrix(g + "ffn_gate", h + "mlp.gate_proj", c.intermediate_size, d)
            t.matrix(g + "ffn_up", h + "mlp.up_proj", c.intermediate_size, d)
        if architecture == "qwen2":
            t.bias(g + "attn_q", h + "self_attn.q_proj", q)
            t.bias(g + "attn_k", h + "self_attn.k_proj", kv)
            t.bias(g + "attn_v", h + "self_attn.v_proj", kv)
        if architecture == "qwen3":
            t.norm(g + "attn_q_norm", h + "self_attn.q_norm", c.head_dim)
            t.norm(g + "attn_k_norm", h + "self_attn.k_norm", c.head_dim)
        t.matrix(g + "attn_output", h + "self_attn.o_proj", d, q)
        t.matrix(g + "ffn_down", h + "mlp.down_proj", d, c.intermediate_size)
    return t.rows


def encoder_tensors(c):
    t = Tensors()
    d, ff = c.hidden_size, c.intermediate_size
    t.matrix("token_embd", "embeddings.word_embeddings", VOCABULARY, d)
    t.matrix("position_embd", "embeddings.position_embeddings", c.max_position_embeddings, d)
    t.matrix("token_types", "embeddings.token_type_embeddings", 2, d)
    t.norm("token_embd_norm", "embeddings.LayerNorm", d, True)
    for i in range(c.num_hidden_layers):
        g, h = f"blk.{i}.", f"encoder.layer.{i}."
        for gguf, hf, rows, cols in [
            ("attn_q", "attention.self.query", d, d),
            ("attn_k", "attention.self.key", d, d),
            ("attn_v", "attention.self.value", d, d),
            ("attn_output", "attention.output.dense", d, d),
            ("ffn_up", "intermediate.dense", ff, d),
            ("ffn_down", "output.dense", d, ff),
        ]:
            t.matrix(g + gguf, h + hf, rows, cols)
            t.bias(g + gguf, h + hf, rows)
        t.norm(g + "attn_output_norm", h + "attention.output.LayerNorm", d, True)
        t.norm(g + "layer_output_norm", h + "output.LayerNorm", d, True)
    return t.rows


def metadata(c, architecture, extra):
    """Key, GGUF type, value: what llama.cpp's converter writes for such a model."""
    a = architecture + "."
    rows = [
        ("general.architecture", "text", architecture),
        (a + "block_count", "u32", c.num_hidden_layers),
        (a + "context_length", "u32", c.max_position_embeddings),
        (a + "embedding_length", "u32", c.hidden_size),
        (a + "feed_forward_length", "u32", c.intermediate_size),
        (a + "attention.head_count", "u32", c.num_attention_heads),
    ]
    if architecture == "bert":
        rows += [(a + "attention.layer_norm_epsilon", "f32", c.layer_norm_eps)]
    else:
        rows += [
            (a + "attention.head_count_kv", "u32", c.num_key_value_heads),
            (a + "attention.key_length", "u32", c.head_dim),
            (a + "attention.value_length", "u32", c.head_dim),
            (a + "attention.layer_norm_rms_epsilon", "f32", c.rms_norm_eps),
            (a + "rope.freq_base", "f32", c.rope_parameters["rope_theta"]),
        ]
    return rows + [(a + key, kind, value) for key, kind, value in extra]


def llama3_divisors(c):
    """Llama 3.1's frequency scaling as GGUF stores it: what each inverse frequency is divided by."""
    r, half = c.rope_parameters, c.head_dim // 2
    original = r["original_max_position_embeddings"]
    low, high = original / r["low_freq_factor"], original / r["high_freq_factor"]
    divisors = []
    for i in range(half):
        wavelength = 2 * math.pi * r["rope_theta"] ** (i / half)
        if wavelength < high:
            divisors.append(1.0)
        elif wavelength > low:
            divisors.append(r["factor"])
        else:
            kept = (original / wavelength - r["low_freq_factor"]) / (r["high_freq_factor"] - r["low_freq_factor"])
            divisors.append(1.0 / ((1.0 - kept) / r["factor"] + kept))
    return divisors


def write(name, config, architecture, extra=(), factors=None, pooling=None):
    encoder = architecture == "bert"
    tensors = encoder_tensors(config) if encoder else decoder_tensors(config, architecture)
    if encoder:
        model = AutoModel.from_config(config, add_pooling_layer=False, attn_implementation="eager")
    else:
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model = model.float().eval()
    state = {}
    for t in tensors:
        values = torch.from_numpy(weight(t["gguf"], t["rows"] * t["cols"], t["center"], t["amplitude"]))
        vector = t["rows"] == 1
        state[t["hf"]] = values if vector else values.reshape(t["rows"], t["cols"])
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [m for m in missing if m != "lm_head.weight" and "position_ids" not in m]
    assert not missing and not unexpected, (missing, unexpected)
    model.tie_weights()
    ids = (weight(name + "/tokens", BATCH * TOKENS, 0.5, 0.5) * VOCABULARY).astype(np.int64)
    ids = torch.from_numpy(np.minimum(ids, VOCABULARY - 1)).reshape(BATCH, TOKENS)
    with torch.no_grad():
        out = model(ids)
    if encoder:
        hidden = out.last_hidden_state
        pooled = hidden.mean(dim=1) if pooling == "mean" else hidden[:, 0]
        expected = torch.nn.functional.normalize(pooled, dim=1)
    else:
        expected = out.logits
    saved = config.to_diff_dict()
    saved["model_type"] = config.model_type
    saved["architectures"] = [type(model).__name__]
    golden = {
        "case": name,
        "config": saved,
        "metadata": [list(row) for row in metadata(config, architecture, extra)],
        "factors": factors or {},
        "tensors": tensors,
        "batch": BATCH,
        "ids": ids.flatten().tolist(),
        "expected": [float(f"{v:.7g}") for v in expected.flatten().tolist()],
    }
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / f"{name}.json").write_text(json.dumps(golden) + "\n")
    print(name, tuple(expected.shape), float(expected.abs().max()))


def decoder(model_type, rope=None, **changes):
    settings = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 64,
        "tie_word_embeddings": False,
        "rms_norm_eps": 1e-5,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0} | (rope or {}),
    }
    config = AutoConfig.for_model(model_type, **(settings | changes))
    if not hasattr(config, "head_dim"):
        config.head_dim = config.hidden_size // config.num_attention_heads
    return config


def main():
    write("llama", decoder("llama"), "llama")
    write("llama_tied", decoder("llama", tie_word_embeddings=True, num_key_value_heads=1), "llama")
    write("mistral", decoder("mistral", sliding_window=None, head_dim=16), "llama")
    linear = {"rope_type": "linear", "factor": 4.0}
    write(
        "llama_linear",
        decoder("llama", rope=linear),
        "llama",
        [("rope.scaling.type", "text", "linear"), ("rope.scaling.factor", "f32", 4.0)],
    )
    llama3 = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    }
    config = decoder("llama", rope=llama3, head_dim=16)
    write("llama_llama3", config, "llama", factors={"rope_freqs.weight": llama3_divisors(config)})
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
    yarn_keys = [
        ("rope.scaling.type", "text", "yarn"),
        ("rope.scaling.factor", "f32", 4.0),
        ("rope.scaling.original_context_length", "u32", 16),
    ]
    write("llama_yarn", decoder("llama", rope=yarn, head_dim=16), "llama", yarn_keys)
    write("qwen2", decoder("qwen2", rope={"rope_theta": 1000000.0}), "qwen2")
    write("qwen2_yarn", decoder("qwen2", rope=yarn, tie_word_embeddings=True), "qwen2", yarn_keys)
    write("qwen3", decoder("qwen3", head_dim=16), "qwen3")
    write("phi3", decoder("phi3", sliding_window=None), "phi3")
    for pooling, number in [("mean", 1), ("cls", 2)]:
        config = AutoConfig.for_model(
            "bert",
            vocab_size=VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=16,
            type_vocab_size=2,
        )
        write(f"bert_{pooling}", config, "bert", [("pooling_type", "u32", number)], pooling=pooling)


if __name__ == "__main__":
    main()
