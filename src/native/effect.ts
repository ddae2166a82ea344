import type { ModelOptions, NativeBinding, SamplerOptions, SessionOptions } from './binding.js';

export interface EffectRequest {
  model: ModelOptions;
  session: SessionOptions;
  sampler: SamplerOptions;
  inputTokens: number;
  outputTokens: number;
  pairs: number;
}

/** Mean nanoseconds per decoded token of each pair of runs, without and with the telemetry. */
export interface EffectFigures {
  withoutNs: Float64Array;
  withNs: Float64Array;
  samplerCpuPercent: number;
}

/**
 * Decodes in turns without and with the telemetry (A B, B A, …), so that a drift meets both alike.
 * For the helper process.
 */
export function decodeEffect(binding: NativeBinding, request: EffectRequest): EffectFigures {
  const { inputTokens, outputTokens, pairs } = request;
  const session = binding.open(request.model, request.session);
  const sampler = binding.openSampler(request.sampler);
  const prompt = Int32Array.from({ length: inputTokens }, (_, i) => 5 + i);
  const workload = { prompt, batch: 1, inputTokens, outputTokens };
  const perToken = () => {
    const { tokenNs } = session.run(workload);
    const last = tokenNs[outputTokens - 1] as number;
    return (last - (tokenNs[0] as number)) / (outputTokens - 1);
  };
  const figures = { withoutNs: new Float64Array(pairs), withNs: new Float64Array(pairs) };
  let cpuNs = 0;
  let wallNs = 0;
  const measured = () => {
    sampler.start();
    const value = perToken();
    const recording = sampler.stop();
    cpuNs += recording.samplerCpuNs;
    wallNs += recording.endNs - recording.beginNs;
    return value;
  };
  perToken();
  measured();
  for (let pair = 0; pair < pairs; pair += 1) {
    if (pair % 2 === 0) figures.withoutNs[pair] = perToken();
    figures.withNs[pair] = measured();
    if (pair % 2 === 1) figures.withoutNs[pair] = perToken();
  }
  session.close();
  return { ...figures, samplerCpuPercent: (100 * cpuNs) / wallNs };
}
