import { readFileSync } from 'node:fs';
import { NpuBenchError } from '../errors.js';
import { parseRunOptions, type RawOptions, RUN_OPTION_NAMES, type RunOptions } from './options.js';
import { didYouMean } from './suggest.js';

/**
 * Options from a JSON file: the names of the command line, with dashes or underscores
 * ("input-length", "input_length"). An unknown key is refused, so that no typing error goes
 * unnoticed. Throws NpuBenchError, exit code 2.
 */
export function readConfigFile(path: string): RawOptions {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === undefined ? `is not JSON: ${message}` : `cannot be read (${code})`;
    throw new NpuBenchError('CONFIG', `The config file ${path} ${reason}.`, 2, { cause: error });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new NpuBenchError('CONFIG', `The config file ${path} must hold one object of options.`);
  }
  const options: RawOptions = {};
  for (const [key, value] of Object.entries(content)) {
    const name = key.replaceAll('_', '-');
    if (!RUN_OPTION_NAMES.includes(name)) {
      throw new NpuBenchError(
        'CONFIG',
        `The config file ${path} has an unknown key "${key}".${didYouMean(name, RUN_OPTION_NAMES)} \`npu-bench run --help\` lists the options.`,
      );
    }
    if (name in options) {
      throw new NpuBenchError('CONFIG', `The config file ${path} gives "${name}" twice.`);
    }
    options[name] = value;
  }
  return options;
}

/** Flags over config file over defaults. */
export function mergeRunOptions(flags: RawOptions, configFile?: string): RunOptions {
  if (configFile === undefined) return parseRunOptions(flags);
  const fromFile = readConfigFile(configFile);
  return parseRunOptions({ ...fromFile, ...flags }, (key) =>
    key in flags ? `--${key}` : `"${key}" in ${configFile}`,
  );
}
