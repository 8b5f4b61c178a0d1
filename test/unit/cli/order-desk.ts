/** The operator's program with a streamer that answers commands in the book, as the real one does. */

import { createHash } from 'node:crypto';
import type { Instrument } from '../../../lib/domain/market/instrument.ts';
import { type Intent, intentBody, orderRefOf } from '../../../lib/domain/orders/intent.ts';
import { type Command, commandSchema } from '../../../lib/events/command.ts';
import type { BookRef } from '../../../lib/ports/book.ts';
import { account, nowMs, type TestDesk } from './desk.ts';

export const gold: Instrument = {
  conId: 98765432,
  configured: 'GC',
  symbol: 'GC',
  localSymbol: 'GCG6',
  secType: 'FUT',
  exchange: 'COMEX',
  currency: 'USD',
  multiplier: '100',
  minTick: '0.1',
  timeZone: 'US/Eastern',
  tradingHours: '',
  expiry: '20260225',
};

/** Puts an item into the book, whatever was there. */
export async function put({ book }: TestDesk, ref: BookRef, body: object): Promise<void> {
  const [item] = await book.read(account, [ref]);
  const cause = { kind: 'event', id: 'test', name: 'given', reason: '' } as const;
  const writes = [{ ref, expectedVersion: item?.version ?? 0, body: body as never }];
  const change = { account, writer: 'orders', cause, atMs: nowMs, orderKey: '', writes };
  if ((await book.commit(change)) !== 'committed') throw new Error('conflict');
}

export async function giveInstruments(desk: TestDesk, ...all: readonly Instrument[]): Promise<void> {
  for (const one of all) await put(desk, { kind: 'instrument', id: String(one.conId) }, one);
}

/** Nothing holds orders back. */
export async function openTrading(desk: TestDesk, preset: 'execute' | 'stage' = 'execute'): Promise<void> {
  await desk.run('flags', 'preset', preset, '--reason', 'test');
  await put(
    desk,
    { kind: 'lock', id: '' },
    {
      state: 'open',
      reason: 'nothing locks',
      runId: 'run-1',
      token: 7,
      changedAt: '2026-01-05T14:00:00.000Z',
      changedBy: 'run-1',
    },
  );
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The intent of a command, as the streamer records it. */
export function intentOf(command: Command, changes: Partial<Intent> = {}): Intent {
  const given = 'key' in command ? (command.key ?? command.id) : command.id;
  const key = command.type === 'modify' ? `MOD-${command.id}` : given;
  const legs =
    command.type === 'place-bracket'
      ? command.legs.map(({ leg }) => leg)
      : command.type === 'place' || command.type === 'flatten'
        ? (['entry'] as const)
        : [];
  return {
    key,
    commandId: command.id,
    command: command.type,
    issuedBy: command.issuedBy,
    state: 'sent',
    code: '',
    message: 'The broker has it.',
    allowed: '',
    conId: 'conId' in command ? (command.conId ?? 0) : 0,
    legs: legs.map((leg, at) => ({ leg, orderRef: orderRefOf(account, key, leg, sha256), orderId: 41 + at })),
    wish: { by: 'person', legs: command.type === 'place' ? [command.order] : [] },
    journal: 'outbox-1',
    clientId: 1,
    epoch: 7,
    issuedAt: command.issuedAt,
    at: command.issuedAt,
    ...changes,
  };
}

/** Commands that were sent, in order. */
export function sentBy(desk: TestDesk): readonly Command[] {
  return desk.world.sent.map(({ body }) => commandSchema.parse(JSON.parse(body)));
}

/** From now on each command is answered so, at the first time that the program waits for it. */
export function answers(desk: TestDesk, changes: Partial<Intent> = {}): void {
  let answered = desk.world.sent.length;
  desk.world.onSleep = async () => {
    for (const command of sentBy(desk).slice(answered)) {
      answered += 1;
      // What becomes of a cancel the orders tell.
      if (command.type === 'cancel' || command.type === 'cancel-all') continue;
      const intent = intentOf(command, changes);
      await put(desk, { kind: 'intent', id: intent.key }, intentBody(intent));
    }
  };
}
