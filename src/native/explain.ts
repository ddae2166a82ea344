import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectBinary } from './inspect-binary.js';

/** What the ways out depend on; gathered by systemFacts(), made up by tests. */
export interface SystemFacts {
  platform: string;
  arch: string;
  node: string;
  /** "glibc 2.36", "musl"; empty where there is no such choice. */
  libc: string;
  /** ID and ID_LIKE of /etc/os-release, or "termux". */
  distributions: readonly string[];
  packageRoot: string;
  packageName: string;
  version: string;
  /** Files of prebuilds/, as "linux-x64/name.glibc.node". */
  prebuilds: readonly string[];
}

export interface LoadFailure {
  /** What went wrong, in one sentence, as far as it is known. */
  problem: string;
  /** What the system's loader said. */
  detail?: string;
  /** The file that was tried; undefined when none was found. */
  path?: string;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listPrebuilds(packageRoot: string): string[] {
  const folder = join(packageRoot, 'prebuilds');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .sort();
}

function libcHere(): string {
  if (process.platform !== 'linux') return '';
  const { header } = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

function distributionsHere(): string[] {
  if (process.platform === 'android') return ['termux'];
  const release = readText('/etc/os-release');
  return ['ID', 'ID_LIKE'].flatMap((key) => {
    const value = new RegExp(`^${key}=(.*)$`, 'm').exec(release)?.[1] ?? '';
    return value.replaceAll('"', '').split(' ').filter(Boolean);
  });
}

export function systemFacts(packageRoot: string): SystemFacts {
  const { name, version } = JSON.parse(readText(join(packageRoot, 'package.json')) || '{}') as {
    name: string;
    version: string;
  };
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.version,
    libc: libcHere(),
    distributions: distributionsHere(),
    packageRoot,
    packageName: name,
    version,
    prebuilds: listPrebuilds(packageRoot),
  };
}

/** How a system with packages gets the tools of a build; the first that fits. */
const BUILD_TOOLS: readonly [distribution: string, command: string][] = [
  ['termux', 'pkg install clang cmake ninja python'],
  [
    'debian',
    'sudo apt-get install g++ cmake ninja-build python3 libvulkan-dev libvulkan-volk-dev glslc opencl-c-headers',
  ],
  ['ubuntu', 'sudo apt-get install g++ cmake ninja-build python3'],
  ['alpine', 'apk add g++ cmake ninja python3 bash linux-headers'],
  ['fedora', 'sudo dnf install gcc-c++ cmake ninja-build python3'],
  ['rhel', 'sudo dnf install gcc-c++ cmake ninja-build python3'],
  ['arch', 'sudo pacman -S gcc cmake ninja python'],
  ['suse', 'sudo zypper install gcc-c++ cmake ninja python3'],
];

function buildTools(facts: SystemFacts): string {
  const known = BUILD_TOOLS.find(([name]) => facts.distributions.includes(name));
  if (known !== undefined) return known[1];
  if (facts.platform === 'win32')
    return 'install CMake, Ninja, Python and a C++20 compiler (Visual Studio, or LLVM-MinGW)';
  if (facts.platform === 'darwin') return 'brew install cmake ninja';
  return 'install CMake, Ninja, Python 3, bash and a C++20 compiler';
}

const FORMAT_OF: Record<string, string> = { win32: 'pe', darwin: 'mach-o' };
const FORMAT_WORDS = {
  elf: 'Linux or Android',
  pe: 'Windows',
  'mach-o': 'macOS',
  unknown: 'no system',
};

interface Cause {
  /** Put after the problem. */
  because: string;
  /** Tried before the ways that always lead out. */
  ways: string[];
}

/** The file itself is not for this process. */
function unfitFile(path: string, facts: SystemFacts): Cause | undefined {
  if (!path.endsWith('.node') || !existsSync(path)) return undefined;
  const { format, arch, bytes } = inspectBinary(path);
  const again = [`install the package again: npm install ${facts.packageName}@${facts.version}`];
  if (format === 'unknown') {
    const what = bytes === 0 ? 'is empty' : 'is damaged: it is no program library of any system';
    return { because: `the file ${what}`, ways: again };
  }
  if (format !== (FORMAT_OF[facts.platform] ?? 'elf'))
    return { because: `the file is for ${FORMAT_WORDS[format]}`, ways: again };
  if (arch !== undefined && arch !== facts.arch) {
    return {
      because: `the file is for ${arch} processors, and this Node is for ${facts.arch}`,
      ways: [`use a Node for this machine's own processor (node -p process.arch)`, ...again],
    };
  }
  return undefined;
}

/** What the system's loader means. */
function linkerCause(detail: string, facts: SystemFacts): Cause | undefined {
  const glibc = /GLIBC_([\d.]+)' not found|GLIBC_([\d.]+)/.exec(detail);
  if (glibc) {
    return {
      because: `the file needs glibc ${glibc[1] ?? glibc[2]}, and this system has ${facts.libc || 'another C library'}`,
      ways: ['use a newer system: Debian 10, Ubuntu 20.04, RHEL 8 or later'],
    };
  }
  if (/libc\.so\.6|ld-linux|libc\.musl/.test(detail) && facts.libc === 'musl') {
    return {
      because: 'the file is for glibc, and this system has musl',
      ways: ['use an image with glibc, such as node:22-slim in place of node:22-alpine'],
    };
  }
  const library = /^(?:.*: )?(lib[\w+.-]+\.so[\w.]*): cannot open shared object file/m.exec(detail);
  if (library) {
    return {
      because: `the system's library ${library[1]} is missing`,
      ways: [`install the package of this system that has ${library[1]}`],
    };
  }
  if (/failed to map segment|Operation not permitted|noexec/i.test(detail)) {
    return {
      because: 'the folder is mounted without permission to execute',
      ways: ['install into a folder on a file system without the option noexec'],
    };
  }
  if (/file too short|invalid ELF header|not a valid Win32|truncated/i.test(detail)) {
    return {
      because: 'the file is damaged',
      ways: [`install the package again: npm install ${facts.packageName}@${facts.version}`],
    };
  }
  return undefined;
}

/** Why nothing was found, where the files that are there show it. */
function absence(facts: SystemFacts): Cause {
  const tag = `${facts.platform}-${facts.arch}`;
  const platforms = [...new Set(facts.prebuilds.map((file) => file.split(/[\\/]/)[0]))];
  if (platforms.includes(tag) && facts.libc === 'musl') {
    return {
      because: 'the package has a file for glibc, and this system has musl',
      ways: ['use an image with glibc, such as node:22-slim in place of node:22-alpine'],
    };
  }
  const emulated = facts.platform === 'win32' || facts.platform === 'darwin';
  if (emulated && platforms.some((one) => one?.startsWith(facts.platform))) {
    return {
      because: `the package has ${platforms.filter((one) => one?.startsWith(facts.platform)).join(', ')} only`,
      ways: ["use a Node for this machine's own processor (node -p process.arch)"],
    };
  }
  return { because: `the package has no file for ${tag}`, ways: [] };
}

/** Sentence, facts and the ways out for exactly this system. */
export function explainFailure(failure: LoadFailure, facts: SystemFacts): string {
  const { path, detail, problem } = failure;
  const cause =
    path === undefined
      ? absence(facts)
      : (unfitFile(path, facts) ?? linkerCause(detail ?? '', facts));
  const build = join(facts.packageRoot, 'scripts', 'build-native.cjs');
  const ways = [
    ...(cause?.ways ?? []),
    `build it here: ${buildTools(facts)}; then node ${build}`,
    'measure on another machine: compare, export and history work here without the addon',
  ];
  const lookedFor = [
    join('build', 'Release', '*.node'),
    join('prebuilds', `${facts.platform}-${facts.arch}`, `${facts.packageName}*.node`),
  ];
  return [
    `The native addon cannot be loaded: ${problem}${cause === undefined ? '' : ` (${cause.because})`}.`,
    `  system     ${facts.platform}-${facts.arch}${facts.libc ? `, ${facts.libc}` : ''}, Node ${facts.node}`,
    ...(path === undefined
      ? [`  looked for ${lookedFor.join(', ')} in ${facts.packageRoot}`]
      : [`  file       ${path}`]),
    ...(detail === undefined ? [] : [`  system's words: ${detail}`]),
    `  in package ${facts.prebuilds.length > 0 ? facts.prebuilds.join(', ') : 'no prebuilt file'}`,
    'Ways out:',
    ...ways.map((way, i) => `  ${i + 1}. ${way}`),
  ].join('\n');
}
