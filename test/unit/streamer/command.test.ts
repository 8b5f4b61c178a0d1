import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { alertRaised } from '../../../lib/events/alert-raised.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { Command } from '../../../lib/events/command.ts';
import { type CommandSource, heldMs, type QueuedCommand } from '../../../lib/ports/command-queue.ts';
import { checkCommand } from '../../../streamer/command-check.ts';
import { CommandRunner } from '../../../streamer/command-runner.ts';

const NOW = Date.parse('2026-01-05T14:30:00.000Z');
const account = 'DU1234567';

function command(more: object = {}): Command {
  return {
    id: '7b0a3c1e-2f4d-4e6a-9b8c-0d1e2f3a4b5c',
    type: 'snapshot',
    version: 1,
    account,
    issuedAt: '2026-01-05T14:29:55.000Z',
    issuedBy: 'arn:aws:iam::000000000000:user/anna',
    validUntil: '2026-01-05T14:30:25.000Z',
    ...more,
  } as Command;
}

describe('a command from the queue', () => {
  it('is carried out as it was sent', () => {
    expect(checkCommand(JSON.stringify(command()), account, NOW)).toEqual({ ok: true, command: command() });
  });

  it.each([
    ['text that is no JSON', 'snapshot please', 'command_malformed', 'message', 'snapshot please'],
    ['JSON that is no object', 'null', 'command_malformed', 'message', 'null'],
    [
      'one of an unknown type',
      JSON.stringify(command({ type: 'sell-all' })),
      'command_malformed',
      command().id,
      'type',
    ],
    [
      'one of a later version',
      JSON.stringify(command({ version: 2 })),
      'command_malformed',
      command().id,
      'version',
    ],
    [
      'one of another account',
      JSON.stringify(command({ account: 'DU7654321' })),
      'command_foreign',
      command().id,
      'DU7654321',
    ],
    [
      'one that came too late',
      JSON.stringify(command({ validUntil: '2026-01-05T14:29:59.999Z' })),
      'command_expired',
      command().id,
      '14:29:59.999Z',
    ],
  ])('%s is answered by an alert that says what and what to do', (_what, body, alert, subject, words) => {
    const checked = checkCommand(body, account, NOW);
    if (checked.ok) throw new Error('it was taken');
    expect(alertRaised.parse(checked.alert)).toMatchObject({ alert, subject, severity: 'MEDIUM' });
    expect(checked.alert.message).toContain(words);
    expect(checked.alert.message).toMatch(/not carried out/);
  });

  it('one that trades is handed on when it is late: it may be recorded already', () => {
    const late = {
      type: 'flatten',
      conId: 17,
      validUntil: '2026-01-05T14:29:59.999Z',
    };
    expect(checkCommand(JSON.stringify(command(late)), account, NOW).ok).toBe(true);
  });

  it('is valid to the last millisecond', () => {
    expect(checkCommand(JSON.stringify(command()), account, Date.parse(command().validUntil)).ok).toBe(true);
  });
});

/** A queue in which the messages lie until they are removed; an empty one makes the poll wait. */
class Queue implements CommandSource {
  readonly removed: string[] = [];
  readonly held: string[] = [];
  readonly givenBack: string[] = [];
  receives = 0;
  #waiting: QueuedCommand[];

  constructor(bodies: readonly string[]) {
    this.#waiting = bodies.map((body, index) => ({ body, receipt: `receipt ${index}` }));
  }

  receive(signal: AbortSignal): Promise<readonly QueuedCommand[]> {
    this.receives += 1;
    const next = this.#waiting.shift();
    if (next) return Promise.resolve([next]);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }

  async hold(receipt: string): Promise<void> {
    this.held.push(receipt);
  }

  async giveBack(receipt: string): Promise<void> {
    this.givenBack.push(receipt);
  }

