/** Streamers that come and go while orders are sent: a clean stop in the midst, a task that is lost with its disk. */
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { OrdersOut, tradedLine } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

it('S125 stopped during a submission, and killed and replaced by a task without its disk: each intent is one order or an answered end', async () => {
  const dataDir = scratchFolder();
  const config = quickConfig(dataDir);
  appendFileSync(join(dataDir, 'config', 'sandbox.yml'), 'lease: { ttlMs: 3000, renewMs: 800 }\n');
  const options = { speed: '1', minutes: 30, dataDir, streamerEnv: config };
  await withDesk(options, async (desk) => {
    const orders = new OrdersOut(desk);
    const { conId, last } = await tradedLine(desk);
    const keys: string[] = [];
    const send = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const key = `order-${keys.length}`;
        keys.push(key);
        const limitPrice = (last * 0.98).toFixed(1);
        const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice } as const;
        await orders.send({ type: 'place', key, conId, order }, { validMs: 120_000 });
      }
    };
    const stopped = async () => expect(await desk.endStreamer('SIGTERM')).toBe(0);
    const lost = async () => {
      await desk.endStreamer('SIGKILL');
      for (const suffix of ['', '-wal', '-shm'])
        rmSync(join(dataDir, `streamer.db${suffix}`), { force: true });
    };
    // The lease of a task that is lost, and the commands that it had begun, have to run out first.
    const isProof = process.env.EVENKEEL_PROOF === '1';
    const ends = isProof ? [stopped, lost] : [stopped];
    for (const end of ends) {
      await orders.open({ isOver: false });
      await send(4);
      await sleep(60);
      await end();
      await desk.startStreamer();
      await tradedLine(desk);
    }
    // Those so far may all have met the lock of the new term; this one comes behind the run of its start.
    await orders.open();
    await send(1);
    const intents = await Promise.all(keys.map((key) => orders.ended(key, 90_000)));
    const states = new Set(intents.map(({ state }) => state));
    // Killed between its record and the wire, and without its disk, nobody can know: below, the broker must not have it.
    const answered = ['sent', 'denied', ...(isProof ? ['unresolved'] : [])];
    expect([...states].filter((state) => !answered.includes(state))).toEqual([]);
    // Denied are those that met the lock of a new term; they never left.
    const { orders: record } = await desk.broker();
    const refs = record.map(({ orderRef }) => orderRef);
    expect(new Set(refs).size).toBe(refs.length);
    const sent = intents
      .filter(({ state }) => state === 'sent')
      .flatMap(({ legs }) => legs.map(({ orderRef }) => orderRef));
    expect(new Set(refs)).toEqual(new Set(sent));
    expect(sent.length).toBeGreaterThanOrEqual(1);
    expect(await orders.auditFindings()).toEqual([]);
  });
});
