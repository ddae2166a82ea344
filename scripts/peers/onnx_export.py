"""Exports a BERT encoder to ONNX with its mean pooling and normalisation: onnx_export.py MODEL_FOLDER TARGET_FOLDER"""
import sys
import torch
from transformers import AutoModel
from onnxruntime.quantization import QuantType, quantize_dynamic


class Encoder(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        self.bert = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")

    def forward(self, input_ids):
        hidden = self.bert(input_ids=input_ids, attention_mask=torch.ones_like(input_ids)).last_hidden_state
        return torch.nn.functional.normalize(hidden.mean(dim=1), dim=-1)


folder, target = sys.argv[1:]
torch.onnx.export(Encoder(folder).eval(), (torch.ones(2, 16, dtype=torch.long),), f"{target}/f32.onnx", dynamo=False,
                  input_names=["input_ids"], output_names=["embedding"], opset_version=17,
                  dynamic_axes={"input_ids": {0: "batch", 1: "tokens"}, "embedding": {0: "batch"}})
quantize_dynamic(f"{target}/f32.onnx", f"{target}/int8.onnx", weight_type=QuantType.QInt8)
