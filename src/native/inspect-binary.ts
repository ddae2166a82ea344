import { closeSync, openSync, readSync } from 'node:fs';

/** What a file's own header says that it is for; undefined in a field that its format doesn't tell. */
export interface BinaryKind {
  format: 'elf' | 'pe' | 'mach-o' | 'unknown';
  /** Node's name of the processor ("x64", "arm64"), or what the header holds. */
  arch?: string;
  bytes: number;
}

/** e_machine of ELF; Machine of PE. */
const ELF_MACHINES = new Map([
  [3, 'ia32'],
  [40, 'arm'],
  [62, 'x64'],
  [183, 'arm64'],
  [243, 'riscv64'],
]);
const PE_MACHINES = new Map([
  [0x14c, 'ia32'],
  [0x8664, 'x64'],
  [0xaa64, 'arm64'],
]);
const MACH_O_MAGICS = new Set([0xfeedfacf, 0xcafebabe, 0xbebafeca]);
const HEAD_BYTES = 4096;

function readHead(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

/** Reads the first bytes of a native library. Throws where the file cannot be read. */
export function inspectBinary(path: string): BinaryKind {
  const head = readHead(path);
  const bytes = head.length;
  if (bytes < 64) return { format: 'unknown', bytes };
  if (head.readUInt32BE(0) === 0x7f454c46) {
    const machine = head.readUInt16LE(18);
    return { format: 'elf', arch: ELF_MACHINES.get(machine) ?? `machine ${machine}`, bytes };
  }
  if (head.toString('latin1', 0, 2) === 'MZ') {
    const at = head.readUInt32LE(0x3c);
    if (at + 6 > bytes) return { format: 'unknown', bytes };
    const machine = head.readUInt16LE(at + 4);
    return { format: 'pe', arch: PE_MACHINES.get(machine) ?? `machine ${machine}`, bytes };
  }
  if (MACH_O_MAGICS.has(head.readUInt32LE(0))) return { format: 'mach-o', bytes };
  return { format: 'unknown', bytes };
}
