/** One streamer in the world of `exactly-once-world.ts`, without its troubles: a test makes its own. */
import type { Intent } from '../../lib/domain/orders/intent.ts';
import { commandSchema } from '../../lib/events/command.ts';
import type { Placed } from './exactly-once-gateway.ts';
import { account } from './exactly-once-gateway.ts';
import type { CrashPoint, Request, StreamerProcess, Surroundings, Trouble } from './exactly-once-process.ts';
import { World } from './exactly-once-world.ts';
import type { BareCommand } from './orders-out.ts';

export class Bench {
  readonly world = new World(1);
  process: StreamerProcess;
  #ids = 0;

  private constructor() {
    this.world.time.install();
    this.world.setFlags({});
    this.process = this.world.begin();
  }

  /** With its link, its lists and its lock open. */
  static async open(): Promise<Bench> {
    const bench = new Bench();
    await bench.pass(4_000);
    return bench;
  }

  close(): void {
    this.world.close();
    this.world.time.uninstall();
  }

  get placed(): readonly Placed[] {
    return this.world.gateway.placed;
  }

  get answers(): readonly string[] {
    return this.world.witness.answers.map(({ answer, code }) => (code === '' ? answer : `${answer} ${code}`));
  }

  get alerts(): readonly string[] {
    return this.world.witness.alerts.map(({ alert }) => alert);
  }

  intent(key: string): Intent | undefined {
    return this.world.table.get({ kind: 'intent', id: key })?.body as Intent | undefined;
  }

  async pass(ms: number): Promise<void> {
    const { time } = this.world;
    await time.advance(time.nowMs + ms);
  }

  /** A command as it lies in the queue. */
  command(bare: BareCommand, validMs = 30_000): string {
    this.#ids += 1;
    const { nowMs } = this.world.time;
    const command = commandSchema.parse({
      id: `00000000-0000-4000-8000-${String(this.#ids).padStart(12, '0')}`,
      version: 1,
      account,
      issuedAt: new Date(nowMs).toISOString(),
      issuedBy: 'anna',
      validUntil: new Date(nowMs + validMs).toISOString(),
      ...bare,
    });
    return JSON.stringify(command);
  }

  /** Sends it, and waits a while. */
  async send(bare: BareCommand, validMs?: number): Promise<void> {
    this.world.queue.send(this.command(bare, validMs));
    await this.pass(3_000);
  }

  /** Rests far from the market. */
  buy(key: string | undefined, more: object = {}): BareCommand {
    const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2660', ...more } as const;
    return { type: 'place', ...(key === undefined ? {} : { key }), conId: this.world.conId, order };
  }

  bracket(key: string): BareCommand {
    const child = { action: 'SELL', quantity: '1' } as const;
    const { conId } = this.world;
    return {
      type: 'place-bracket',
      key,
      conId,
      legs: [
        { leg: 'entry', action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2660' },
        { leg: 'take-profit', ...child, orderType: 'LMT', limitPrice: '2730' },
        { leg: 'stop-loss', ...child, orderType: 'STP', stopPrice: '2640' },
      ],
    };
  }

  /** The process dies in that call, and begins again, on its disk or on another. */
  async dieAt(point: CrashPoint, bare: BareCommand, disk: 'same' | 'new' = 'same'): Promise<void> {
    const { world, process } = this;
    world.isHealed = true;
    process.crash = { point, left: 1 };
    await this.send(bare);
    if (process.isAlive) throw new Error(`it did not die: ${point}`);
    this.process = world.begin(disk === 'same' ? process.path : undefined);
  }

  /** What befalls the next requests of a kind: all of them until it is called with 0 times. */
  befall(requests: readonly Request[], how: Trouble, times = Number.POSITIVE_INFINITY): void {
    let left = times;
    const around = this.process.around as { trouble: Surroundings['trouble'] };
    around.trouble = (request) => {
      if (left === 0 || !requests.includes(request)) return undefined;
      left -= 1;
      return how;
    };
  }

  /** An operator is faster than the next reservation, by a moment. */
  raceOnce(): void {
    const { world } = this;
    const setFlags = world.setFlags.bind(world);
    world.raceShare = 1;
    world.setFlags = (changes) => {
      world.raceShare = 0;
      setFlags(changes);
    };
  }

  /** Called with each change of the book, in the moment in which it takes effect. */
  onCommit(act: (state: string) => void): void {
    const { witness } = this.world;
    const committing = witness.committing.bind(witness);
    witness.committing = (change, table) => {
      committing(change, table);
      for (const { ref, body } of change.writes) if (ref.kind === 'intent') act(String(body?.state));
    };
  }
}
