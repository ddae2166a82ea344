// Sums and maxima over a workgroup of LOCAL invocations, in groups of LANES neighbours.
// With SUBGROUP the workgroup is one subgroup and LANES == LOCAL; otherwise shared memory is used, which
// every driver gets right.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 32;
layout(constant_id = 1) const uint LANES = 32;

#ifdef SUBGROUP
float lanes_sum(float value) { return subgroupAdd(value); }
float lanes_max(float value) { return subgroupMax(value); }
void lanes_sync() {
  subgroupMemoryBarrierShared();
  subgroupBarrier();
}
#else
shared float scratch[LOCAL];
void lanes_sync() { barrier(); }
// Halving needs a power of two: LANES always is one.
float lanes_sum(float value) {
  uint id = gl_LocalInvocationID.x;
  scratch[id] = value;
  barrier();
  for (uint step = LANES / 2; step > 0; step /= 2) {
    if (id % LANES < step) scratch[id] += scratch[id + step];
    barrier();
  }
  float sum = scratch[id - id % LANES];
  barrier();
  return sum;
}
float lanes_max(float value) {
  uint id = gl_LocalInvocationID.x;
  scratch[id] = value;
  barrier();
  for (uint step = LANES / 2; step > 0; step /= 2) {
    if (id % LANES < step) scratch[id] = max(scratch[id], scratch[id + step]);
    barrier();
  }
  float top = scratch[id - id % LANES];
  barrier();
  return top;
}
#endif
