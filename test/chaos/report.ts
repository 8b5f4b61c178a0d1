/** What is told while experiments run: progress on a terminal, plain lines elsewhere, JSON where it is asked for. */
import Table from 'cli-table3';
import type { Experiment, Outcome } from './trial.ts';

export class Report {
  readonly #json: boolean;
  readonly #outcomes: Outcome[] = [];
  readonly #isTerminal = process.stdout.isTTY === true;
  #progress: NodeJS.Timeout | undefined;

  constructor(json: boolean) {
    this.#json = json;
  }

  /** @returns takes one line about the experiment */
  begin({ name, does }: Experiment): (words: string) => void {
    const beganMs = performance.now();
    const at = () => `${((performance.now() - beganMs) / 1_000).toFixed(0).padStart(4)} s`;
    let last = does;
    if (this.#json) return (words) => this.#line({ event: 'step', name, words });
    process.stdout.write(`\n${name}: ${does}\n`);
    if (this.#isTerminal)
      this.#progress = setInterval(() => {
        process.stdout.write(`\r\x1b[K${at()}  ${last.slice(0, (process.stdout.columns ?? 80) - 10)}`);
      }, 500);
    return (words) => {
      last = words;
      process.stdout.write(`${this.#isTerminal ? '\r\x1b[K' : ''}${at()}  ${words}\n`);
    };
  }

  end(outcome: Outcome): void {
    clearInterval(this.#progress);
    this.#outcomes.push(outcome);
    if (this.#json) {
      this.#line({ event: 'outcome', ...outcome });
      return;
    }
    const { name, alerts, figures, seconds } = outcome;
    const own = Object.entries(figures?.own ?? {}).map(([state, count]) => `${count} ${state}`);
    if (figures)
      process.stdout.write(
        `        ${figures.orders} orders at the broker, own commands: ${own.join(', ')}; ${figures.auditRows} rows of the trail, ${figures.bars} bars (${figures.backfilled} backfilled), ${figures.deadLettered} dead letters\n`,
      );
    process.stdout.write(`        alerts: ${alerts.join(', ') || 'none'}\n`);
    process.stdout.write(`${isMet(outcome) ? 'ok' : 'BROKEN'}  ${name}  ${seconds.toFixed(0)} s\n`);
  }

  /** @returns the exit code */
  close(): number {
    clearInterval(this.#progress);
    const broken = this.#outcomes.filter((outcome) => !isMet(outcome));
    if (this.#json) this.#line({ event: 'end', experiments: this.#outcomes.length, broken: broken.length });
    else {
      const table = new Table({
        head: ['experiment', '', 's', 'seen'],
        style: { head: [], border: [] },
        wordWrap: true,
        colWidths: [27, 8, 6, 80],
      });
      for (const outcome of this.#outcomes)
        table.push([
          outcome.name,
          isMet(outcome) ? 'ok' : 'BROKEN',
          outcome.seconds.toFixed(0),
          seenOf(outcome),
        ]);
      process.stdout.write(`\n${table.toString()}\n`);
      process.stdout.write(
        `${this.#outcomes.length} experiments, ${broken.length} with a broken expectation\n`,
      );
    }
    return broken.length === 0 ? 0 : 1;
  }

  #line(value: object): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

function isMet({ checks }: Outcome): boolean {
  return checks.every((check) => check.isMet);
}

function seenOf({ seen, checks }: Outcome): string {
  const broken = checks
    .filter((check) => !check.isMet)
    .map(({ what, seen: words }) => `BROKEN ${what}: ${words}`);
  const figures = Object.entries(seen).map(([what, words]) => `${what}: ${words}`);
  return [...broken, ...figures].join('; ');
}
