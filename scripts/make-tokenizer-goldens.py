#!/usr/bin/env python3
"""Writes the fixtures of native/test/model/tokenizer_test.cc: small tokenizers trained by Hugging Face's
`tokenizers` on the texts below, and the ids it gives them; with --smollm2 FILE and --minilm FOLDER also
those of the real models.

Usage: pip install tokenizers gguf
       scripts/make-tokenizer-goldens.py [--smollm2 SmolLM2.gguf] [--minilm FOLDER]
"""
import argparse
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

ROOT = pathlib.Path(__file__).resolve().parent.parent / "native" / "test" / "model" / "tokenizers"
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXTS = [
    "",
    "The capital of France is",
    "Hello, World! It's 2024; we've 1234567 things, they'LL say I'M here.\n\n  indent\t\ttabs   ",
    "def f(x):\r\n    return x + 1\r\n\r\n# don't\n",
    "  lead  and  trail  ",
    "\n\n \n x \n",
    "caf\u00e9 e\u0301 \u00f1 \u00bd \u00b2 \u0663\u0664\u0665 \u2167 na\u00efve \u00dcber \u0130stanbul \u00df",
    "\U0001f600\U0001f600 \U0001f469\u200d\U0001f469\u200d\U0001f467 ok \u2615",
    "\u4e2d\u6587\u6d4b\u8bd5\uff0c\u4f60\u597d \u6f22\u5b57\u304b\u306a \ud55c\uad6d\uc5b4",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "<|im_start|>user\nhi<|im_end|> [CLS] in text [MASK].",
    "!!!???... \u3000wide\u00a0space--dash_under_score @home #1 $5.00 100% a/b\\c",
    "antidisestablishmentarianism " + "a" * 101,
]
TRAINING = TEXTS + [TEXTS[1] + " Paris, and the city of the things that we have here is the capital."] * 3


def byte_level(pre, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def split(digits):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN % digits), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def llama2():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, show_progress=False, limit_alphabet=60)
    tokenizer.train_from_iterator(TRAINING, trainer)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def bert():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TRAINING[:7] + TRAINING[-3:], trainers.WordPieceTrainer(
        vocab_size=200, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def smollm2(path):
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    read = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens = read("tokens")
    merges = [tuple(merge.split(" ")) for merge in read("merges")]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.add_special_tokens([
        AddedToken(token, special=True, normalized=False)
        for token, kind in zip(tokens, read("token_type")) if kind == 3])
    return tokenizer


def minilm(folder):
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def write(name, tokenizer, with_tables=True):
    folder = ROOT / name
    folder.mkdir(parents=True, exist_ok=True)
    if with_tables:
        data = json.loads(tokenizer.to_str())
        (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    ids = [tokenizer.encode(text).ids for text in TEXTS]
    lines = ",\n".join(f"  {json.dumps([text, row])}" for text, row in zip(TEXTS, ids))
    (folder / "ids.json").write_text(f"[\n{lines}\n]\n")


options = argparse.ArgumentParser()
options.add_argument("--smollm2")
options.add_argument("--minilm")
options = options.parse_args()
write("gpt2", byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)))
write("smollm", byte_level(pre_tokenizers.Sequence([
    pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])))
write("llama3", byte_level(split("{1,3}"), ignore_merges=True))
write("qwen2", byte_level(split("")))
write("llama2", llama2())
write("bert", bert())
if options.smollm2:
    write("smollm2-135m", smollm2(options.smollm2), with_tables=False)
if options.minilm:
    write("minilm-l6", minilm(options.minilm), with_tables=False)
