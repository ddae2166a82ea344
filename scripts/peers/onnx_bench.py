"""Sequences per second of an ONNX encoder on the CPU: onnx_bench.py GRAPH THREADS BATCH TOKENS ROUNDS -> one per line"""
import sys
import time
import numpy
import onnxruntime

graph, (threads, batch, tokens, rounds) = sys.argv[1], map(int, sys.argv[2:])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
ids = numpy.random.default_rng(0).integers(1000, 20000, (batch, tokens))
for i in range(rounds + 1):  # the first one warms up
    begin = time.perf_counter()
    session.run(None, {"input_ids": ids})
    if i > 0:
        print(batch / (time.perf_counter() - begin))
