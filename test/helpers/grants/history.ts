/** What a stage has, for exercises that read it: written by the operator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { bookEvent } from '../../../functions/book-keeper/book-event.ts';
import { digest } from '../../../lib/aws/audit-hash.ts';
import { storedKeys } from '../../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../../lib/aws/table-scan.ts';
import { makeBackup } from '../../../lib/backup/make-backup.ts';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import { fresh } from './exercise.ts';
import { type GrantWorld, prefix, stage } from './world.ts';

/** The day of everything here, in UTC. */
export const day = '2026-01-05';
const atMs = Date.parse(`${day}T15:00:00Z`);
const dayMs = 86_400_000;

/** Into the book, as the book-keeper does it. */
export async function tell(world: GrantWorld, ...events: readonly Envelope[]): Promise<void> {
  const book = world.book();
  for (const event of events) {
    // The same row once more would be the same transaction, of which DynamoDB says for ten minutes that it is done.
    const nowMs = atMs + fresh();
    await bookEvent(event, { book, nowMs: () => nowMs, sleep, random: () => 0 });
  }
}

export async function storeCandle(world: GrantWorld, changes: Partial<Candle> = {}): Promise<void> {
  await world.candles().put({
    conId: 7,
    symbol: 'GCG6',
    intervalMs: 60_000,
    startMs: atMs,
    sessionDate: day,
    open: '1',
    high: '1',
    low: '1',
    close: '1',
    volume: '1',
    tickCount: 1,
    source: 'live',
    volumeSource: 'rtvolume',
    partial: false,
    noTrades: false,
    epoch: 1,
    revision: 0,
    ...changes,
  });
}

/** Backups of a time that is long over, so that none of them has to be kept any more. */
export async function oldBackups(world: GrantWorld, count: number): Promise<void> {
  const { dynamodb } = world.clients;
  for (let index = 0; index < count; index += 1) {
    await makeBackup({
      book: world.book(),
      scan: new DynamoTableScan({ client: dynamodb }),
      store: world.bucket('backups'),
      tables: { book: `${prefix}-book`, audit: `${prefix}-audit` },
      keys: storedKeys,
      place: { stage, awsAccount: '000000000000', region: world.cloud.region },
      programVersion: '0.1.0',
      trigger: { kind: 'operator', by: 'test', reason: 'long ago' },
      digest,
      nowMs: () => Date.now() - 100 * dayMs,
    });
  }
}
