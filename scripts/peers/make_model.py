"""Writes a llama-family GGUF of true shapes with random weights: make_model.py SHAPE TYPE TARGET

SHAPE is smollm2-135m or tinyllama-1.1b, TYPE Q4_0, Q4_1 or Q8_0. Codes are random and scales constant, so that a
file of any size takes seconds; activations stay finite. Speed, memory and power of such a file are those of a real one.
"""
import sys
import numpy
import gguf

SHAPES = {
    "smollm2-135m": dict(layers=30, d=576, heads=9, kv=3, ff=1536, vocab=49152, tied=True, base=100000.0),
    "tinyllama-1.1b": dict(layers=22, d=2048, heads=32, kv=4, ff=5632, vocab=32000, tied=False, base=10000.0),
}
TYPES = {t.name: t for t in (gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q4_1, gguf.GGMLQuantizationType.Q8_0)}

shape, kind, target = sys.argv[1:]
s, kind = SHAPES[shape], TYPES[kind]
random = numpy.random.default_rng(0)
block, size = gguf.GGML_QUANT_SIZES[kind]


def matrix(writer, name, rows, cols):
    count = rows * cols // block
    data = random.integers(0, 256, (count, size), dtype=numpy.uint8)
    # Codes are uniform over their range: this scale gives the weights a deviation of 1 / sqrt(cols).
    spread = 74.0 if kind == TYPES["Q8_0"] else 4.6
    head = [numpy.float16(cols**-0.5 / spread)]
    if kind == TYPES["Q4_1"]:
        head.append(numpy.float16(-7.5 * cols**-0.5 / spread))
    for i, value in enumerate(head):
        data[:, 2 * i:2 * i + 2] = numpy.frombuffer(value.tobytes(), numpy.uint8)
    writer.add_tensor(name, data.reshape(rows, cols // block * size), raw_dtype=kind)


w = gguf.GGUFWriter(target, "llama")
w.add_name(shape)
w.add_context_length(2048)
w.add_embedding_length(s["d"])
w.add_block_count(s["layers"])
w.add_feed_forward_length(s["ff"])
w.add_head_count(s["heads"])
w.add_head_count_kv(s["kv"])
w.add_rope_dimension_count(s["d"] // s["heads"])
w.add_rope_freq_base(s["base"])
w.add_layer_norm_rms_eps(1e-5)
w.add_vocab_size(s["vocab"])
w.add_tokenizer_model("llama")
# With a token for every byte, as SentencePiece vocabularies have: any text can be a prompt.
bytes_ = [b"<0x%02X>" % i for i in range(256)]
words = [b"\xe2\x96\x81t%d" % i for i in range(259, s["vocab"])]
w.add_token_list([b"<unk>", b"<s>", b"</s>"] + bytes_ + words)
w.add_token_scores([0.0] * s["vocab"])
w.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(words))
w.add_bos_token_id(1)
w.add_eos_token_id(2)
matrix(w, "token_embd.weight", s["vocab"], s["d"])
if not s["tied"]:
    matrix(w, "output.weight", s["vocab"], s["d"])
w.add_tensor("output_norm.weight", numpy.ones(s["d"], numpy.float32))
kv = s["d"] // s["heads"] * s["kv"]
for i in range(s["layers"]):
    for name, rows, cols in (("attn_q", s["d"], s["d"]), ("attn_k", kv, s["d"]), ("attn_v", kv, s["d"]), ("attn_output", s["d"], s["d"]),
                             ("ffn_gate", s["ff"], s["d"]), ("ffn_up", s["ff"], s["d"]), ("ffn_down", s["d"], s["ff"])):
        matrix(w, f"blk.{i}.{name}.weight", rows, cols)
    for name in ("attn_norm", "ffn_norm"):
        w.add_tensor(f"blk.{i}.{name}.weight", numpy.ones(s["d"], numpy.float32))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
