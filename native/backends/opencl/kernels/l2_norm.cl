kernel void NAME(main)(global const float* x, global float* y, const Push args) {
  local float scratch[LOCAL];
  uint lane = get_local_id(0);
  global const float* from = x + args.w[1] + get_group_id(0) * args.w[2];
  global float* to = y + args.w[3] + get_group_id(0) * args.w[4];
  float squares = 0.0f;
  for (uint c = lane; c < args.w[0]; c += LOCAL) squares += from[c] * from[c];
  float factor = 1.0f / fmax(sqrt(lanes_sum(scratch, squares, LOCAL)), 1e-12f);
  for (uint c = lane; c < args.w[0]; c += LOCAL) to[c] = from[c] * factor;
}
