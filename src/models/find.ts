import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { didYouMean } from '../config/suggest.js';
import { NpuBenchError } from '../errors.js';
import type { NativePreset } from '../native/binding.js';
import { cacheDirectory } from './cache.js';

/** A model to measure: files on disk, or a named architecture with synthetic weights. */
export type ModelChoice =
  | { kind: 'file'; path: string; asked: string }
  | { kind: 'preset'; name: string; asked: string };

export interface FoundModel {
  name: string;
  path: string;
  bytes: number;
}

/** Folders in which a name is looked for, in order. */
export function modelFolders(modelDir?: string): string[] {
  const fromEnvironment = (process.env.NPU_BENCH_MODELS ?? '').split(delimiter);
  return [
    ...(modelDir === undefined ? [] : [modelDir]),
    ...fromEnvironment.filter((folder) => folder !== ''),
    join(cacheDirectory(), 'models'),
  ].map((folder) => resolve(folder));
}

const WEIGHTS = /\.(gguf|bin)$/i;
const FOLDER_MARKS = ['model.safetensors', 'genie_config.json'];

function isModelFolder(path: string): boolean {
  return FOLDER_MARKS.some((mark) => existsSync(join(path, mark)));
}

function entryOf(folder: string, entry: string): FoundModel | undefined {
  const path = join(folder, entry);
  try {
    const stat = statSync(path);
    if (stat.isFile() && WEIGHTS.test(entry)) {
      return { name: entry.replace(WEIGHTS, ''), path, bytes: stat.size };
    }
    if (stat.isDirectory() && isModelFolder(path)) {
      const weights = join(path, 'model.safetensors');
      return { name: entry, path, bytes: existsSync(weights) ? statSync(weights).size : 0 };
    }
  } catch {
    // A broken link or a folder without permission holds no model for us.
  }
  return undefined;
}

/** Every model file or folder directly in the given folders; missing folders hold none. */
export function findModels(folders: readonly string[]): FoundModel[] {
  const found: FoundModel[] = [];
  for (const folder of folders) {
    let entries: string[];
    try {
      entries = readdirSync(folder).sort();
    } catch {
      continue;
    }
    for (const entry of entries) {
      const model = entryOf(folder, entry);
      if (model !== undefined) found.push(model);
    }
  }
  return found;
}

function words(name: string): string[] {
  return name.toLowerCase().split(/[-_. ]+/);
}

/** "smollm2-135m" names "SmolLM2-135M-Instruct.Q4_1": its words are the file's first ones. */
function isNamedBy(file: string, name: string): boolean {
  const fileWords = words(file);
  return words(name).every((word, i) => fileWords[i] === word);
}

function looksLikePath(name: string): boolean {
  return /[\\/]/.test(name) || WEIGHTS.test(name) || existsSync(name);
}

function choosePath(name: string): ModelChoice {
  if (!existsSync(name)) {
    throw new NpuBenchError(
      'MODEL',
      `The model ${name} does not exist; check the path, or see \`npu-bench models\` for names.`,
    );
  }
  if (statSync(name).isDirectory() && !isModelFolder(name)) {
    throw new NpuBenchError(
      'MODEL',
      `The folder ${name} holds no model.safetensors with its config.json; name the model's own folder or a .gguf file.`,
    );
  }
  return { kind: 'file', path: resolve(name), asked: name };
}

/**
 * What `--model` names: a path, a file in the model folders, or a preset. Throws NpuBenchError
 * (exit code 2) when it is none of them, or several files.
 */
export function chooseModel(
  name: string,
  presets: readonly NativePreset[],
  modelDir?: string,
): ModelChoice {
  if (looksLikePath(name)) return choosePath(name);
  const folders = modelFolders(modelDir);
  const found = findModels(folders);
  const exact = found.filter((model) => model.name.toLowerCase() === name.toLowerCase());
  const matches = exact.length > 0 ? exact : found.filter((model) => isNamedBy(model.name, name));
  const [first] = matches;
  if (first !== undefined) {
    const others = matches.filter((model) => model.name !== first.name);
    if (others.length > 0) {
      throw new NpuBenchError(
        'MODEL',
        `"${name}" fits several files: ${matches.map((model) => basename(model.path)).join(', ')}; give the path of one.`,
      );
    }
    return { kind: 'file', path: first.path, asked: name };
  }
  const preset = presets.find((candidate) => candidate.name === name.toLowerCase());
  if (preset !== undefined) return { kind: 'preset', name: preset.name, asked: name };
  const names = [
    ...presets.map((candidate) => candidate.name),
    ...found.map((model) => model.name),
  ];
  throw new NpuBenchError(
    'MODEL',
    `There is no model "${name}": no such file in ${folders.join(', ')} and no such preset.${didYouMean(name, names)} \`npu-bench models\` lists what there is.`,
  );
}
