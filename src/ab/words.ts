import { NpuBenchError } from '../errors.js';

/** Words of a command line: blanks separate, single and double quotes hold together. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const letter of text) {
    if (quote !== undefined) {
      if (letter === quote) quote = undefined;
      else word = (word ?? '') + letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== undefined) {
    throw new NpuBenchError('OPTION', `A quote is not closed in: ${text}`);
  }
  if (word !== undefined) words.push(word);
  return words;
}
