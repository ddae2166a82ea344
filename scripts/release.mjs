#!/usr/bin/env node
// Makes a release, up to the one command that publishes it: npm run release -- X.Y.Z [--dry-run]
//   1. checks: a clean tree, a version that is newer (or the one in package.json, never tagged), its section in CHANGELOG.md
//   2. sets the version in package.json and package-lock.json, the only places that hold it
//   3. builds the binaries that are missing or were made from other sources, and checks all of them
//   4. packs, and tests the tarball on every version of Node, client and processor
//   5. prints what is left: commit, tag, publish
// --dry-run changes and builds nothing: it does the checks, and says what would be done. Exit code 1 when a check fails.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isNewer } from './package/elf.mjs';
import {
  packageJson,
  packageName,
  recordOf,
  root,
  sourceDigest,
  TARGETS,
} from './package/targets.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false } },
});
const dry = options['dry-run'];
const say = (text) => console.log(`release: ${text}`);
function fail(sentence) {
  console.error(`release: ${sentence}`);
  process.exit(1);
}

const version = positionals[0] ?? '';
if (positionals.length !== 1 || !/^\d+\.\d+\.\d+$/.test(version))
  fail('give one version, such as npm run release -- 1.2.3.');

function git(...args) {
  const done = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (done.status !== 0) fail(`git ${args.join(' ')} failed: ${done.stderr.trim()}`);
  return done.stdout.trim();
}

/** The lines of one version's section. */
function changelog() {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const section = text.split(/^## /m).find((part) => part.split(/\s/, 1)[0] === version);
  return section?.split('\n').filter((line) => line.startsWith('- ')) ?? [];
}

/** Other places that name a version go stale: there may be none. */
function strayVersions() {
  const { version: current } = packageJson();
  const found = spawnSync(
    'git',
    ['grep', '-nF', `${packageName}-${current}`, '--', '*.md', 'src', 'scripts'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  return found.stdout.split('\n').filter(Boolean);
}

const current = packageJson().version;
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const problems = [
  git('status', '--porcelain') === '' || 'the tree is not clean: commit or stash first',
  !git('tag', '--list', `v${version}`) || `v${version} is tagged already`,
  !isNewer(current, version) || `${version} is older than ${current} in package.json`,
  (lock.version === current && lock.packages[''].version === current) ||
    'package.json and package-lock.json hold different versions: run npm install',
  changelog().length > 0 || `CHANGELOG.md has no section "## ${version}" with entries`,
  ...strayVersions().map((line) => `a version is written at ${line}`),
].filter((problem) => problem !== true);
for (const problem of problems) console.error(`release: ${problem}.`);
if (problems.length === 0) say(`checks passed; ${changelog().length} entries in CHANGELOG.md`);
else if (!dry) process.exit(1);

/** Targets of a release whose binary is missing, of another version, or made from other sources. */
function outdated() {
  const digest = sourceDigest();
  return TARGETS.filter(({ release }) => release)
    .filter(({ file }) => {
      const record = recordOf(join(root, 'prebuilds', file));
      if (!existsSync(record)) return true;
      const made = JSON.parse(readFileSync(record, 'utf8'));
      return made.version !== version || made.sources !== digest;
    })
    .map(({ name }) => name);
}

function step(command, args, env = {}) {
  const line = [command, ...args].join(' ');
  if (dry) return say(`would run ${line}`);
  say(line);
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (done.status !== 0)
    fail(
      `${line} failed; the lines above say why. Nothing was published; git checkout package.json package-lock.json undoes the version.`,
    );
}

if (version !== current)
  step('npm', [
    'version',
    version,
    '--no-git-tag-version',
    '--ignore-scripts',
    '--allow-same-version',
  ]);
const stale = outdated();
if (stale.length > 0) step('node', ['scripts/prebuild.mjs', ...stale]);
const tarball = `${packageName}-${version}.tgz`;
step('npm', ['pack'], { NPB_RELEASE: '1' });
step('node', ['scripts/test-package.mjs', tarball]);
step('node', ['scripts/test-package.mjs', tarball, '--arch', 'arm64']);

console.log(`
${dry ? 'Left after that' : `${tarball} is ready. What is left`}:
  git commit -am "Release ${version}" && git tag v${version} && git push --follow-tags
  npm publish ./${tarball}
npm publish signs where it was built, which works from a CI job with trusted publishing; elsewhere add --provenance=false.`);
process.exitCode = problems.length === 0 ? 0 : 1;
