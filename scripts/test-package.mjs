#!/usr/bin/env node
// Installs the packed package as a user does, and uses it: in empty folders, without compiler, without network, without
// install scripts, on several versions of Node and of the package clients.
//   node scripts/test-package.mjs [TARBALL] [--arch x64|arm64] [--node 20,22,24] [--clients npm@10,…] [--quick]
//   --host-build   packs this checkout with the addon of build/Release as its only binary (a machine without zig)
//   --model FILE   the GGUF that is measured (default: SmolLM2, which scripts/fetch-model.mjs fetches)
//   --quick        the Node that runs this and its own npm only
//   --rebuild      also builds the addon in the installed package, by its own script and through node-gyp (minutes)
// TARBALL defaults to the one in this folder that `npm pack` made. arm64 runs under qemu-user. Every check prints a line;
// exit code 1 when one failed.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkContents, checkTypes } from './package/contents.mjs';
import { Installation } from './package/installation.mjs';
import { packageJson, packageName, root, TARGETS } from './package/targets.mjs';
import { cacheFolder, client, nodeFolder, ToolMissing } from './package/tools.mjs';
import { useLibrary, useProgram } from './package/use.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: process.arch },
    node: { type: 'string', default: '20,22,24' },
    clients: { type: 'string', default: 'npm@10,npm@11,npm@12,pnpm@10,pnpm@12' },
    model: { type: 'string' },
    'host-build': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rebuild: { type: 'boolean', default: false },
  },
});

function fail(sentence) {
  console.error(`test-package: ${sentence}`);
  process.exit(2);
}

if (!['x64', 'arm64'].includes(options.arch))
  fail(`there is no Node for ${options.arch} here; --arch is x64 or arm64.`);

const scratch = mkdtempSync(join(tmpdir(), 'npu-bench-package-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function run(command, args, cwd = root) {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.status !== 0)
    fail(
      `${command} ${args.join(' ')} failed: ${(done.stderr || done.stdout || String(done.error)).trim()}`,
    );
  return done.stdout.trim();
}

/** The checkout as a package whose one binary is the addon that was built for this machine. */
function packHostBuild() {
  const built = join(root, 'build/Release/npu_bench.node');
  if (!existsSync(built))
    fail('there is no build/Release/npu_bench.node; run npm run build:native.');
  run(process.execPath, ['scripts/prepack.mjs', '--no-binaries']);
  const file = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch]);
  run('tar', ['xzf', join(scratch, file)], scratch);
  const prebuilds = join(scratch, 'package/prebuilds');
  rmSync(prebuilds, { recursive: true, force: true });
  const target = TARGETS.find(
    (one) => one.platform === process.platform && one.arch === process.arch,
  );
  mkdirSync(join(prebuilds, target.file, '..'), { recursive: true });
  cpSync(built, join(prebuilds, target.file));
  run('tar', ['czf', 'host.tgz', 'package'], scratch);
  rmSync(join(scratch, 'package'), { recursive: true });
  return join(scratch, 'host.tgz');
}

function defaultTarball() {
  const name = `${packageName}-${packageJson().version}.tgz`;
  if (!existsSync(join(root, name)))
    fail(`there is no ${name}; run npm pack first, or give a tarball, or --host-build.`);
  return join(root, name);
}

const tarball = options['host-build']
  ? packHostBuild()
  : resolve(positionals[0] ?? defaultTarball());
const model = resolve(
  options.model ?? run('node', ['scripts/fetch-model.mjs', 'smollm2']).split('\n').at(-1),
);

