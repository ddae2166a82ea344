/**
 * The one error type that reaches a user. `message` is one sentence that says what is wrong and what
 * to do next; `exitCode` is the process's exit code: 1 regression, 2 usage or unreadable input,
 * 3 not comparable, 4 inconclusive, 5 the measurement itself failed, 130 interrupted.
 */
export class NpuBenchError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly exitCode: number = 2,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'NpuBenchError';
  }
}
