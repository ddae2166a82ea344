import { Option } from 'commander';
import { DEVICES, PRECISIONS, type RawOptions } from '../config/options.js';

const OPTIONS: readonly (readonly [flags: string, text: string])[] = [
  ['--device <device>', `${DEVICES.join(', ')} (default: npu)`],
  ['--backend <name>', 'qnn, xnnpack, vulkan, opencl or reference (default: by device)'],
  ['--model <name>', 'model identifier or path (required)'],
  ['--iterations <n>', 'recorded iterations (default: 5)'],
  ['--batch-size <n>', 'sequences per batch (default: 1)'],
  ['--input-length <n>', 'input tokens per sequence (default: 512, or the prompt)'],
  ['--output-length <n>', 'output tokens per sequence (default: 128)'],
  ['--warmup <n>', 'unrecorded iterations before each recorded one (default: 1)'],
  ['--output <file>', 'result document (default: results/MODEL_DEVICE_TIME.json)'],
  ['--verbose', 'detailed log on standard error, generated text in the summary'],
  ['--threads <n>', 'processor threads (default: one per performance core)'],
  ['--prompt <text>', 'input text; --input-length then follows from it'],
  ['--prompt-tokens <ids>', 'input as token ids, such as 5,9,33'],
  ['--precision <format>', `${PRECISIONS.join(', ')} (default: auto, the fastest per tensor)`],
  [
    '--quantization <type>',
    'type of synthetic weights: int8, int4, f16, f32 or a GGUF type (default: int8)',
  ],
  ['--seed <n>', 'seed of synthetic prompt and weights (default: 0)'],
  ['--cold-start <on|off>', 'measure a cold start in each process (default: on)'],
  ['--cache <drop|keep>', "the model file's pages before a cold start (default: drop)"],
  ['--packed-cache <on|off>', 'keep prepared weights on disk (default: off)'],
  ['--processes <n>', 'processes that share the iterations (default: one for each)'],
  ['--sample-interval <ms>', 'period of the telemetry (default: 10)'],
  ['--timeout <s>', 'longest silence of the measured process (default: 600)'],
  ['--cooldown <time|temperature>', 'wait between processes: 30s or 45C'],
  ['--max-temp <temperature>', 'stop the measured process when a sensor shows more: 85C'],
  ['--pin <processors>', 'keep the measured process there: 0-3,6, or fast'],
  ['--priority <niceness>', 'of the measured process, from -20 (most urgent) to 19'],
  ['--governor <name>', 'set while measuring, and put back afterwards (root)'],
  ['--config <file>', 'JSON file with any of these options; the command line wins'],
  ['--json', 'print the document alone on standard output'],
  ['--profile', 'add a profiled run: time per operation'],
  ['--verify', 'compare the results with the exact reference afterwards (slow)'],
  ['--strict', 'refuse a run that is not sound'],
  ['--resume', 'go on with an unfinished --output'],
  ['--label <text>', 'a name for this run in the document'],
  ['--model-dir <folder>', 'look for models here first'],
  ['--gpu-index <n>', 'which GPU, as `devices` numbers them'],
  ['--decode-ahead <on|off>', 'Vulkan: submit a step while the one before it runs (default: on)'],
  ['--qnn-lib <folder>', "folder of Qualcomm's QNN libraries"],
  ['--runtime <qnn@version>', 'an installed QNN runtime, as `runtime list` shows'],
  ['--perf-profile <name>', 'performance profile of the NPU (default: burst)'],
  ['--executions <n>', 'context binary: executions of each graph per iteration (default: 50)'],
  ['--graph <names>', 'context binary: only these graphs, with commas between (default: all)'],
  ['--io-memory <kind>', 'inputs and outputs of the NPU: auto, shared or copied (default: auto)'],
  ['--any-soc', 'try a context binary that was made for another chip of the same Hexagon version'],
  ['--meter-command <command>', 'external power meter: prints lines of "seconds watts"'],
];

/** The options of `run`, for it and for the commands that measure as it does; `without` some. */
export function runOptions(without: readonly string[] = []): Option[] {
  const all = [
    ...OPTIONS.map(([flags, text]) => new Option(flags, text)),
    new Option('--sysfs-root <folder>', 'tests only: read telemetry below this folder').hideHelp(),
  ];
  return all.filter((option) => !without.includes(option.name()));
}

/** Flags as commander names them ("inputLength") under their names on the command line. */
export function rawOf(flags: Readonly<Record<string, unknown>>): RawOptions {
  const raw: RawOptions = {};
  for (const [key, value] of Object.entries(flags)) {
    raw[key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value;
  }
  return raw;
}
