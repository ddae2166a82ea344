import type { Command } from 'commander';

export interface CommandModule {
  register(program: Command): void;
}

export interface Entry {
  name: string;
  description: string;
  load(): Promise<CommandModule>;
}

/** Every command; a module is loaded only when its command is the one that runs. */
export const COMMANDS: readonly Entry[] = [
  {
    name: 'run',
    description: 'measure a model on a device and write a result document',
    load: () => import('./commands/run.js'),
  },
  {
    name: 'sweep',
    description: 'measure batch sizes, lengths, threads, devices or quantizations in one go',
    load: () => import('./commands/sweep.js'),
  },
  {
    name: 'ab',
    description: 'compare two configurations under the same heat and noise, A B B A',
    load: () => import('./commands/ab.js'),
  },
  {
    name: 'compare',
    description: 'judge one result document against another',
    load: () => import('./commands/compare.js'),
  },
  {
    name: 'export',
    description: 'turn result documents into JSON, CSV, Markdown or HTML',
    load: () => import('./commands/export.js'),
  },
  {
    name: 'import',
    description: "translate another tool's results into a result document",
    load: () => import('./commands/import.js'),
  },
  {
    name: 'devices',
    description: 'list what can be measured here, and why other devices cannot',
    load: () => import('./commands/devices.js'),
  },
  {
    name: 'doctor',
    description: 'check drivers, libraries, permissions and the machine, with remedies',
    load: () => import('./commands/doctor.js'),
  },
  {
    name: 'models',
    description: 'list named models and found files; inspect one',
    load: () => import('./commands/models.js'),
  },
  {
    name: 'prepare',
    description: 'Compile a model ahead of time for a Snapdragon chip.',
    load: () => import('./commands/prepare.js'),
  },
  {
    name: 'runtime',
    description: "install, list and remove versions of Qualcomm's QNN runtime",
    load: () => import('./commands/runtime.js'),
  },
  {
    name: 'verify',
    description: 'compare the results of a device with the exact reference',
    load: () => import('./commands/verify.js'),
  },
  {
    name: 'bench-self',
    description: "measure this machine's limits and what measuring costs",
    load: () => import('./commands/bench-self.js'),
  },
  {
    name: 'history',
    description: 'keep result documents and look at them over time',
    load: () => import('./commands/history.js'),
  },
  {
    name: 'completion',
    description: 'print a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.js'),
  },
];
