/** How a process ended, in words: "was ended by SIGSEGV", "exited with code 3". */
export function describeEnd(exitCode: number | null, signal: string | null): string {
  if (signal !== null) return `was ended by ${signal}`;
  return `exited with code ${exitCode ?? 'unknown'}`;
}

/** Lines of a stack trace or a register dump say nothing to a user. */
const TRACE_LINE = /^\s*(\d+:|at |#\d|[-=*]{3,}|0x)/;

/** The last line that says something, for the end of a sentence; empty if there is none. */
export function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((text) => text.trim() !== '' && !TRACE_LINE.test(text));
  const line = lines.at(-1)?.trim().replace(/\.$/, '');
  return line === undefined ? '' : `; its last words: ${line.slice(0, 200)}`;
}

/** C++, V8 and drivers say so on standard error before they give up. */
export function ranOutOfMemory(stderr: string): boolean {
  return /heap out of memory|bad_alloc|out of memory|process OOM/i.test(stderr);
}

export const LESS_MEMORY =
  'use a smaller batch, shorter lengths, a smaller quantization, or a machine with more memory';
