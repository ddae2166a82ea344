/**
 * Turns the first Ctrl-C (or SIGTERM) into an orderly end by an abort signal, and the second into an
 * immediate one.
 */
export function interruptible(): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === 'SIGTERM' ? 143 : 130);
    process.stderr.write(
      '\nnpu-bench: stopping; finished iterations are kept (again: stop at once)\n',
    );
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    done() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
