import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The files that hold a model's weights: the file itself, or those of its folder. */
export function weightFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((entry) => /\.(safetensors|bin|gguf)$/i.test(entry))
    .sort()
    .map((entry) => join(path, entry));
}

/** Every regular file below a folder; none if it does not exist. */
export function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

/** Reads files once, so that every later reading finds them in the page cache. */
export async function warmPageCache(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const stream = createReadStream(path, { highWaterMark: 1 << 20 });
    for await (const _ of stream) {
      // Only the reading counts.
    }
  }
}
