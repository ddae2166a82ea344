import { createHash } from 'node:crypto';
import { mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { NpuBenchError } from '../errors.js';
import type { ResultDocument } from '../schema/document.js';
import { readDocument } from '../schema/read.js';
import { serializeDocument, writeFileAtomic } from '../schema/write.js';

const EntrySchema = z.looseObject({
  id: z.string().regex(/^[\w.-]+$/),
  timestamp: z.string(),
  added: z.string(),
  workload: z.string(),
  device: z.string(),
  commit: z.string().optional(),
  label: z.string().optional(),
});

const IndexSchema = z.looseObject({
  schema: z.looseObject({ id: z.literal('npu-bench/history'), version: z.literal(1) }),
  entries: z.array(EntrySchema),
  baselines: z.record(z.string(), z.array(z.string())),
});

export type HistoryEntry = z.infer<typeof EntrySchema>;
type Index = z.infer<typeof IndexSchema>;

const LOCK_WAIT_MS = 10_000;
/** A lock older than this was left behind by a process that died. */
const LOCK_STALE_MS = 60_000;

function emptyIndex(): Index {
  return { schema: { id: 'npu-bench/history', version: 1 }, entries: [], baselines: {} };
}

export function workloadOf({ metadata }: ResultDocument): string {
  const { model, benchmark_config: config } = metadata;
  return `${model.name} ${model.quantization ?? ''}`
    .trim()
    .concat(` b${config.batch_size} ${config.input_length}+${config.output_length}`);
}

export function deviceOf({ metadata }: ResultDocument): string {
  const { name, backend } = metadata.device_info;
  return `${metadata.device} ${name}${backend ? ` (${backend})` : ''}`;
}

/**
 * A folder of result documents, an index of them, and named baselines. The documents are the truth;
 * every change of the index is one atomic replacement under a lock, so that parallel CI jobs lose
 * nothing.
 */
export class HistoryStore {
  private constructor(readonly root: string) {}

  /** `root`: the given folder, else NPU_BENCH_HISTORY, else .npu-bench/history in this folder. */
  static at(root?: string): HistoryStore {
    return new HistoryStore(root ?? process.env.NPU_BENCH_HISTORY ?? join('.npu-bench', 'history'));
  }

  private get indexPath(): string {
    return join(this.root, 'index.json');
  }

  pathOf(id: string): string {
    return join(this.root, 'documents', `${id}.json`);
  }

  async index(): Promise<Index> {
    let text: string;
    try {
      text = await readFile(this.indexPath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyIndex();
      throw error;
    }
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch (error) {
      throw this.damaged('it is not JSON', error);
    }
    const parsed = IndexSchema.safeParse(raw);
    if (!parsed.success) throw this.damaged(parsed.error.issues[0]?.message ?? 'it is invalid');
    return parsed.data;
  }

  private damaged(reason: string, cause?: unknown): NpuBenchError {
    return new NpuBenchError(
      'HISTORY_INDEX',
      `${this.indexPath} is no history index (${reason}); move it away and add the documents again.`,
      2,
      { cause },
    );
  }

  private async locked<T>(change: () => Promise<T>): Promise<T> {
    const lock = join(this.root, 'lock');
    const deadline = Date.now() + LOCK_WAIT_MS;
    await mkdir(join(this.root, 'documents'), { recursive: true });
    for (;;) {
      try {
        await mkdir(lock);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const age = await stat(lock).then(
          (info) => Date.now() - info.mtimeMs,
          () => 0,
        );
        if (age > LOCK_STALE_MS) {
          await this.removeLock(lock);
        } else if (Date.now() > deadline) {
          throw new NpuBenchError(
            'HISTORY_LOCKED',
            `${lock} is held by another npu-bench; wait for it, or remove that folder if none runs.`,
          );
        } else {
          await sleep(20);
        }
      }
    }
    try {
      return await change();
    } finally {
      await this.removeLock(lock);
    }
  }

  private async removeLock(lock: string): Promise<void> {
    await rmdir(lock).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  private async writeIndex(index: Index): Promise<void> {
    await writeFileAtomic(this.indexPath, `${JSON.stringify(index, null, 2)}\n`);
  }

  /** Copies a document into the store. The same content again is the same entry. */
  async add(
    path: string,
    options: { commit?: string | undefined; label?: string | undefined } = {},
  ): Promise<{ entry: HistoryEntry; isNew: boolean }> {
    const document = await readDocument(path);
    const text = serializeDocument(document);
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
    const stamp = document.metadata.timestamp.replace(/[-:]|\.\d+/g, '').replace(/[^\w]/g, '-');
    const id = `${stamp}-${digest}`;
    return this.locked(async () => {
      const index = await this.index();
      const known = index.entries.find((entry) => entry.id === id);
      if (known) return { entry: known, isNew: false };
      const label = options.label ?? document.metadata.label ?? undefined;
      const entry: HistoryEntry = {
        id,
        timestamp: document.metadata.timestamp,
        added: new Date().toISOString(),
        workload: workloadOf(document),
        device: deviceOf(document),
        ...(options.commit && { commit: options.commit }),
        ...(label && { label }),
      };
      await writeFileAtomic(this.pathOf(id), text);
      const entries = [...index.entries, entry].sort((a, b) =>
        a.timestamp === b.timestamp ? 0 : a.timestamp < b.timestamp ? -1 : 1,
      );
      await this.writeIndex({ ...index, entries });
      return { entry, isNew: true };
    });
  }

  /** Names one or more entries as a baseline; a prefix of an id is enough where it is unique. */
  async setBaseline(name: string, prefixes: readonly string[]): Promise<readonly HistoryEntry[]> {
    return this.locked(async () => {
      const index = await this.index();
      const entries = prefixes.map((prefix) => this.find(index, prefix));
      const baselines = { ...index.baselines, [name]: entries.map((entry) => entry.id) };
      await this.writeIndex({ ...index, baselines });
      return entries;
    });
  }

  private find(index: Index, prefix: string): HistoryEntry {
    const matches = index.entries.filter(
      (entry) => entry.id.startsWith(prefix) || entry.id.endsWith(`-${basename(prefix)}`),
    );
    if (matches.length === 1) return matches[0] as HistoryEntry;
    const problem = matches.length === 0 ? 'no entry' : `${matches.length} entries`;
    throw new NpuBenchError(
      'HISTORY_ENTRY',
      `${problem} of ${this.root} match "${prefix}"; \`npu-bench history list\` shows the ids.`,
    );
  }

  async entry(prefix: string): Promise<HistoryEntry> {
    return this.find(await this.index(), prefix);
  }

  /** Paths of the documents of a named baseline. */
  async baselineFiles(name: string): Promise<string[]> {
    const { baselines } = await this.index();
    const ids = Object.hasOwn(baselines, name) ? baselines[name] : undefined;
    if (ids === undefined || ids.length === 0) {
      const known = Object.keys(baselines).join(', ') || 'none is set';
      throw new NpuBenchError(
        'HISTORY_BASELINE',
        `${this.root} has no baseline "${name}" (${known}); set one with \`npu-bench history baseline set ${name} ID\`.`,
      );
    }
    return ids.map((id) => this.pathOf(id));
  }
}
