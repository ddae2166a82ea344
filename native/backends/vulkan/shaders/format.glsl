// Reads 32 weights of a row. FORMAT_x is defined by the build; layouts: backends/gpu/device.h, Format.
//   Block block_load(row, b)      the words of block b (32 weights) and its scale
//   vec4 block_weights(block, i)  weights 4i .. 4i+3 of the block, i in 0..7
//
// Quants are read four words at a time. With TEXEL, weights come through texel buffers, whose fetches some
// devices (Adreno's texture units, software rasterisers) serve better than storage-buffer loads.
#ifdef TEXEL
layout(set = 0, binding = QUANTS_BINDING) uniform usamplerBuffer quants;
layout(set = 0, binding = SCALES_BINDING) uniform usamplerBuffer scales;
uvec4 quant_quad(uint index) { return texelFetch(quants, int(index)); }
uint scale_word(uint index) { return texelFetch(scales, int(index)).x; }
#else
layout(std430, set = 0, binding = QUANTS_BINDING) readonly buffer Quants { uvec4 quants[]; };
layout(std430, set = 0, binding = SCALES_BINDING) readonly buffer Scales { uint scales[]; };
uvec4 quant_quad(uint index) { return quants[index]; }
uint scale_word(uint index) { return scales[index]; }
#endif

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
Block block_load(uint row, uint b) { return Block(row * (args.quant_words / 4) + b * 8); }
vec4 block_weights(Block k, uint i) { return uintBitsToFloat(quant_quad(k.at + i)); }

#elif defined(FORMAT_f16)
struct Block { uvec4 q0, q1, q2, q3; };
Block block_load(uint row, uint b) {
  uint at = row * (args.quant_words / 4) + b * 4;
  return Block(quant_quad(at), quant_quad(at + 1), quant_quad(at + 2), quant_quad(at + 3));
}
vec4 block_weights(Block k, uint i) {
  uvec4 quad = i < 2 ? k.q0 : i < 4 ? k.q1 : i < 6 ? k.q2 : k.q3;
  uvec2 pair = (i & 1u) == 0 ? quad.xy : quad.zw;
  return vec4(unpackHalf2x16(pair.x), unpackHalf2x16(pair.y));
}

#elif defined(FORMAT_bf16)
struct Block { uvec4 q0, q1, q2, q3; };
Block block_load(uint row, uint b) {
  uint at = row * (args.quant_words / 4) + b * 4;
  return Block(quant_quad(at), quant_quad(at + 1), quant_quad(at + 2), quant_quad(at + 3));
}
vec4 block_weights(Block k, uint i) {
  uvec4 quad = i < 2 ? k.q0 : i < 4 ? k.q1 : i < 6 ? k.q2 : k.q3;
  uvec2 pair = (i & 1u) == 0 ? quad.xy : quad.zw;
  return uintBitsToFloat(uvec4(pair.x << 16, pair.x & 0xffff0000u, pair.y << 16, pair.y & 0xffff0000u));
}

#elif defined(FORMAT_q8) || defined(FORMAT_q8_min)
struct Block { uvec4 q0, q1; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uint at = row * (args.quant_words / 4) + b * 2;
#ifdef FORMAT_q8_min
  vec2 pair = unpackHalf2x16(scale_word(row * args.scale_words + b));
  return Block(quant_quad(at), quant_quad(at + 1), pair.x, pair.y);
#else
  float scale = half_of_pair(scale_word(row * args.scale_words + b / 2), b & 1u);
  return Block(quant_quad(at), quant_quad(at + 1), scale, 0.0);
#endif
}
vec4 block_weights(Block k, uint i) {
  return signed_bytes(i < 4 ? k.q0[i] : k.q1[i & 3u]) * k.scale + k.minimum;
}

#elif defined(FORMAT_q4) || defined(FORMAT_q4_min)
struct Block { uvec4 words; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uvec4 words = quant_quad(row * (args.quant_words / 4) + b);
#ifdef FORMAT_q4_min
  vec2 pair = unpackHalf2x16(scale_word(row * args.scale_words + b));
  return Block(words, pair.x, pair.y);
#else
  float scale = half_of_pair(scale_word(row * args.scale_words + b / 2), b & 1u);
  return Block(words, scale, -8.0 * scale);
#endif
}
vec4 block_weights(Block k, uint i) {
  return nibbles(k.words[i & 3u], i < 4 ? 0 : 4) * k.scale + k.minimum;
}

#elif defined(FORMAT_q4_k)
struct Block { uvec4 words; float scale; float minimum; };
Block block_load(uint row, uint b) {
  uint s = row * args.scale_words + b / 8 * 5, sub = b % 8;
  vec2 d = unpackHalf2x16(scale_word(s));
  uint shift = 8 * (sub % 4);
  float scale = d.x * float((scale_word(s + 1 + sub / 4) >> shift) & 0xffu);
  float minimum = -d.y * float((scale_word(s + 3 + sub / 4) >> shift) & 0xffu);
  return Block(quant_quad(row * (args.quant_words / 4) + b), scale, minimum);
}
vec4 block_weights(Block k, uint i) {
  return nibbles(k.words[i & 3u], i < 4 ? 0 : 4) * k.scale + k.minimum;
}

#elif defined(FORMAT_q8_k)
struct Block { uvec4 q0, q1; vec2 scale; vec2 minimum; };  // one entry per 16 weights
Block block_load(uint row, uint b) {
  uint at = row * (args.quant_words / 4) + b * 2;
  uint s = row * args.scale_words + b / 8 * 9, sub = 2 * (b % 8);
  vec2 d = unpackHalf2x16(scale_word(s));
  int shift = int(8 * (sub % 4));
  int sc = int(scale_word(s + 1 + sub / 4)), m = int(scale_word(s + 5 + sub / 4));
  return Block(quant_quad(at), quant_quad(at + 1),
               d.x * vec2(bitfieldExtract(sc, shift, 8), bitfieldExtract(sc, shift + 8, 8)),
               -d.y * vec2(bitfieldExtract(m, shift, 8), bitfieldExtract(m, shift + 8, 8)));
}
vec4 block_weights(Block k, uint i) {
  uint part = i / 4;
  return signed_bytes(i < 4 ? k.q0[i] : k.q1[i & 3u]) * k.scale[part] + k.minimum[part];
}
#endif
