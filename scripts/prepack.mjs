#!/usr/bin/env node
// What `npm pack` and `npm publish` run first: fresh JavaScript, the compiled shaders, the sources of what is linked, the
// SBOM, and the check of the binaries. `npm pack` packs the platforms that are built, and says which aren't;
// with NPB_RELEASE=1 it refuses unless all are there. --no-binaries leaves their check out.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './package/targets.mjs';

function step(command, ...args) {
  // npm's own output may be read by a program (npm pack --json): ours goes to standard error.
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) {
    console.error(`prepack: ${command} ${args.join(' ')} failed; the lines above say why.`);
    process.exit(1);
  }
}
const script = (name, ...args) => step(process.execPath, join('scripts', name), ...args);

rmSync(join(root, 'dist'), { recursive: true, force: true });
step(process.execPath, join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json');
// The shaders of this machine's own build, where there is one.
const host = join('build', 'cmake', `${process.platform}-${process.arch}-release`);
script('ship-spirv.mjs', ...(existsSync(join(root, host, 'CMakeCache.txt')) ? [host] : []));
script('make-notice.mjs', '--check');
script('make-sbom.mjs');
step('bash', join('scripts', 'deps', 'xnnpack.sh'), '--ship-sources');
if (!process.argv.includes('--no-binaries'))
  script('check-prebuilds.mjs', ...(process.env.NPB_RELEASE === '1' ? ['--all'] : []));
