// Block b of a row to 32 floats; layouts: backends/gpu/device.h, Format. Included once for quants in a buffer and once for
// quants behind an image: QUANTS is the parameter's type, QUAD(q, i) its four words from 4 * i on, FORMAT(name) the function.
// Every block begins at such a quad. s: scales; qw, sw: words a row; base: the first row's first quad.
Block FORMAT(f32)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 8;
  Block k = {as_float16((uint16)(QUAD(q, at), QUAD(q, at + 1), QUAD(q, at + 2), QUAD(q, at + 3))),
             as_float16((uint16)(QUAD(q, at + 4), QUAD(q, at + 5), QUAD(q, at + 6), QUAD(q, at + 7)))};
  return k;
}
Block FORMAT(f16)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 4;
  Block k = {halves(as_ushort16((uint8)(QUAD(q, at), QUAD(q, at + 1)))),
             halves(as_ushort16((uint8)(QUAD(q, at + 2), QUAD(q, at + 3))))};
  return k;
}
Block FORMAT(bf16)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 4;
  Block k = {as_float16(convert_uint16(as_ushort16((uint8)(QUAD(q, at), QUAD(q, at + 1)))) << 16),
             as_float16(convert_uint16(as_ushort16((uint8)(QUAD(q, at + 2), QUAD(q, at + 3)))) << 16)};
  return k;
}
Block FORMAT(q8)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 2;
  float scale = half_at(s + (size_t)row * sw, b);
  Block k = {convert_float16(as_char16(QUAD(q, at))) * scale, convert_float16(as_char16(QUAD(q, at + 1))) * scale};
  return k;
}
Block FORMAT(q8_min)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 2;
  float scale = half_at(s + (size_t)row * sw, 2 * b), minimum = half_at(s + (size_t)row * sw, 2 * b + 1);
  Block k = {convert_float16(as_char16(QUAD(q, at))) * scale + minimum,
             convert_float16(as_char16(QUAD(q, at + 1))) * scale + minimum};
  return k;
}
Block FORMAT(nibbles)(uint4 words, float scale, float minimum) {
  uchar16 v = as_uchar16(words);
  Block k = {convert_float16(v & (uchar)15) * scale + minimum, convert_float16(v >> (uchar)4) * scale + minimum};
  return k;
}
Block FORMAT(q4)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  float scale = half_at(s + (size_t)row * sw, b);
  return FORMAT(nibbles)(QUAD(q, base + row * (qw / 4) + b), scale, -8.0f * scale);
}
Block FORMAT(q4_min)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  return FORMAT(nibbles)(QUAD(q, base + row * (qw / 4) + b), half_at(s + (size_t)row * sw, 2 * b),
                         half_at(s + (size_t)row * sw, 2 * b + 1));
}
Block FORMAT(q4_k)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  global const uint* block = s + (size_t)row * sw + b / 8 * 5;
  global const uchar* bytes = (global const uchar*)(block + 1);
  float scale = half_at(block, 0) * (float)bytes[b % 8], minimum = -half_at(block, 1) * (float)bytes[8 + b % 8];
  return FORMAT(nibbles)(QUAD(q, base + row * (qw / 4) + b), scale, minimum);
}
Block FORMAT(q8_k)(QUANTS q, global const uint* s, uint row, uint b, uint qw, uint sw, uint base) {
  uint at = base + row * (qw / 4) + b * 2;
  global const uint* block = s + (size_t)row * sw + b / 8 * 9;
  global const char* bytes = (global const char*)(block + 1) + 2 * (b % 8);
  float d = half_at(block, 0), dmin = -half_at(block, 1);
  Block k = {convert_float16(as_char16(QUAD(q, at))) * (d * (float)bytes[0]) + dmin * (float)bytes[16],
             convert_float16(as_char16(QUAD(q, at + 1))) * (d * (float)bytes[1]) + dmin * (float)bytes[17]};
  return k;
}
