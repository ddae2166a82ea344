kernel void NAME(main)(global const float* x, global const float* weight, global const float* bias, global float* y,
                       const Push args) {
  local float scratch[LOCAL];
  uint group = args.w[0], row = get_group_id(1), lane = get_local_id(0);
  global const float* from = x + args.w[2] + row * args.w[3] + get_group_id(0) * group;
  global float* to = y + args.w[4] + row * args.w[5] + get_group_id(0) * group;
  float mean = 0.0f;
  if (args.w[6]) {
    float sum = 0.0f;
    for (uint c = lane; c < group; c += LOCAL) sum += from[c];
    mean = lanes_sum(scratch, sum, LOCAL) / (float)group;
  }
  float squares = 0.0f;
  for (uint c = lane; c < group; c += LOCAL) squares += (from[c] - mean) * (from[c] - mean);
  float factor = 1.0f / sqrt(lanes_sum(scratch, squares, LOCAL) / (float)group + as_float(args.w[7]));
  for (uint c = lane; c < group; c += LOCAL) {
    float value = (from[c] - mean) * factor * weight[c];
    to[c] = args.w[6] ? value + bias[c] : value;
  }
}
