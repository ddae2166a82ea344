/**
 * Puts governors back when the process that changed them has ended, in whatever way: then the
 * channel to it closes. Started before anything is changed.
 */
import fs = require('node:fs');

import type { Setting } from './governor.js' with { 'resolution-mode': 'import' };

let settings: readonly Setting[] = [];

process.once('message', (message: readonly Setting[]) => {
  settings = message;
  process.send?.('ready');
});
process.once('disconnect', () => {
  let failed = false;
  for (const { path, before } of settings) {
    try {
      fs.writeFileSync(path, before);
    } catch (error) {
      failed = true;
      fs.writeSync(2, `npu-bench: ${path} could not be set back to ${before}: ${error}\n`);
    }
  }
  process.exit(failed ? 1 : 0);
});
