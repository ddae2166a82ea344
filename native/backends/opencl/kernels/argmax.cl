// The largest value and, among equals, the smallest index. PART: over a stretch of logits; else over the parts.
#ifdef PART
kernel void NAME(main)(global const float* x, global float* values, global uint* indices, const Push args) {
  uint row = get_group_id(1), first = get_group_id(0) * args.w[3];
  uint end = min(first + args.w[3], args.w[0]);
  global const float* from = x + args.w[1] + row * args.w[2];
#else
kernel void NAME(main)(global const float* values, global const uint* indices, global uint* tokens,
                       global uint* inputs, global uint* past, const Push args) {
  uint row = get_group_id(0), first = 0, end = args.w[0];
#endif
  local float best_value[LOCAL];
  local uint best_index[LOCAL];
  uint lane = get_local_id(0);
  float value = -3.4e38f;
  uint index = 0xffffffffu;
  for (uint c = first + lane; c < end; c += LOCAL) {
#ifdef PART
    float candidate = from[c];
    uint at = c;
#else
    float candidate = values[row * end + c];
    uint at = indices[row * end + c];
#endif
    if (candidate > value || (candidate == value && at < index)) {
      value = candidate;
      index = at;
    }
  }
  best_value[lane] = value;
  best_index[lane] = index;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = LOCAL / 2; step > 0; step /= 2) {
    if (lane < step) {
      float other = best_value[lane + step];
      uint at = best_index[lane + step];
      if (other > best_value[lane] || (other == best_value[lane] && at < best_index[lane])) {
        best_value[lane] = other;
        best_index[lane] = at;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (lane == 0) {
#ifdef PART
    values[row * get_num_groups(0) + get_group_id(0)] = best_value[0];
    indices[row * get_num_groups(0) + get_group_id(0)] = best_index[0];
#else
    // To the host, and to where a next step would read its input and position.
    tokens[row] = best_index[0];
    if (args.w[1] != 0) {
      inputs[row] = best_index[0];
      if (row == 0) *past += args.w[1];
    }
#endif
  }
}
