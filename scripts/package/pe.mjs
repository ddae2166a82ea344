// Reads from a Windows library what check-prebuilds wants to know: machine, imported libraries, exported functions.
// The format is Microsoft's "PE Format": PE32+ only, as every 64-bit file is.
import { readFileSync } from 'node:fs';

const MACHINES = new Map([
  [0x8664, 'x64'],
  [0xaa64, 'arm64'],
]);

/** Throws where the file is not a PE32+ image. */
export function readPe(path) {
  const file = readFileSync(path);
  const header = file.readUInt32LE(0x3c);
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error('is not a PE file');
  const machine = file.readUInt16LE(header + 4);
  const sectionCount = file.readUInt16LE(header + 6);
  const optional = header + 24;
  if (file.readUInt16LE(optional) !== 0x20b) throw new Error('is not a PE32+ file');
  const directory = (index) => file.readUInt32LE(optional + 112 + 8 * index);
  const sections = optional + file.readUInt16LE(header + 20);

  /** Place in the file of an address in memory. */
  const place = (address) => {
    for (let i = 0; i < sectionCount; ++i) {
      const at = sections + 40 * i;
      const begin = file.readUInt32LE(at + 12);
      const size = Math.max(file.readUInt32LE(at + 8), file.readUInt32LE(at + 16));
      if (address >= begin && address < begin + size)
        return address - begin + file.readUInt32LE(at + 20);
    }
    throw new Error(`has the address ${address} outside its sections`);
  };
  const text = (address) => {
    const at = place(address);
    return file.toString('latin1', at, file.indexOf(0, at));
  };

  const libraries = [];
  const table = (index, entrySize, nameOffset) => {
    if (directory(index) === 0) return;
    for (
      let at = place(directory(index));
      file.readUInt32LE(at + nameOffset) !== 0;
      at += entrySize
    )
      libraries.push(text(file.readUInt32LE(at + nameOffset)));
  };
  table(1, 20, 12); // imports
  table(13, 32, 4); // imports on first use

  const symbols = [];
  if (directory(0) !== 0) {
    const exported = place(directory(0));
    const names = file.readUInt32LE(exported + 24);
    const addresses = names > 0 ? place(file.readUInt32LE(exported + 32)) : 0;
    for (let i = 0; i < names; ++i) symbols.push(text(file.readUInt32LE(addresses + 4 * i)));
  }
  return { arch: MACHINES.get(machine) ?? `machine ${machine}`, libraries, symbols };
}
