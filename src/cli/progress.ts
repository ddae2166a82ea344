import type { RunEvent, RunPlan } from '../run/index.js';
import { durationText, figure } from './format.js';

/**
 * One line on a terminal's standard error, redrawn only when the measured process has reported
 * something: no timer runs beside a measurement. Silent when standard error is no terminal.
 */
export class Progress {
  readonly #shown: boolean;
  #drawn = false;
  #total = 0;
  #done = 0;
  #began = Date.now();
  #rate = '';

  constructor(
    readonly stream: NodeJS.WriteStream = process.stderr,
    readonly verbose = false,
  ) {
    this.#shown = stream.isTTY === true && !verbose;
  }

  plan(plan: RunPlan): void {
    const device = plan.choice.device;
    const { iterations } = plan.options;
    this.begin(
      iterations,
      `${plan.name} on ${device.name} (${plan.choice.backend}): ${iterations} iterations`,
    );
  }

  /** Starts the count: `total` iterations will be reported. */
  begin(total: number, title: string): void {
    this.#total = total;
    this.#began = Date.now();
    this.#note(title);
    this.#draw('starting');
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case 'process':
        this.#note(`new process for iteration ${event.iterations.join(', ')}`);
        this.#draw(`iteration ${event.iterations[0]}: cold start`);
        break;
      case 'phase':
        this.#note(
          `iteration ${event.iteration}: ${event.phase}${event.step > 0 ? ` ${event.step}` : ''}`,
        );
        this.#draw(`iteration ${event.iteration}: ${event.phase}`);
        break;
      case 'iteration': {
        this.#done += 1;
        const {
          first_token_ms: first,
          tokens_per_second: rate,
          queries_per_second: queries,
          executions_per_second: executions,
        } = event.iteration;
        if (rate != null) this.#rate = `${figure(rate)} tokens/s`;
        else if (executions != null) this.#rate = `${figure(executions)} executions/s`;
        else this.#rate = `${figure(queries ?? 0)} queries/s`;
        const firstText = first == null ? '' : ` first token ${figure(first)} ms,`;
        this.#note(
          `iteration ${event.iteration.iteration} done: cold start ${figure(event.iteration.cold_start_ms ?? 0)} ms,${firstText} ${this.#rate}`,
        );
        this.#draw('saved');
        break;
      }
      case 'wait':
        this.#note(event.reason);
        this.#draw(event.reason);
        break;
      case 'fault':
        this.#note(`fault: ${event.fault.message}`);
        break;
      case 'text':
        if (this.verbose) this.stream.write(event.text);
        break;
    }
  }

  /** Leaves an empty line where the progress was. */
  end(): void {
    if (this.#drawn) this.stream.write('\r\x1b[2K');
    this.#drawn = false;
  }

  #note(text: string): void {
    if (this.verbose) this.stream.write(`npu-bench: ${text}\n`);
  }

  #remaining(): string {
    if (this.#done === 0) return '';
    const each = (Date.now() - this.#began) / this.#done;
    const seconds = (each * (this.#total - this.#done)) / 1000;
    return seconds < 1 ? '' : `, about ${durationText(seconds)} left`;
  }

  #draw(what: string): void {
    if (!this.#shown) return;
    const rate = this.#rate === '' ? '' : ` · ${this.#rate}`;
    const text = `[${this.#done}/${this.#total}] ${what}${rate}${this.#remaining()}`;
    this.stream.write(`\r\x1b[2K${text.slice(0, Math.max(20, (this.stream.columns ?? 80) - 1))}`);
    this.#drawn = true;
  }
}
