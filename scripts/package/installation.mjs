// The package in an empty folder, as one user has it: nothing on PATH but node and sh, no network, a home of its own.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageName } from './targets.mjs';
import { builderPath } from './tools.mjs';

/** Cuts the network off for good where the system lets us; elsewhere the clients' own switch has to do. */
const CUT_OFF = [
  ['/usr/bin/unshare', '-n'],
  ['/usr/bin/unshare', '-rn'],
].find(([program, flag]) => spawnSync(program, [flag, '/bin/true']).status === 0);
export const isolation = CUT_OFF === undefined ? "the client's --offline" : 'no network (unshare)';

const CLOSED_PORT = 'http://127.0.0.1:9/';

function sizeOf(folder) {
  const seen = new Set();
  let bytes = 0;
  let files = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = statSync(join(entry.parentPath, entry.name));
    if (seen.has(ino)) continue;
    seen.add(ino);
    bytes += size;
    files += 1;
  }
  return { bytes, files };
}

export class Installation {
  constructor(folder, node, client, tarball) {
    Object.assign(this, { folder, node, client, tarball });
    this.app = join(folder, 'app');
    mkdirSync(this.app, { recursive: true });
    writeFileSync(join(this.app, 'package.json'), '{ "private": true }\n');
    this.env = {
      PATH: node.folder,
      HOME: join(folder, 'home'),
      TMPDIR: join(folder, 'tmp'),
      NO_COLOR: '1',
      NPU_BENCH_CACHE: join(folder, 'cache'),
      npm_config_cache: join(folder, 'npm-cache'),
      npm_config_registry: CLOSED_PORT,
    };
    mkdirSync(this.env.TMPDIR, { recursive: true });
  }

  get package() {
    return realpathSync(join(this.app, 'node_modules', packageName));
  }

  /** Runs Node in the folder. Throws with what was said when it doesn't end with one of `codes`. */
  run(args, { codes = [0], env = {}, cwd = this.app } = {}) {
    const [command, ...words] = [...(CUT_OFF ?? []), join(this.node.folder, 'node'), ...args];
    const done = spawnSync(command, words, {
      cwd,
      env: { ...this.env, ...env },
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      timeout: 1_200_000,
    });
    if (!codes.includes(done.status)) {
      const said = `${done.stdout ?? ''}${done.stderr ?? ''}`
        .trim()
        .split('\n')
        .slice(-12)
        .join('\n');
      throw new Error(
        `node ${args.join(' ')} ended with ${done.signal ?? done.status ?? done.error?.message}: ${said}`,
      );
    }
    return done;
  }

  program(args, how) {
    return this.run([join(this.package, 'dist/cli/main.js'), ...args], how);
  }

  install(flags) {
    const { name, version, script } = this.client;
    const words =
      name === 'pnpm'
        ? ['add', '--offline', `--store-dir=${join(this.folder, 'store')}`]
        : ['install', '--offline', '--no-audit', '--no-fund'];
    const start = performance.now();
    const done = this.run([script, ...words, ...flags, this.tarball]);
    const seconds = (performance.now() - start) / 1000;
    const { bytes, files } = sizeOf(this.package);
    const notice = /approve|ignored build|blocked/i.exec(done.stdout + done.stderr);
    return `Node ${this.node.version}, ${name} ${version}, ${isolation}: ${seconds.toFixed(1)} s, ${(bytes / 1e6).toFixed(1)} MB in ${files} files${notice === null ? '' : ', with a notice about scripts'}`;
  }

  /** Builds the addon in the installed package, without network and without a shader compiler. */
  build(args, environment) {
    const start = performance.now();
    rmSync(join(this.package, 'prebuilds'), { recursive: true, force: true });
    this.run(args, {
      cwd: this.package,
      env: {
        PATH: builderPath(this.node.folder),
        NPB_CMAKE_OPTIONS: 'NPB_GLSLC:FILEPATH=',
        ...environment,
        CCACHE_BASEDIR: this.package,
      },
    });
    const detail = this.doctor();
    if (!detail.includes('build/Release') || !/vulkan/.test(detail))
      throw new Error(`doctor says: ${detail}`);
    return `${((performance.now() - start) / 1000).toFixed(0)} s, ${detail}`;
  }

  /** Throws unless the installed addon loads. */
  doctor() {
    const { stdout } = this.program(['doctor', '--json'], { codes: [0, 2] });
    const addon = JSON.parse(stdout).find(({ name }) => name === 'native addon');
    if (addon?.status !== 'ok') throw new Error(`doctor says: ${addon?.detail ?? stdout}`);
    return addon.detail;
  }
}
