import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, SMALL, type Workspace, workspace } from '../support/cli.js';

/** A file system of 400 kB; undefined where mounting isn't allowed. */
function mountTiny(folder: string): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', folder], { stdio: 'ignore' });
    return () => execFileSync('umount', [folder]);
  } catch {
    return undefined;
  }
}

let space: Workspace;
let unmount: (() => void) | undefined;
beforeEach(() => {
  space = workspace();
  mkdirSync(space.path('tiny'));
  unmount = mountTiny(space.path('tiny'));
});
afterEach(() => {
  unmount?.();
  space.remove();
});

/** Takes the last page of the file system. */
function fill(): void {
  const file = openSync(space.path('tiny/fill'), 'a');
  try {
    for (;;) writeFileSync(file, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}
const toTiny = [...SMALL, '--output', 'tiny/out.json'];

describe('a full disk', () => {
  it('is found before anything is measured', async ({ skip }) => {
    if (unmount === undefined) skip('mounting a tmpfs needs root');
    fill();
    const result = await space.run([...toTiny, '--iterations', '1']);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/the disk is full; nothing was measured/);
    expect(existsSync(space.path('calls.log'))).toBe(false);
  });

  it('that fills during the run loses nothing: the document moves, and the message says where', async ({
    skip,
  }) => {
    if (unmount === undefined) skip('mounting a tmpfs needs root');
    const long = ['--output-length', '500', '--iterations', '3'];
    const child = space.start([...toTiny, ...long]);
    const end = finished(child);
    const watch = setInterval(() => {
      if (!existsSync(space.path('tiny/out.json'))) return;
      clearInterval(watch);
      fill();
    }, 5);
    const result = await end;
    const moved = /Document: (\S+rescued\S+) \(complete\)/.exec(result.stdout)?.[1];
    expect(moved).toBeDefined();
    expect(result.code).toBe(5);
    const document = JSON.parse(readFileSync(moved as string, 'utf8'));
    rmSync(moved as string);
    expect(document.iterations).toHaveLength(3);
    expect(space.document('tiny/out.json').iterations.length).toBeGreaterThan(0);
  });
});
