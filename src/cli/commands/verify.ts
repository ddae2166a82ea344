import type { Command } from 'commander';
import { mergeRunOptions } from '../../config/file.js';
import { DEVICES, PRECISIONS } from '../../config/options.js';
import { chooseDevice } from '../../devices/choose.js';
import { NpuBenchError } from '../../errors.js';
import { withHelper } from '../../native/helper.js';
import { backendExtras, modelName, resolveModel } from '../../run/plan.js';
import { type Accuracy, DEFAULT_POSITIONS, verifyModel } from '../../verify/verify.js';
import { columns, figure } from '../format.js';

interface VerifyFlags extends Record<string, unknown> {
  json?: boolean;
  positions?: string;
  minAgreement?: string;
}

const HELP = `
The same text goes through the model on the device and through the exact f32 interpreter; their
logits are compared at every position. Expect about a minute for 135 M parameters.

Examples:
  npu-bench verify --device cpu --model smollm2-135m
  npu-bench verify --device gpu --backend opencl --model ./model.gguf --positions 16
  npu-bench verify --model smollm2-135m --min-agreement 95 --json

Exit codes: 0 done, 2 usage, 5 the device is below --min-agreement or its results are no numbers.`;

function count(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value >= 2 && value <= 1e6) return value;
  throw new NpuBenchError(
    'OPTION',
    `--positions must be a whole number of at least 2, not "${text}".`,
  );
}

function share(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replace(/%$/, ''));
  if (value >= 0 && value <= 100) return value / 100;
  throw new NpuBenchError('OPTION', `--min-agreement must be a percentage, not "${text}".`);
}

function accuracyText(accuracy: Accuracy): string {
  const number = (value: unknown) => (typeof value === 'number' ? figure(value) : 'not available');
  const rows =
    accuracy.embedding_cosine == null
      ? [
          [
            'Same best token',
            `${figure(100 * (accuracy.top1_agreement ?? 0))} % of ${accuracy.positions} positions`,
          ],
          ['KL divergence', `${number(accuracy.kl_divergence)} nats`],
          ['Largest logit error', number(accuracy.max_logit_error)],
          ['Normalised logit error', number(accuracy.normalized_logit_error)],
          [
            'Perplexity',
            `${number(accuracy.perplexity)} (reference ${number(accuracy.reference_perplexity)})`,
          ],
        ]
      : [['Cosine of embeddings', accuracy.embedding_cosine.toFixed(6)]];
  return columns([...rows, ['Text', String(accuracy.text)]]);
}

async function verify(flags: VerifyFlags): Promise<void> {
  const { json, positions, minAgreement, modelDir, qnnLib, gpuIndex, ...rest } = flags;
  const wanted = count(positions, DEFAULT_POSITIONS);
  const least = share(minAgreement);
  const named = { 'model-dir': modelDir, 'qnn-lib': qnnLib, 'gpu-index': gpuIndex };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  const options = mergeRunOptions({ ...rest, ...Object.fromEntries(given) });
  const extra = backendExtras(options);

  const { accuracy, title } = await withHelper(async (helper) => {
    const choice = await chooseDevice(helper, {
      device: options.device,
      backend: options.backend,
      gpuIndex: options['gpu-index'],
      extra,
    });
    const { model, description, quantization } = await resolveModel(helper, options, extra);
    const found = await verifyModel(helper, {
      model,
      description,
      session: {
        backend: choice.backend,
        deviceIndex: choice.device.index,
        batch: 1,
        maxTokens: wanted,
        maxStepTokens: wanted,
        precision: options.precision,
        threads: options.threads ?? 0,
        extra,
      },
      positions: wanted,
      seed: options.seed,
    });
    return {
      accuracy: found,
      title: `${modelName(model)} (${quantization}) on ${choice.device.name} (${choice.backend}, precision ${options.precision})`,
    };
  });
  process.stdout.write(
    json ? `${JSON.stringify(accuracy, null, 2)}\n` : `${title}\n${accuracyText(accuracy)}\n`,
  );
  const agreement = accuracy.top1_agreement ?? accuracy.embedding_cosine ?? 0;
  if (least !== undefined && agreement < least) {
    throw new NpuBenchError(
      'wrong_result',
      `The agreement of ${figure(100 * agreement)} % is below the ${figure(100 * least)} % of --min-agreement; use another --precision, or update the driver.`,
      5,
    );
  }
}

export function register(program: Command): void {
  program
    .command('verify')
    .description("Compare a device's results with the exact reference on real text.")
    .option('--device <device>', `${DEVICES.join(', ')} (default: npu)`)
    .option('--backend <name>', 'qnn, xnnpack, vulkan or opencl (default: by device)')
    .option('--model <name>', 'model identifier or path (required)')
    .option('--precision <format>', `${PRECISIONS.join(', ')} (default: auto)`)
    .option('--quantization <type>', 'type of synthetic weights (default: int8)')
    .option('--positions <n>', `token positions to compare (default: ${DEFAULT_POSITIONS})`)
    .option('--min-agreement <percent>', 'fail below this share of equal best tokens')
    .option('--threads <n>', 'processor threads (default: one per performance core)')
    .option('--seed <n>', 'seed of synthetic weights and random tokens (default: 0)')
    .option('--model-dir <folder>', 'look for models here first')
    .option('--gpu-index <n>', 'which GPU, as `devices` numbers them')
    .option('--qnn-lib <folder>', "folder of Qualcomm's QNN libraries")
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(verify);
}
