import { NpuBenchError } from '../errors.js';

export function importError(message: string): NpuBenchError {
  return new NpuBenchError('IMPORT', message);
}

/** Reads typed fields of a parsed file; a wrong one is an error that names file and JSON path. */
export class Fields {
  constructor(
    private readonly value: Readonly<Record<string, unknown>>,
    private readonly file: string,
    private readonly path: string,
  ) {}

  static of(value: unknown, file: string, path: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw importError(`${file}: ${path} must be an object.`);
    }
    return new Fields(value as Record<string, unknown>, file, path);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.value, key) && this.value[key] != null;
  }

  private fail(key: string, wanted: string): never {
    const found = JSON.stringify(this.value[key])?.slice(0, 40) ?? 'missing';
    throw importError(`${this.file}: ${this.path}.${key} must be ${wanted}, not ${found}.`);
  }

  /** A number that is not negative. */
  number(key: string): number {
    const value = this.value[key];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      this.fail(key, 'a number of at least 0');
    }
    return value;
  }

  count(key: string): number {
    const value = this.number(key);
    if (!Number.isInteger(value)) this.fail(key, 'a whole number');
    return value;
  }

  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  text(key: string): string {
    const value = this.value[key];
    if (typeof value !== 'string') this.fail(key, 'text');
    return value;
  }

  optionalText(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined;
  }

  numbers(key: string): number[] {
    const value = this.value[key];
    if (!Array.isArray(value)) this.fail(key, 'a list of numbers');
    return value.map((entry, index) => {
      if (typeof entry !== 'number' || !Number.isFinite(entry) || entry < 0) {
        this.fail(`${key}[${index}]`, 'a number of at least 0');
      }
      return entry;
    });
  }

  object(key: string): Fields {
    return Fields.of(this.value[key], this.file, `${this.path}.${key}`);
  }

  list(key: string): Fields[] {
    const value = this.value[key];
    if (!Array.isArray(value)) this.fail(key, 'a list');
    return value.map((entry, index) =>
      Fields.of(entry, this.file, `${this.path}.${key}[${index}]`),
    );
  }
}

/** "llama-7b" of "models/llama-7b.Q4_0.gguf", and the type in its name. */
export function nameAndType(path: string): { name: string; type?: string } {
  const base =
    path
      .replace(/[\\/]+$/u, '')
      .split(/[\\/]/u)
      .at(-1) ?? path;
  const stem = base.replace(/\.(gguf|pte|litertlm|task|tflite|bin)$/iu, '');
  const type = TYPE.exec(stem)?.[1];
  const name = type ? stem.slice(0, stem.lastIndexOf(type)).replace(/[-_.]+$/u, '') : stem;
  return { name: name || stem, ...(type && { type: type.toUpperCase() }) };
}

const TYPE = /(?:^|[-_. ])((?:I?Q\d\w*|BF16|F16|F32|MXFP4|int4|int8))$/iu;
