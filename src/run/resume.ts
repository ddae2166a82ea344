import { existsSync } from 'node:fs';
import { NpuBenchError } from '../errors.js';
import type { ResultDocument } from '../schema/document.js';
import { readDocument } from '../schema/read.js';
import { benchmarkConfig } from './document.js';
import type { RunPlan } from './plan.js';

/** Settings that may differ between the two parts of a resumed run. */
const FREE_KEYS = new Set(['iterations', 'processes', 'timeout_s']);

function differingKeys(document: ResultDocument, plan: RunPlan): string[] {
  const { metadata } = document;
  const mine: Record<string, unknown> = {
    device: plan.choice.kind,
    backend: plan.choice.backend,
    model: plan.sha256 ?? plan.name,
    quantization: plan.quantization,
    ...benchmarkConfig(plan),
  };
  const theirs: Record<string, unknown> = {
    device: metadata.device,
    backend: metadata.device_info.backend,
    model: metadata.model.sha256 ?? metadata.model.name,
    quantization: metadata.model.quantization,
    ...metadata.benchmark_config,
  };
  return Object.keys(mine).filter(
    (key) =>
      !FREE_KEYS.has(key) &&
      JSON.stringify(mine[key] ?? null) !== JSON.stringify(theirs[key] ?? null),
  );
}

/**
 * The unfinished document to go on with; undefined if there is none yet. Throws NpuBenchError when
 * it was made with other settings.
 */
export async function readResumable(
  path: string,
  plan: RunPlan,
): Promise<ResultDocument | undefined> {
  if (!existsSync(path)) return undefined;
  const document = await readDocument(path);
  checkResumable(document, plan, path);
  return document;
}

/** Throws NpuBenchError where the document was made with other settings than the plan's. */
export function checkResumable(document: ResultDocument, plan: RunPlan, path: string): void {
  const keys = differingKeys(document, plan);
  if (keys.length === 0) return;
  throw new NpuBenchError(
    'RESUME',
    `${path} cannot be resumed: it was made with another ${keys.join(', ')}; use the same options, or another --output.`,
  );
}
