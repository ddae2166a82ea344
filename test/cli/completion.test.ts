import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../support/cli.js';

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

let folder: string;
const scripts: Record<string, string> = {};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'npu-bench-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const text = execFileSync(process.execPath, [program, 'completion', shell], {
      encoding: 'utf8',
    });
    scripts[shell] = join(folder, `npu-bench.${shell}`);
    writeFileSync(scripts[shell] as string, text);
  }
  writeFileSync(join(folder, 'a result.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is offered for the last word. */
const ASK: Record<string, (words: readonly string[]) => string[]> = {
  bash: (words) => {
    const array = words.map((word) => `'${word}'`).join(' ');
    const text = `source '${scripts.bash}'; compopt() { :; }
      COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _npu_bench
      for word in "\${COMPREPLY[@]}"; do echo "$word"; done`;
    return lines(execFileSync('bash', ['-c', text], { cwd: folder, encoding: 'utf8' }));
  },
  fish: (words) => {
    const text = `source '${scripts.fish}'; complete -C '${words.join(' ')}'`;
    return lines(execFileSync('fish', ['-c', text], { cwd: folder, encoding: 'utf8' }))
      .map((line) => line.split('\t')[0] as string)
      .map((word) => word.replaceAll('\\ ', ' '));
  },
};

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

describe.each(['bash', 'fish'])('%s', (shell) => {
  const ask = (...words: string[]) => ASK[shell]?.(['npu-bench', ...words]) ?? [];

  it.skipIf(!has(shell))('offers commands, then what belongs to the command', () => {
    expect(ask('')).toEqual(expect.arrayContaining(['run', 'compare', 'history', 'completion']));
    expect(ask('his')).toEqual(['history']);
    expect(ask('history', '').sort()).toEqual(['add', 'baseline', 'list', 'show']);
    expect(ask('history', 'baseline', '')).toEqual(['set']);
    expect(ask('history', 'baseline', 'set', '--la')).toEqual(['--last']);
    expect(ask('completion', '').sort()).toEqual(['bash', 'fish', 'zsh']);
  });

  it.skipIf(!has(shell))('offers options of the command alone, without the hidden ones', () => {
    expect(ask('run', '--out').sort()).toEqual(['--output', '--output-length']);
    expect(ask('doctor', '--out')).toEqual([]);
    expect(ask('run', '--sysfs')).toEqual([]);
  });

  it.skipIf(!has(shell))('offers the values of an option', () => {
    expect(ask('run', '--device', '').sort()).toEqual(['cpu', 'gpu', 'npu']);
    expect(ask('run', '--json', '--cold-start', 'o').sort()).toEqual(['off', 'on']);
    expect(ask('export', '--format', 'h')).toEqual(['html']);
    expect(ask('run', '--iterations', '')).toEqual([]);
  });

  it.skipIf(!has(shell))('offers files where a file belongs', () => {
    expect(ask('export', 'a')).toEqual(['a result.json']);
    expect(ask('run', '--output', 'a')).toEqual(['a result.json']);
  });
});

describe('bash', () => {
  it.skipIf(!has('bash'))('takes --option=value apart, as bash hands it over', () => {
    expect(ASK.bash?.(['npu-bench', 'run', '--device', '=', 'c'])).toEqual(['cpu']);
    expect(ASK.bash?.(['npu-bench', 'run', '--device', '='])).toEqual(['npu', 'cpu', 'gpu']);
  });
});

describe('zsh', () => {
  it.skipIf(!has('zsh'))('is a script that zsh understands', () => {
    expect(execFileSync('zsh', ['-n', scripts.zsh as string], { encoding: 'utf8' })).toBe('');
  });

  // Without a terminal zsh completes nothing; _arguments shows what it would be asked.
  it.skipIf(!has('zsh'))('asks for the options of the command that is named', () => {
    const text = `compdef() { :; }; source '${scripts.zsh}'
      _arguments() { print -rl -- "$@"; }; _npu_bench_history_baseline_set`;
    const asked = lines(execFileSync('zsh', ['-f', '-c', text], { encoding: 'utf8' }));
    expect(asked).toContain('*--last[the newest n runs of the newest workload]:value: ');
    expect(asked.join('\n')).toMatch(/\*--store\[.*\]:value:_files -\//);
  });
});

describe('completion', () => {
  it('refuses an unknown shell', () => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'completion', 'csh'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/Allowed choices are bash, zsh, fish/);
  });
});
