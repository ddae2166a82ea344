import { basename } from 'node:path';
import type { Command } from 'commander';
import { findModels, modelFolders } from '../../models/find.js';
import type { NativeModelDescription, NativeStoredTensor } from '../../native/binding.js';
import { withHelper } from '../../native/helper.js';
import { resolveModel } from '../../run/plan.js';
import { bytesText, columns, figure } from '../format.js';

interface ModelsFlags {
  json?: boolean;
  modelDir?: string;
  qnnLib?: string;
}

function parametersText(count: number): string {
  return count >= 1e9 ? `${figure(count / 1e9)} B` : `${figure(count / 1e6)} M`;
}

async function list(flags: ModelsFlags): Promise<void> {
  const folders = modelFolders(flags.modelDir);
  const files = findModels(folders);
  const presets = await withHelper((helper) => helper.call('presets'));
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ folders, files, presets }, null, 2)}\n`);
    return;
  }
  const fileRows = files.map((file) => [
    `  ${basename(file.path)}`,
    bytesText(file.bytes),
    file.path,
  ]);
  const presetRows = presets.map((preset) => [
    `  ${preset.name}`,
    preset.family,
    `${parametersText(preset.parameterCount)} parameters`,
  ]);
  process.stdout.write(
    [
      `Files in ${folders.join(', ')}:`,
      fileRows.length > 0 ? columns(fileRows) : '  none',
      '',
      'Named architectures (synthetic weights of the true shapes: right for speed, memory and power,',
      'meaningless for text):',
      columns(presetRows),
      '',
    ].join('\n'),
  );
}

function tensorTypes(description: NativeModelDescription): string[][] {
  const types = new Map<string, { count: number; bytes: number }>();
  for (const tensor of description.tensors) {
    const sum = types.get(tensor.type) ?? { count: 0, bytes: 0 };
    sum.count += 1;
    sum.bytes += tensor.bytes;
    types.set(tensor.type, sum);
  }
  return [...types].map(([type, sum]) => [
    `  ${type}`,
    `${sum.count} tensors`,
    bytesText(sum.bytes),
  ]);
}

function descriptionText(model: NativeModelDescription): string {
  const rows = [
    ['Name', model.name],
    ['Format', model.syntheticWeights ? `${model.format} (synthetic weights)` : model.format],
    ['Architecture', `${model.architecture} (${model.family})`],
    ['Parameters', parametersText(model.parameterCount)],
    [
      'Quantization',
      `${model.quantization}, ${figure((8 * model.weightBytes) / model.parameterCount)} bits per weight`,
    ],
    ['Weights', bytesText(model.weightBytes)],
    ['Layers', `${model.nLayers}, width ${model.dModel}, feed-forward ${model.dFf}`],
    ['Heads', `${model.nHeads} of ${model.headDim}, ${model.nKvHeads} for keys and values`],
    ['Vocabulary', String(model.vocabSize)],
    ['Context', `${model.contextLength} tokens`],
    ['Tokenizer', model.tokenizer ?? `none that can be read: ${model.tokenizerProblem}`],
  ];
  return `${columns(rows)}\n\nTensor types:\n${columns(tensorTypes(model))}\n`;
}

function tensorRows(kind: string, tensors: readonly NativeStoredTensor[]): string[][] {
  return tensors.map(({ name, type, dims, quantization, bytes }) => [
    `  ${kind}`,
    name,
    `${type} [${dims.join(', ')}]`,
    bytesText(bytes),
    quantization,
  ]);
}

function graphsText(model: NativeModelDescription): string {
  const rows = [
    ['Name', model.name],
    ['Format', `${model.format}, ${bytesText(model.fileSizeBytes)}`],
    ...model.metadata.map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), value]),
  ];
  const graphs = model.graphs.map(({ name, inputs, outputs }) =>
    [`Graph ${name}:`, columns([...tensorRows('in', inputs), ...tensorRows('out', outputs)])].join(
      '\n',
    ),
  );
  return `${columns(rows)}\n\n${graphs.join('\n\n')}\n`;
}

async function inspect(model: string, _flags: ModelsFlags, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<ModelsFlags>();
  const { description } = await withHelper((helper) =>
    resolveModel(
      helper,
      {
        model,
        'model-dir': flags.modelDir,
        quantization: undefined,
        seed: 0,
      },
      flags.qnnLib === undefined ? {} : { qnn_lib_dir: flags.qnnLib },
    ),
  );
  const text =
    description.family === 'graph' || description.format === 'genie'
      ? graphsText(description)
      : descriptionText(description);
  process.stdout.write(flags.json ? `${JSON.stringify(description, null, 2)}\n` : text);
}

const HELP = `
Examples:
  npu-bench models
  npu-bench models --model-dir ~/models --json
  npu-bench models inspect llama-7b
  npu-bench models inspect ./SmolLM2-135M-Instruct.Q4_1.gguf
  npu-bench models inspect ./context.bin`;

export function register(program: Command): void {
  const models = program
    .command('models')
    .description('List model files and named architectures; `models inspect MODEL` describes one.')
    .option('--json', 'print JSON')
    .option('--model-dir <folder>', 'look here first')
    .addHelpText('after', HELP)
    .action(list);
  models
    .command('inspect <model>')
    .description('Describe a model file or a named architecture; its weights are not read.')
    .option('--json', 'print JSON')
    .option('--model-dir <folder>', 'look here first')
    .option('--qnn-lib <folder>', "folder of Qualcomm's QNN libraries, which read context binaries")
    .action(inspect);
}
