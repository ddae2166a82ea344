import { writeFileSync } from 'node:fs';
import { seededRandom } from '../../src/stats/random.js';

/** A llama of a few thousand random f32 weights with a byte-level tokenizer: loads in milliseconds. */
const SHAPE = { vocab: 320, width: 64, layers: 2, heads: 4, kvHeads: 2, feedForward: 96 };

type Value =
  | { type: 'u32'; value: number }
  | { type: 'f32'; value: number }
  | { type: 'text'; value: string }
  | { type: 'texts'; value: string[] }
  | { type: 'i32s'; value: number[] };

const TYPE_IDS = { u32: 4, f32: 6, text: 8, array: 9, i32: 5 };

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}

function encode(value: Value): Buffer {
  switch (value.type) {
    case 'u32':
      return Buffer.concat([u32(TYPE_IDS.u32), u32(value.value)]);
    case 'f32':
      return Buffer.concat([u32(TYPE_IDS.f32), f32(value.value)]);
    case 'text':
      return Buffer.concat([u32(TYPE_IDS.text), text(value.value)]);
    case 'texts':
      return Buffer.concat([
        u32(TYPE_IDS.array),
        u32(TYPE_IDS.text),
        u64(value.value.length),
        ...value.value.map(text),
      ]);
    case 'i32s':
      return Buffer.concat([
        u32(TYPE_IDS.array),
        u32(TYPE_IDS.i32),
        u64(value.value.length),
        ...value.value.map(u32),
      ]);
  }
}

/** The characters by which byte-level BPE writes the 256 bytes. */
function byteCharacters(): string[] {
  const plain = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(plain(byte) ? byte : next++),
  );
}

function metadata(): Record<string, Value> {
  const { vocab, width, layers, heads, kvHeads, feedForward } = SHAPE;
  const special = Array.from({ length: vocab - 257 }, (_, i) => `<s${i}>`);
  const kinds = Array.from({ length: vocab }, (_, i) => (i < 257 ? 1 : 3));
  return {
    'general.architecture': { type: 'text', value: 'llama' },
    'general.name': { type: 'text', value: 'tiny-test' },
    'llama.block_count': { type: 'u32', value: layers },
    'llama.context_length': { type: 'u32', value: 4096 },
    'llama.embedding_length': { type: 'u32', value: width },
    'llama.feed_forward_length': { type: 'u32', value: feedForward },
    'llama.attention.head_count': { type: 'u32', value: heads },
    'llama.attention.head_count_kv': { type: 'u32', value: kvHeads },
    'llama.attention.layer_norm_rms_epsilon': { type: 'f32', value: 1e-5 },
    'llama.rope.dimension_count': { type: 'u32', value: width / heads },
    'llama.rope.freq_base': { type: 'f32', value: 10000 },
    'llama.vocab_size': { type: 'u32', value: vocab },
    'tokenizer.ggml.model': { type: 'text', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'text', value: 'smollm' },
    'tokenizer.ggml.tokens': { type: 'texts', value: [...byteCharacters(), 'th', ...special] },
    'tokenizer.ggml.token_type': { type: 'i32s', value: kinds },
    'tokenizer.ggml.merges': { type: 'texts', value: ['t h'] },
    'tokenizer.ggml.bos_token_id': { type: 'u32', value: 257 },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: 258 },
  };
}

/** Name, columns (the fastest dimension) and rows; 0 rows: a vector. */
function tensors(): [name: string, cols: number, rows: number][] {
  const { vocab, width, layers, heads, kvHeads, feedForward } = SHAPE;
  const kv = (width / heads) * kvHeads;
  const list: [string, number, number][] = [
    ['token_embd.weight', width, vocab],
    ['output_norm.weight', width, 0],
    ['output.weight', width, vocab],
  ];
  for (let i = 0; i < layers; i += 1) {
    list.push(
      [`blk.${i}.attn_norm.weight`, width, 0],
      [`blk.${i}.attn_q.weight`, width, width],
      [`blk.${i}.attn_k.weight`, width, kv],
      [`blk.${i}.attn_v.weight`, width, kv],
      [`blk.${i}.attn_output.weight`, width, width],
      [`blk.${i}.ffn_norm.weight`, width, 0],
      [`blk.${i}.ffn_gate.weight`, width, feedForward],
      [`blk.${i}.ffn_up.weight`, width, feedForward],
      [`blk.${i}.ffn_down.weight`, feedForward, width],
    );
  }
  return list;
}

/** Writes the model; the same seed gives the same bytes. */
export function writeTinyModel(path: string, seed = 1): void {
  const random = seededRandom(seed);
  const entries = Object.entries(metadata());
  const list = tensors();
  const infos: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [name, cols, rows] of list) {
    const dimensions = rows === 0 ? [cols] : [cols, rows];
    infos.push(text(name), u32(dimensions.length), ...dimensions.map(u64), u32(0), u64(offset));
    const values = Float32Array.from({ length: cols * Math.max(1, rows) }, () =>
      rows === 0 ? 1 : (2 * random() - 1) * Math.sqrt(3 / cols),
    );
    data.push(Buffer.from(values.buffer));
    offset += values.byteLength;
    const padding = (32 - (offset % 32)) % 32;
    data.push(Buffer.alloc(padding));
    offset += padding;
  }
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(list.length),
    u64(entries.length),
    ...entries.flatMap(([key, value]) => [text(key), encode(value)]),
    ...infos,
  ]);
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
  writeFileSync(path, Buffer.concat([head, padding, ...data]));
}
