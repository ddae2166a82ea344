// The largest value of a workgroup's candidates and, among equals, the smallest index.
shared float best_value[LOCAL];
shared uint best_index[LOCAL];

void reduce_best(uint lane) {
  barrier();
  for (uint step = LOCAL / 2; step > 0; step /= 2) {
    if (lane < step) {
      float other = best_value[lane + step];
      uint index = best_index[lane + step];
      if (other > best_value[lane] || (other == best_value[lane] && index < best_index[lane])) {
        best_value[lane] = other;
        best_index[lane] = index;
      }
    }
    barrier();
  }
}
