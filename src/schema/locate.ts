/** Where a text stops being JSON: JSON path of the value being read, and line and column from 1. */
export interface SyntaxFault {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly found: string;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Deeper than any document; a file of brackets is not followed further. */
export const MAX_DEPTH = 200;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\r\n]*/y;

export function formatPath(keys: readonly PropertyKey[]): string {
  let path = '$';
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else if (IDENTIFIER.test(String(key))) path += `.${String(key)}`;
    else path += `[${JSON.stringify(String(key).slice(0, 60))}]`;
  }
  return path;
}

/** An upper bound of the nesting of `text`, found without parsing it: brackets in strings count. */
export function nestingBound(text: string): number {
  let depth = 0;
  let bound = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x7b || code === 0x5b) bound = Math.max(bound, ++depth);
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return bound;
}

/**
 * Finds the first place where `text` breaks the JSON grammar or is nested too deeply; undefined if
 * there is none. Not for every file: it is asked after JSON.parse has refused one, because the
 * engine's own message has no path and, for some faults, no position. Iterative, so that a file of
 * brackets cannot overflow the stack.
 */
export function locateSyntaxFault(text: string): SyntaxFault | undefined {
  const keys: (string | number)[] = [];
  const closers: string[] = [];
  let position = 0;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  };
  /** A whole string literal, by hand: a pattern would keep a state per character of a long one. */
  const string = (): string | undefined => {
    if (text[position] !== '"') return undefined;
    const start = position;
    let end = position + 1;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code === 0x22) break;
      if (code === 0x5c) {
        ESCAPE.lastIndex = end;
        const sequence = ESCAPE.exec(text);
        if (sequence === null) break;
        end += sequence[0].length;
      } else if (code >= 0x20) {
        end += 1;
      } else {
        break;
      }
    }
    position = end;
    if (text[end] !== '"') return undefined;
    position += 1;
    return text.slice(start, position);
  };
  const take = (character: string): boolean => {
    match(BLANK);
    if (text[position] !== character) return false;
    position += 1;
    return true;
  };
  const fault = (): SyntaxFault => {
    const before = text.slice(0, position);
    const line = before.split('\n').length;
    const rest = text.slice(position, position + 12).split(/[\s,}\]]/u)[0];
    return {
      path: formatPath(keys),
      line,
      column: position - before.lastIndexOf('\n'),
      found:
        position >= text.length ? 'the end of the file' : JSON.stringify(rest || text[position]),
    };
  };
  const key = (): boolean => {
    match(BLANK);
    const name = string();
    if (name === undefined) return false;
    keys[keys.length - 1] = JSON.parse(name) as string;
    return take(':');
  };

  for (;;) {
    match(BLANK);
    if (closers.length > MAX_DEPTH) {
      return { ...fault(), path: '$', found: `more than ${MAX_DEPTH} levels of nesting` };
    }
    if (take('{')) {
      closers.push('}');
      keys.push('');
      if (!take('}')) {
        if (!key()) return fault();
        continue;
      }
      closers.pop();
      keys.pop();
    } else if (take('[')) {
      closers.push(']');
      keys.push(0);
      if (!take(']')) continue;
      closers.pop();
      keys.pop();
    } else if (string() === undefined && match(SCALAR) === undefined) {
      return fault();
    }
    // A value is complete: go to the next one, closing what ends here.
    for (;;) {
      const closer = closers.at(-1);
      if (closer === undefined) {
        match(BLANK);
        return position === text.length ? undefined : fault();
      }
      if (take(',')) {
        if (closer === '}') {
          if (!key()) return fault();
        } else {
          keys[keys.length - 1] = (keys.at(-1) as number) + 1;
        }
        break;
      }
      if (!take(closer)) return fault();
      closers.pop();
      keys.pop();
    }
  }
}
