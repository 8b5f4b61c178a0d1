/**
 * Every order once, with the real process killed (SIGKILL) while it sends: at a counted call to the endpoint, the socket or
 * the SQLite file. `EVENKEEL_PROOF=1` kills it more than 200 times, at least 20 times at each point, and prints the table.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { digest } from '../../lib/aws/audit-hash.ts';
import { type Intent, orderRefOf } from '../../lib/domain/orders/intent.ts';
import { legNames } from '../../lib/domain/orders/order-wish.ts';
import type { BrokerRecord } from '../../sandbox/gateway/broker/record.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { KilledDesk, type KillPoint, killPoints } from '../helpers/exactly-once-kills.ts';
import { account } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

const isProof = process.env.EVENKEEL_PROOF === '1';
const timesEach = isProof ? 23 : 1;
const seed = Number(process.env.EVENKEEL_SEED ?? 1);

describe('exactly once, killed', () => {
  it(`S105 ${timesEach * killPoints.length} kills at ${killPoints.length} points, seed ${seed}: no order twice, and each intent has one end`, {
    timeout: isProof ? 1_800_000 : 300_000,
  }, async () => {
    const dataDir = scratchFolder();
    const streamerEnv = withoutLimits(dataDir);
    await withDesk({ speed: '1', minutes: 120, seed: 3, dataDir, streamerEnv }, async (desk) => {
      const killed = await KilledDesk.open(desk, seed);
      const kills = new Map<KillPoint, number>();
      for (let round = 0; round < timesEach; round += 1) {
        for (const point of killPoints) {
          await killed.kill(point);
          kills.set(point, (kills.get(point) ?? 0) + 1);
        }
      }
      const intents = await settled(killed);
      const log = readFileSync(join(dataDir, 'logs', 'streamer.log'), 'utf8');
      const ends = endsOf(intents, await desk.broker(), log);
      process.stdout.write(`${table(kills)}\nEnds of intents:\n${table(counted(ends))}\n`);
      expect(await killed.orders.auditFindings()).toEqual([]);
      for (const times of kills.values()) expect(times).toBe(timesEach);
    });
  });
});

/**
 * Waits for an end of every command that was begun. One that was not, because its receiver died, comes back after as long as
 * a lease lives: the proof waits for it.
 */
async function settled({ commands, orders }: KilledDesk): Promise<readonly Intent[]> {
  const keys = [...commands.keys()];
  let intents: readonly (Intent | undefined)[] = [];
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(250)) {
    intents = await Promise.all(keys.map((key) => orders.intent(key)));
    if (intents.every(hasEnd)) break;
  }
  expect(keys.filter((_, index) => !hasEnd(intents[index]))).toEqual([]);
  return intents.flatMap((intent) => intent ?? []);
}

function hasEnd(intent: Intent | undefined): boolean {
  return intent === undefined ? !isProof : intent.state !== 'sending';
}

/** The end of each intent, seen from the broker; throws where there is none, or two. */
function endsOf(intents: readonly Intent[], { orders }: BrokerRecord, log: string): readonly string[] {
  const byRef = Map.groupBy(orders, ({ orderRef }) => orderRef);
  expect([...byRef].filter(([, of]) => of.length > 1)).toEqual([]);
  const sent = new Set(intents.flatMap(({ legs }) => legs.map(({ orderRef }) => orderRef)));
  expect(orders.filter(({ orderRef }) => !sent.has(orderRef))).toEqual([]);
  return intents.map(({ key, state, legs }) => {
    const refs = legNames.map((leg) => orderRefOf(account, key, leg, digest));
    const atBroker = orders.filter(({ orderRef }) => refs.includes(orderRef));
    const expected = state === 'sent' ? legs.length : 0;
    expect(atBroker, `${key} is ${state}`).toHaveLength(expected);
    if (state === 'unresolved') expect(log).toMatch(new RegExp(`order_unresolved.*intent ${key}\\b`));
    return state === 'sent' ? 'working' : state;
  });
}

/** Configuration of the sandbox, without the limits that a day of resting orders would meet. */
function withoutLimits(folder: string): Record<string, string> {
  const env = quickConfig(folder);
  const file = join(env.EVENKEEL_CONFIG_DIR!, 'sandbox.yml');
  mkdirSync(env.EVENKEEL_CONFIG_DIR!, { recursive: true });
  writeFileSync(
    file,
    `${readFileSync(file, 'utf8')}risk: { maxNotional: null, maxPosition: null, maxOpenOrders: null, maxOrdersPerMinute: null }\n`,
  );
  return env;
}

function counted(all: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(all, (each) => each)].map(([each, of]) => [each, of.length]));
}

function table(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `  ${name.padEnd(56)}${count}`).join('\n');
}