const rows = [];
/** Runs one check; what it throws is its failure. A skip has its reason. */
async function check(name, action) {
  const start = performance.now();
  let row;
  try {
    row = { state: 'ok', text: (await action()) ?? '' };
  } catch (error) {
    row =
      error instanceof ToolMissing
        ? { state: 'skip', text: error.message }
        : { state: 'FAIL', text: error.message };
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  rows.push({ name, ...row });
  console.log(`${row.state.padEnd(4)}  ${name} (${seconds} s)${row.text ? `: ${row.text}` : ''}`);
  return row.state === 'ok';
}

console.log(`Package ${basename(tarball)}, model ${basename(model)}, ${options.arch}`);
await check('contents', () => checkContents(tarball));
await check('publint and attw', () => checkTypes(tarball));

const majors = options.quick ? ['here'] : options.node.split(',');
/** Greedy tokens in f32, by what computed them: all must be equal. */
const tokens = new Map();
let serial = 0;
function place() {
  serial += 1;
  return join(scratch, `${serial}`);
}

function ownNpm() {
  const script = resolve(process.execPath, '../../lib/node_modules/npm/bin/npm-cli.js');
  return {
    name: 'npm',
    version: 'of this Node',
    script: existsSync(script) ? script : run('sh', ['-c', 'readlink -f "$(command -v npm)"']),
  };
}

for (const major of majors) {
  const folder = place();
  let installation;
  const label = `node ${major} ${options.arch}`;
  const installed = await check(`${label}: install`, () => {
    const node = nodeFolder(major, options.arch, join(folder, 'bin'));
    const npm = options.quick ? ownNpm() : client('npm', 11);
    installation = new Installation(folder, node, npm, tarball);
    return installation.install(['--ignore-scripts']);
  });
  if (!installed) continue;
  for (const { name, action } of [...useProgram(model, tokens), ...useLibrary(model)]) {
    await check(`${label}: ${name}`, () => action(installation));
  }
  rmSync(folder, { recursive: true, force: true });
}

await check('equal tokens', () => {
  const distinct = new Set([...tokens.values()].map((list) => list.join(' ')));
  if (distinct.size === 0) throw new Error('nothing was measured');
  if (distinct.size !== 1)
    throw new Error([...tokens].map(([who, list]) => `${who}: ${list.join(' ')}`).join('\n'));
  return `${[...tokens.keys()].join(', ')}: ${[...distinct][0]}`;
});

if (!options.quick && options.arch === process.arch) {
  for (const entry of options.clients.split(',')) {
    const [name, major] = entry.split('@');
    for (const flags of [['--ignore-scripts'], []]) {
      const folder = place();
      await check(`${entry} ${flags.join(' ') || 'with scripts'}`, async () => {
        const node = nodeFolder('22', options.arch, join(folder, 'bin'));
        const installation = new Installation(folder, node, client(name, major), tarball);
        const said = installation.install(flags);
        installation.doctor();
        return said;
      });
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

if (options.rebuild) {
  const npm = client('npm', 11);
  const gyp = join(npm.script, '../../node_modules/node-gyp/bin/node-gyp.js');
  // node-gyp wants a Node installation with headers before it starts; nothing of them is used.
  const nodedir = resolve(process.execPath, '../..');
  // Compilers keep what they made for the next time, where ccache is set up.
  const ccache = Object.entries(process.env).filter(([name]) => /^(CCACHE_|CMAKE_)/.test(name));
  const environment = {
    CCACHE_DIR: join(homedir(), '.cache/ccache'),
    ...Object.fromEntries(ccache),
    NPU_BENCH_CACHE: cacheFolder,
  };
  for (const [name, args] of [
    ['scripts/build-native.cjs', ['scripts/build-native.cjs']],
    ['node-gyp rebuild', [gyp, 'rebuild', `--nodedir=${nodedir}`]],
  ]) {
    const folder = place();
    await check(`build from the package: ${name}`, () => {
      const node = nodeFolder('here', process.arch, join(folder, 'bin'));
      const installation = new Installation(folder, node, npm, tarball);
      installation.install(['--ignore-scripts']);
      return installation.build(args, environment);
    });
    rmSync(folder, { recursive: true, force: true });
  }
}

const failed = rows.filter(({ state }) => state === 'FAIL').length;
const skipped = rows.filter(({ state }) => state === 'skip').length;
console.log(`${rows.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
