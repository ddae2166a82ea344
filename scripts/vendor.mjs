// What both vendor suites do alike: where they work, how they fail, and how they get Qualcomm's libraries.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = '2.7.0';

// Outside the checkout: wine's folder links to the whole file system, which tools that search there would follow.
export const work = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'npu-bench',
  'vendor',
);

/** Runs a step of the set-up; one that fails ends the suite as failed. */
export function must(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (done.status === 0) return;
  console.log(`${command} ${args.join(' ')} failed`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

/** Fetches onnxruntime-qnn for `platform` (a tag of wheels) into `folder` and unpacks it to `target`. */
export function fetchLibraries(platform, folder, target) {
  mkdirSync(folder, { recursive: true });
  must('python3', [
    ...['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'],
    ...['--python-version', '3.12', '--platform', platform],
    ...['--dest', folder, `onnxruntime-qnn==${VERSION}`],
  ]);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  must('python3', ['-m', 'zipfile', '-e', join(folder, wheel), target]);
}
