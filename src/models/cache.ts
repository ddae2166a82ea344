import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Where downloaded models, packed weights and file hashes are kept. */
export function cacheDirectory(): string {
  const named = process.env.NPU_BENCH_CACHE;
  if (named) return resolve(named);
  if (process.platform === 'win32') {
    return join(process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'npu-bench');
  }
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'npu-bench');
}

interface HashEntry {
  size: number;
  mtimeMs: number;
  sha256: string;
}

function readHashes(file: string): Record<string, HashEntry> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, HashEntry>;
  } catch {
    // None yet, or damaged: hashes are computed again.
    return {};
  }
}

/**
 * SHA-256 of a file, remembered by path, size and time of change: a model of many gigabytes is read
 * for it only once.
 */
export async function hashFile(path: string): Promise<string> {
  const absolute = resolve(path);
  const { size, mtimeMs } = statSync(absolute);
  const store = join(cacheDirectory(), 'hashes.json');
  const known = readHashes(store)[absolute];
  if (known?.size === size && known.mtimeMs === mtimeMs) return known.sha256;
  const hash = createHash('sha256');
  await pipeline(createReadStream(absolute, { highWaterMark: 1 << 20 }), hash);
  const sha256 = hash.digest('hex');
  try {
    mkdirSync(cacheDirectory(), { recursive: true });
    const all = { ...readHashes(store), [absolute]: { size, mtimeMs, sha256 } };
    writeFileSync(store, `${JSON.stringify(all, null, 2)}\n`);
  } catch {
    // A read-only home costs the next run a second reading, nothing else.
  }
  return sha256;
}