  async remove(receipt: string): Promise<void> {
    this.removed.push(receipt);
  }
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function runnerOf(
  queue: Queue,
  perform: (command: Command, signal: AbortSignal) => Promise<void>,
  mayWrite = () => true,
  systemMs = () => NOW,
) {
  const raised: EventData<'alert.raised'>[] = [];
  const runner = new CommandRunner({
    account,
    source: queue,
    perform,
    raise: (alert) => raised.push(alert),
    mayWrite,
    logger: silent,
    systemMs,
  });
  return { runner, raised };
}

async function until(met: () => boolean): Promise<void> {
  for (let turns = 0; !met(); turns += 1) {
    if (turns > 10_000) throw new Error('it never came');
    await turn();
  }
}

const cancel = { ...command(), type: 'cancel', by: 'person', permId: 9, clientId: 1, orderId: 3 };

/** Commands of which the first goes on until `resolve`. */
function firstHangs(bodies: readonly object[]) {
  const queue = new Queue(bodies.map((body) => JSON.stringify(body)));
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: string[] = [];
  const { runner } = runnerOf(queue, async ({ type }) => {
    begun.push(type);
    if (begun.length === 1) await promise;
  });
  return { queue, runner, begun, resolve };
}

describe('the command runner', () => {
  it('carries commands out one at a time and removes each when it is done', async () => {
    const ids = ['1', '2', '3'].map((last) => `${command().id.slice(0, -1)}${last}`);
    const queue = new Queue(ids.map((id) => JSON.stringify(command({ id }))));
    let underWay = 0;
    const done: string[] = [];
    const { runner } = runnerOf(queue, async ({ id }) => {
      underWay += 1;
      expect(underWay).toBe(1);
      expect(queue.removed).toHaveLength(done.length);
      await turn();
      done.push(id);
      underWay -= 1;
    });
    runner.start();
    await until(() => queue.removed.length === 3);
    expect(done).toEqual(ids);
    await runner.stop();
    expect(runner.stats()).toEqual({ done: 3, refused: 0, failed: 0 });
  });

  it('a question whose lists do not come to their end holds up no order, and no other question goes beside it', async () => {
    const later = command({ id: `${command().id.slice(0, -1)}7` });
    const { queue, runner, begun, resolve } = firstHangs([command(), cancel, later]);
    runner.start();
    await until(() => queue.removed.length === 1);
    expect(queue.removed).toEqual(['receipt 1']);
    await turn();
    expect(begun).toEqual(['snapshot', 'cancel']);
    resolve();
    await until(() => queue.removed.length === 3);
    expect(begun).toEqual(['snapshot', 'cancel', 'snapshot']);
    await runner.stop();
    expect(runner.stats()).toEqual({ done: 3, refused: 0, failed: 0 });
  });

  it('a message that is on its way when it stops is given back: the next holder need not wait until it shows up again', async () => {
    const queue = new Queue([]);
    const coming = Promise.withResolvers<readonly QueuedCommand[]>();
    vi.spyOn(queue, 'receive').mockImplementation((signal) => {
      signal.addEventListener('abort', () => coming.reject(new Error('aborted')));
      return coming.promise;
    });
    const { runner } = runnerOf(queue, async () => undefined);
    runner.start();
    const stopped = runner.stop();
    await turn();
    coming.resolve([{ body: JSON.stringify(command()), receipt: 'late' }]);
    await stopped;
    expect(queue.givenBack).toEqual(['late']);
    expect(runner.stats().done).toBe(0);
  });

  it('a question that waits behind another one holds up no order either', async () => {
    const { queue, runner, begun, resolve } = firstHangs([command(), command(), cancel]);
    runner.start();
    await until(() => queue.removed.length === 1);
    expect(begun).toEqual(['snapshot', 'cancel']);
    const stopped = runner.stop();
    resolve();
    await stopped;
    // The one that waited is for the next holder.
    expect(begun).toEqual(['snapshot', 'cancel']);
    expect(queue.givenBack).toContain('receipt 1');
  });

  it('answers a wrong command by an alert, removes it, and goes on', async () => {
    const queue = new Queue(['nonsense', JSON.stringify(command())]);
    const { runner, raised } = runnerOf(queue, async () => undefined);
    runner.start();
    await until(() => queue.removed.length === 2);
    expect(raised.map(({ alert }) => alert)).toEqual(['command_malformed']);
    await runner.stop();
  });

  it('a command that fails stays in the queue', async () => {
    const queue = new Queue([JSON.stringify(command())]);
    const { runner, raised } = runnerOf(queue, async () => {
      throw new Error('the bucket does not answer');
    });
    runner.start();
    await until(() => runner.stats().failed === 1);
    await runner.stop();
    expect(queue.removed).toEqual([]);
    expect(raised).toEqual([]);
  });

  it('one that is valid for a day is not tried all day: others wait behind it', async () => {
    const queue = new Queue([JSON.stringify(command({ validUntil: '2026-01-06T14:30:00.000Z' }))]);
    let nowMs = NOW;
    const { runner } = runnerOf(
      queue,
      async () => {
        nowMs += 59_600;
        throw new Error('COMMAND_AGAIN');
      },
      () => true,
      () => nowMs,
    );
    runner.start();
    await until(() => queue.givenBack.length === 1);
    await runner.stop();
    expect(queue.removed).toEqual([]);
  });

  it('without the lease no command is carried out or removed', async () => {
    const queue = new Queue([JSON.stringify(command())]);
    const { runner } = runnerOf(
      queue,
      () => Promise.reject(new Error('carried out')),
      () => false,
    );
    runner.start();
    await runner.stop();
    expect(queue.removed).toEqual([]);
    expect(runner.stats()).toEqual({ done: 0, refused: 0, failed: 0 });
  });

  it('a lease that is doubted for a moment (a clock that was set) does not end the taking of commands', async () => {
    const queue = new Queue([JSON.stringify(command())]);
    let asked = 0;
    const { runner } = runnerOf(
      queue,
      async () => undefined,
      () => {
        asked += 1;
        return asked > 1;
      },
    );
    runner.start();
    await expect.poll(() => runner.stats().done, { timeout: 10_000 }).toBe(1);
    await runner.stop();
    expect(queue.removed).toEqual(['receipt 0']);
    // While it is doubted nothing is taken: each return to the queue counts towards its dead letters.
    expect(queue.givenBack).toEqual([]);
  });

  it('a stop ends the wait, and leaves what is under way to the next holder', async () => {
    const queue = new Queue([JSON.stringify(command())]);
    const { runner } = runnerOf(
      queue,
      (_command, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('interrupted')));
        }),
    );
    runner.start();
    await until(() => queue.receives === 1);
    await runner.stop();
    expect(queue.removed).toEqual([]);
    expect(queue.givenBack).toEqual(['receipt 0']);
  });

  it('a command is held for as long as it takes, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const queue = new Queue([JSON.stringify(command())]);
      const { promise, resolve } = Promise.withResolvers<void>();
      const { runner } = runnerOf(queue, () => promise);
      runner.start();
      await until(() => vi.getTimerCount() === 1);
      vi.advanceTimersByTime(60_000);
      expect(queue.held.length).toBeGreaterThanOrEqual(60_000 / heldMs);
      const held = queue.held.length;
      resolve();
      await until(() => queue.removed.length === 1);
      vi.advanceTimersByTime(60_000);
      expect(queue.held).toHaveLength(held);
      await runner.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});
