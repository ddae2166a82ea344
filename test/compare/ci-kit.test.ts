import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../docs/ci/benchmark.sh', import.meta.url));

/** Stands in for npu-bench: notes each call, and makes the file that --output names. */
const STUB = `#!/bin/sh
echo "$@" >>"$CALLS"
case "$1 $2" in
  "history list") [ -z "$BASELINE" ] || echo '{"baselines": {"main": []}}'; exit 0 ;;
esac
while [ $# -gt 1 ]; do
  if [ "$1" = --output ]; then echo "### made" >"$2"; fi
  if [ "$1" = compare ]; then code=$VERDICT; fi
  shift
done
exit \${code:-0}
`;

describe.skipIf(process.platform === 'win32')('docs/ci/benchmark.sh', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'npu-bench-ci-'));
    await writeFile(join(folder, 'npu-bench'), STUB);
    await chmod(join(folder, 'npu-bench'), 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(verdict: number, baseline: string, record = '') {
    const env = {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      CALLS: join(folder, 'calls'),
      VERDICT: String(verdict),
      BASELINE: baseline,
      MODEL: 'm.gguf',
      RECORD: record,
      GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    };
    const { status } = spawnSync('sh', [SCRIPT], { cwd: folder, env });
    const calls = (await readFile(env.CALLS, 'utf8')).trim().split('\n');
    return { status, verbs: calls.map((call) => call.split(' ')[0]), calls };
  }

  test.each([0, 1, 3])('exits with the code of compare (%i) after reporting', async (code) => {
    const { status, verbs } = await run(code, 'yes');
    expect(status).toBe(code);
    expect(verbs).toEqual(['run', 'export', 'history', 'compare']);
    expect(await readFile(join(folder, 'summary'), 'utf8')).toContain('### made');
  });

  test('the main branch records its runs, and moves the baseline unless it regressed', async () => {
    const { calls } = await run(0, 'yes', '1');
    expect(calls.slice(-2)).toEqual([
      'history add results/current.json',
      'history baseline set main --last 3',
    ]);
    const worse = await run(1, 'yes', '1');
    expect(worse.status).toBe(1);
    expect(worse.calls.at(-1)).toBe('history add results/current.json');
  });

  test('the first run of all becomes the baseline', async () => {
    const { status, calls } = await run(1, '');
    expect(status).toBe(0);
    expect(calls.at(-1)).toBe('history baseline set main');
  });
});
