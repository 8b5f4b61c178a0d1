/** The executions: their ids as IB writes them, and the corrections that replace them. */
import type { Decimal } from './money.ts';
import { zero } from './money.ts';
import type { Execution, Instrument } from './types.ts';

const hex = (value: number, digits: number) => (value >>> 0).toString(16).padStart(digits, '0');

export class ExecutionLedger {
  /** Every revision, in the order in which it was made. */
  readonly all: Execution[] = [];
  readonly #latest = new Map<string, Execution>();
  readonly #prefix: string;
  #count = 0;

  constructor(runId: number) {
    this.#prefix = hex(runId, 8);
  }

  /** `0000e0d5.67fe667b.01`, to which a revision is added. */
  nextBase(): string {
    this.#count += 1;
    return `${this.#prefix}.${hex(this.#count, 8)}.01`;
  }

  add(execution: Execution): void {
    this.all.push(execution);
    this.#latest.set(execution.base, execution);
  }

  /** The latest revision by any of an execution's ids; without one, the execution made last. */
  find(execId?: string): Execution | undefined {
    if (execId === undefined) return this.all.at(-1);
    return this.#latest.get(execId.slice(0, execId.lastIndexOf('.')));
  }

  /** The latest revision of each, in the order of the first ones. */
  standing(): Execution[] {
    return [...this.#latest.values()];
  }

  standingOf(account: string, instrument: Instrument): Execution[] {
    const { conId } = instrument.contract;
    return this.standing().filter(
      ({ order }) => order.account === account && order.instrument.contract.conId === conId,
    );
  }

  /** Filled quantity and its value, over the executions of an order that stand. */
  sums(permId: number): { filled: Decimal; value: Decimal } {
    let filled = zero;
    let value = zero;
    for (const one of this.#latest.values()) {
      if (one.order.permId !== permId) continue;
      filled = filled.plus(one.quantity);
      value = value.plus(one.quantity.times(one.price));
    }
    return { filled, value };
  }
}

export const execIdOf = (base: string, revision: number) => `${base}.${String(revision).padStart(2, '0')}`;
