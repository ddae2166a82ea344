// What is done with an installed package: the commands a user would type, and the examples of docs/library.md.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { root } from './targets.mjs';
import { ToolMissing } from './tools.mjs';

const PROMPT = 'The capital of France is';
const OUTPUT_TOKENS = 16;
const START_ROUNDS = 15;
/** Of a bare `node -e 0`; times of a machine whose processors are all busy prove nothing. */
const MAX_START_RATIO = 1.5;
const isBusy = () => loadavg()[0] > availableParallelism();

const sentence = (document) => document.generated_text ?? '';
const greedy = (document) => document.iterations[0].token_ids.flat();

function measure(installation, model, output, extra) {
  const { stderr } = installation.program([
    ...['run', '--model', model, '--prompt', PROMPT, '--output-length', String(OUTPUT_TOKENS)],
    ...['--iterations', '2', '--warmup', '0', '--cold-start', 'off', '--verbose'],
    ...['--output', output, ...extra],
  ]);
  const document = JSON.parse(readFileSync(join(installation.app, output), 'utf8'));
  if (document.status !== 'complete')
    throw new Error(`the document is ${document.status}: ${stderr}`);
  return document;
}

const rate = (document) =>
  `${document.results.throughput.tokens_per_second.mean.toFixed(1)} tokens/s`;

/** Best of several, taken in turns: a busy machine spoils some rounds of both. */
function startTimes(installation) {
  const best = { bare: Infinity, help: Infinity };
  for (let round = 0; round < START_ROUNDS; ++round) {
    for (const [name, args] of [
      ['bare', ['-e', '0']],
      ['help', [join(installation.package, 'dist/cli/main.js'), '--help']],
    ]) {
      const start = performance.now();
      installation.run(args);
      best[name] = Math.min(best[name], performance.now() - start);
    }
  }
  return best;
}

export function useProgram(model, tokens) {
  return [
    { name: 'doctor', action: (installation) => installation.doctor() },
    {
      name: 'start time',
      action: (installation) => {
        const { bare, help } = startTimes(installation);
        const text = `--help ${help.toFixed(0)} ms, node -e 0 ${bare.toFixed(0)} ms, ratio ${(help / bare).toFixed(2)}`;
        if (help <= MAX_START_RATIO * bare) return text;
        if (isBusy()) throw new ToolMissing(`${text}: this machine is too busy to tell`);
        throw new Error(`${text}, over ${MAX_START_RATIO}`);
      },
    },
    {
      name: 'run --device cpu',
      action: (installation) => {
        const document = measure(installation, model, 'cpu.json', ['--device', 'cpu']);
        if (!/\bParis\b/.test(sentence(document)))
          throw new Error(`the text is ${JSON.stringify(sentence(document))}`);
        return `${JSON.stringify(sentence(document).slice(0, 20))}, ${rate(document)}`;
      },
    },
    {
      name: 'run --precision f32',
      action: (installation) => {
        const extra = ['--device', 'cpu', '--precision', 'f32'];
        const document = measure(installation, model, 'exact.json', extra);
        tokens.set(`${installation.node.version} cpu`, greedy(document));
        return rate(document);
      },
    },
    {
      name: 'run --device gpu',
      action: (installation) => {
        const { stdout } = installation.program(['devices', '--json'], { codes: [0, 2] });
        const vulkan = JSON.parse(stdout).find(({ backend }) => backend === 'vulkan');
        if ((vulkan?.devices ?? []).length === 0)
          throw new ToolMissing(vulkan?.unavailable?.reason ?? 'this build has no Vulkan backend');
        const document = measure(installation, model, 'gpu.json', ['--device', 'gpu']);
        tokens.set(`${installation.node.version} gpu`, greedy(document));
        return `${vulkan.devices[0].name}, ${rate(document)}`;
      },
    },
    {
      name: 'compare',
      action: (installation) => {
        const { stdout } = installation.program(['compare', 'cpu.json', 'cpu.json']);
        const verdict = /^Verdict.*$/m.exec(stdout)?.[0];
        if (verdict === undefined) throw new Error(`no verdict in: ${stdout}`);
        return verdict;
      },
    },
    {
      name: 'export',
      action: (installation) => {
        const lengths = ['json', 'csv', 'markdown', 'html'].map((format) => {
          const to = `report.${format}`;
          installation.program(['export', 'cpu.json', '--format', format, '--output', to]);
          const text = readFileSync(join(installation.app, to), 'utf8');
          if (!text.includes('SmolLM2')) throw new Error(`the model's name is not in ${to}`);
          return `${format} ${text.length}`;
        });
        return `${lengths.join(', ')} characters`;
      },
    },
  ];
}

const LIBRARY = `
import { compare, exportReport, runBenchmark, schema } from 'npu-proxy-benchmark';
const { document, exitCode } = await runBenchmark({
  device: 'cpu', model: process.argv[2], iterations: 2, warmup: 0, 'cold-start': 'off',
  'input-length': 8, 'output-length': 4, json: true,
});
const side = [{ file: 'a.json', document: schema.ResultDocumentSchema.parse(document) }];
const { verdict } = compare(side, side, { threshold: 5 });
console.log(exitCode, verdict, exportReport(side, { format: 'csv' }).split('\\n').length);
`;

export function useLibrary(model) {
  return [
    {
      name: 'library',
      action: (installation) => {
        const program = join(installation.app, 'library.mjs');
        writeFileSync(program, LIBRARY);
        const { stdout } = installation.run([program, model]);
        if (!/^0 \S/.test(stdout)) throw new Error(`it printed ${stdout}`);
        return stdout.trim();
      },
    },
    {
      name: 'examples of docs/library.md',
      action: (installation) => {
        // TypeScript checks them against the installed types; then each is run.
        const done = spawnSync(
          process.execPath,
          [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/docs/library.test.ts'],
          {
            cwd: root,
            encoding: 'utf8',
            env: {
              ...process.env,
              NO_COLOR: '1',
              NPB_INSTALLED: installation.app,
              NPB_NODE: join(installation.node.folder, 'node'),
            },
          },
        );
        const count = /Tests\s.*?(\d+) passed/.exec(done.stdout)?.[1];
        if (done.status !== 0 || count === undefined)
          throw new Error(`${done.stdout}${done.stderr}`.slice(-2000));
        return `${count} passed`;
      },
    },
  ];
}
