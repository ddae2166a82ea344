// Reads 32 weights of a row. FORMAT_x is defined by the build; layouts: backends/gpu/device.h, Format.
//   Block block_load(row, b)      the words of block b (32 weights) and its scale
//   vec4 block_weights(block, i)  weights 4i .. 4i+3 of the block, i in 0..7
layout(std430, set = 0, binding = QUANTS_BINDING) readonly buffer Quants { uint quants[]; };
layout(std430, set = 0, binding = SCALES_BINDING) readonly buffer Scales { uint scales[]; };

vec4 signed_bytes(uint word) {
  int v = int(word);
  return vec4(bitfieldExtract(v, 0, 8), bitfieldExtract(v, 8, 8), bitfieldExtract(v, 16, 8),
              bitfieldExtract(v, 24, 8));
}
vec4 nibbles(uint word, uint shift) {
  uint v = (word >> shift) & 0x0f0f0f0fu;
  return vec4(v & 0xffu, (v >> 8) & 0xffu, (v >> 16) & 0xffu, v >> 24);
}
float half_of_pair(uint word, uint odd) { return unpackHalf2x16(odd == 0 ? word : word >> 16).x; }

#if defined(FORMAT_f32)
struct Block { uint at; };
Block block_load(uint row, uint b) { return Block(row * args.quant_words + b * 32); }
vec4 block_weights(Block k, uint i) {
  uint at = k.at + 4 * i;
  return uintBitsToFloat(uvec4(quants[at], quants[at + 1], quants[at + 2], quants[at + 3]));
}

#elif defined(FORMAT_f16)
struct Block { uint at; };
Block block_load(uint row, uint b) { return Block(row * args.quant_words + b * 16); }
vec4 block_weights(Block k, uint i) {
  return vec4(unpackHalf2x16(quants[k.at + 2 * i]), unpackHalf2x16(quants[k.at + 2 * i + 1]));
}

#elif defined(FORMAT_bf16)
struct Block { uint at; };
Block block_load(uint row, uint b) { return Block(row * args.quant_words + b * 16); }
vec4 block_weights(Block k, uint i) {
  uint a = quants[k.at + 2 * i], c = quants[k.at + 2 * i + 1];
  return uintBitsToFloat(uvec4(a << 16, a & 0xffff0000u, c << 16, c & 0xffff0000u));
}

#elif defined(FORMAT_q8) || defined(FORMAT_q8_min)
struct Block { uint at; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uint at = row * args.quant_words + b * 8;
#ifdef FORMAT_q8_min
  vec2 pair = unpackHalf2x16(scales[row * args.scale_words + b]);
  return Block(at, pair.x, pair.y);
#else
  return Block(at, half_of_pair(scales[row * args.scale_words + b / 2], b & 1u), 0.0);
#endif
}
vec4 block_weights(Block k, uint i) { return signed_bytes(quants[k.at + i]) * k.scale + k.minimum; }

#elif defined(FORMAT_q4) || defined(FORMAT_q4_min)
struct Block { uvec4 words; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uint at = row * args.quant_words + b * 4;
  uvec4 words = uvec4(quants[at], quants[at + 1], quants[at + 2], quants[at + 3]);
#ifdef FORMAT_q4_min
  vec2 pair = unpackHalf2x16(scales[row * args.scale_words + b]);
  return Block(words, pair.x, pair.y);
#else
  float scale = half_of_pair(scales[row * args.scale_words + b / 2], b & 1u);
  return Block(words, scale, -8.0 * scale);
#endif
}
vec4 block_weights(Block k, uint i) {
  return nibbles(k.words[i & 3u], i < 4 ? 0 : 4) * k.scale + k.minimum;
}

#elif defined(FORMAT_q4_k)
struct Block { uvec4 words; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uint at = row * args.quant_words + b * 4;
  uint s = row * args.scale_words + b / 8 * 5, sub = b % 8;
  vec2 d = unpackHalf2x16(scales[s]);
  uint shift = 8 * (sub % 4);
  float scale = d.x * float((scales[s + 1 + sub / 4] >> shift) & 0xffu);
  float minimum = -d.y * float((scales[s + 3 + sub / 4] >> shift) & 0xffu);
  return Block(uvec4(quants[at], quants[at + 1], quants[at + 2], quants[at + 3]), scale, minimum);
}
vec4 block_weights(Block k, uint i) {
  return nibbles(k.words[i & 3u], i < 4 ? 0 : 4) * k.scale + k.minimum;
}

#elif defined(FORMAT_q8_k)
struct Block { uint at; vec2 scale; vec2 minimum; };  // one entry per 16 weights
Block block_load(uint row, uint b) {
  uint at = row * args.quant_words + b * 8;
  uint s = row * args.scale_words + b / 8 * 9, sub = 2 * (b % 8);
  vec2 d = unpackHalf2x16(scales[s]);
  int shift = int(8 * (sub % 4));
  int sc = int(scales[s + 1 + sub / 4]), m = int(scales[s + 5 + sub / 4]);
  return Block(at, d.x * vec2(bitfieldExtract(sc, shift, 8), bitfieldExtract(sc, shift + 8, 8)),
               -d.y * vec2(bitfieldExtract(m, shift, 8), bitfieldExtract(m, shift + 8, 8)));
}
vec4 block_weights(Block k, uint i) {
  uint part = i / 4;
  return signed_bytes(quants[k.at + i]) * k.scale[part] + k.minimum[part];
}
#endif
