/** Kills of the deployed streamer (SIGKILL) at a counted call to the endpoint, to the socket or to its SQLite file, while it sends an order. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SqsCommandSender } from '../../lib/aws/command-queue.ts';
import { pause } from '../../lib/reconcile/pause.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { account, type BareCommand, commandOf, OrdersOut, tradedLine } from './orders-out.ts';

/** The streamer's calls while it carries out one command, in their order. */
export const killPoints = [
  'reservation at the endpoint, not carried out',
  'reservation at the endpoint, carried out',
  'SQLite, write k of the order',
  'socket, order written, nothing answered',
  'socket, after answer k',
  'record of the end at the endpoint, not carried out',
  'record of the end at the endpoint, carried out',
  'removal from the queue, not carried out',
  'removal from the queue, carried out',
] as const;
export type KillPoint = (typeof killPoints)[number];

const signs = { service: 'dynamodb', operation: 'TransactWriteItems', kind: 'signal' } as const;
const slowMs = 600;

export class KilledDesk {
  readonly orders: OrdersOut;
  readonly commands = new Map<string, BareCommand>();
  readonly #desk: Desk;
  readonly #random: () => number;
  readonly #sender: SqsCommandSender;
  #last = 0;
  #conId = 0;

  private constructor(desk: Desk, seed: number) {
    this.#desk = desk;
    this.#random = mulberry32(seed);
    this.orders = new OrdersOut(desk);
    const { cloud } = desk;
    this.#sender = new SqsCommandSender({
      client: new SQSClient({
        endpoint: cloud.endpoint,
        region: cloud.region,
        credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
      }),
      queueUrl: cloud.containerEnvironment('streamer').COMMAND_QUEUE_URL!,
    });
  }

  static async open(desk: Desk, seed: number): Promise<KilledDesk> {
    const killed = new KilledDesk(desk, seed);
    const { conId, last } = await tradedLine(desk);
    killed.#conId = conId;
    killed.#last = last;
    // Runs would lock and unlock what this opens and closes.
    const person = { account, who: 'test', reason: 'everything is killed' };
    await pause(person, Date.now() + 3_600_000, { book: killed.orders.book, nowMs: Date.now, sleep });
    await killed.orders.open();
    return killed;
  }

  /** Sends a command, kills the streamer at the point, starts it again. */
  async kill(point: KillPoint): Promise<void> {
    const desk = this.#desk;
    const pid = desk.streamerPid();
    if (pid === undefined) throw new Error('the streamer does not run');
    const watch = await this.#prepare(point);
    await this.#send();
    await watch?.();
    for (const deadline = Date.now() + 30_000; isAlive(pid); await sleep(5))
      if (Date.now() > deadline) throw new Error(`the streamer was not killed: ${point}`);
    desk.cloud.faults.clear();
    await desk.fault({ type: 'clear' });
    await desk.endStreamer('SIGKILL');
    await desk.startStreamer();
    await tradedLine(desk);
    await this.orders.open();
  }

  /** Each command in a group of its own: one whose receiver was killed is hidden for as long as a lease lives, and only it. */
  async #send(): Promise<void> {
    const key = `k${this.commands.size}`;
    const bare = this.#wish(key);
    this.commands.set(key, bare);
    const command = commandOf(bare, { validMs: 120_000 });
    await this.#sender.send({ id: command.id, group: `trade#${key}`, body: JSON.stringify(command) });
  }

  /** Far from the market, so that it rests. */
  #wish(key: string): BareCommand {
    const price = (share: number) => (this.#last * share).toFixed(1);
    const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: price(0.97) } as const;
    if (this.#random() < 0.7) return { type: 'place', key, conId: this.#conId, order };
    const child = { action: 'SELL', quantity: '1' } as const;
    return {
      type: 'place-bracket',
      key,
      conId: this.#conId,
      legs: [
        { leg: 'entry', ...order },
        { leg: 'take-profit', ...child, orderType: 'LMT', limitPrice: price(1.03) },
        { leg: 'stop-loss', ...child, orderType: 'STP', stopPrice: price(0.96) },
      ],
    };
  }

  /** What has to be done once the command is sent, if anything. */
  async #prepare(point: KillPoint): Promise<(() => Promise<void>) | undefined> {
    const desk = this.#desk;
    const pid = () => desk.streamerPid();
    const caller = desk.cloud.containerEnvironment('streamer').AWS_ACCESS_KEY_ID!;
    const when = point.endsWith(', carried out') ? 'after' : 'before';
    switch (point) {
      case 'reservation at the endpoint, not carried out':
      case 'reservation at the endpoint, carried out':
        desk.cloud.faults.add({ ...signs, when, caller, pid });
        return undefined;
      case 'record of the end at the endpoint, not carried out':
      case 'record of the end at the endpoint, carried out':
        desk.cloud.faults.add({ ...signs, when, caller, pid, after: 1 });
        return undefined;
      case 'removal from the queue, not carried out':
      case 'removal from the queue, carried out':
        desk.cloud.faults.add({
          service: 'sqs',
          operation: 'DeleteMessage',
          kind: 'signal',
          when,
          caller,
          pid,
        });
        return undefined;
      case 'socket, after answer k':
        await desk.fault({ type: 'signal', pid: pid()!, afterOrderMessages: this.#upTo(4), clientId: 1 });
        return undefined;
      case 'socket, order written, nothing answered': {
        const before = (await desk.broker()).orders.length;
        await desk.fault({ type: 'slow', clientId: 1, delayMs: slowMs });
        return async () => {
          for (const deadline = Date.now() + 20_000; (await desk.broker()).orders.length === before; ) {
            if (Date.now() > deadline) throw new Error('the order did not arrive');
            await sleep(5);
          }
          process.kill(pid()!, 'SIGKILL');
        };
      }
      case 'SQLite, write k of the order': {
        const isOver = writes(join(desk.dataDir, 'streamer.db-wal'), this.#upTo(3));
        return async () => {
          await isOver;
          process.kill(pid()!, 'SIGKILL');
        };
      }
    }
  }

  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }
}

/** Waits until a file was written `count` times more. */
async function writes(file: string, count: number): Promise<void> {
  const written = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (let seen = 0, last = written(); seen < count; await sleep(1)) {
    if (written() === last) continue;
    last = written();
    seen += 1;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
