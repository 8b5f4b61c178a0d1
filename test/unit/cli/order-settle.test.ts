/** `order settle`, over a real book; the streamer's part is what its tests have it do. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { intentBody } from '../../../lib/domain/orders/intent.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { Command } from '../../../lib/events/command.ts';
import { orderEvent } from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, type TestDesk } from './desk.ts';
import { intentOf, put, sentBy } from './order-desk.ts';

const reason = 'statement of 4 January';
const argv = ['order', 'settle', 'P17', '--as', 'cancelled', '--reason', reason];

describe.skipIf(!engineIsHere)(`order settle${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`, () => {
  let engine: DynamoEngine;
  let desk: TestDesk;
  let seq = 0;

  const tell = async (changes: Partial<EventData<'order.placed'>>, permId = 17): Promise<void> => {
    seq += 1;
    const type = changes.status === 'Cancelled' ? 'order.cancelled' : 'order.placed';
    const told = { status: 'Submitted', brokerStatus: 'Submitted', ...changes } as const;
    await desk.tell(orderEvent(type, permId, told, { account, epoch: 7, seq }));
  };
  const settleOf = (command: Command | undefined) => command as Extract<Command, { type: 'settle' }>;
  const answered = (how: (command: Extract<Command, { type: 'settle' }>) => Promise<void>) => {
    let done = desk.world.sent.length;
    desk.world.onSleep = async () => {
      for (const command of sentBy(desk).slice(done)) {
        done += 1;
        await how(settleOf(command));
      }
    };
  };
  const given = () =>
    answered(({ id, issuedBy, end, reason: why }) =>
      tell({
        status: end,
        brokerStatus: '',
        reason: { code: 0, message: `${issuedBy} said so: ${why}` },
        settled: { by: issuedBy, reason: why, commandId: id },
      }),
    );

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  beforeEach(async () => {
    desk = await createDesk(engine);
    seq = 0;
    // One of TWS: whose it was does not matter.
    await tell({ orderId: 0, clientId: 0, origin: 'manual' });
    return () => desk.stop();
  });
  afterAll(async () => {
    await engine.stop();
  });

  it('shows what will be, asks for it in words, and ends when the book has it; the audit row says who and why', async () => {
    given();
    const asked: string[] = [];
    desk.world.ask = async (question) => {
      asked.push(question);
      return 'settle p17';
    };
    const { code, out, err } = await desk.run(...argv);
    expect(code, out + err).toBe(0);
    expect(asked).toEqual([
      'This gives the order P17 of DU1234567 its end, by your word. Type settle P17 to go on: ',
    ]);
    expect(err).toMatch(/^then +Cancelled: 0 of \d+ filled, and no more$/m);
    expect(err).toMatch(/^reason +statement of 4 January$/m);
    expect(sentBy(desk)).toMatchObject([
      { type: 'settle', orderKey: 'P17', end: 'Cancelled', reason, by: 'person' },
    ]);
    expect(out).toContain('Settled: P17 is Cancelled');
    const { arn } = desk.world.identity;
    const { rows } = JSON.parse((await desk.run('audit', '--json')).out);
    const row = rows.find(({ cause }: { cause: { reason: string } }) => cause.reason !== '');
    expect(row).toMatchObject({
      writer: 'book-keeper',
      orderKey: 'P17',
      cause: { name: 'order.cancelled', reason: `settled by ${arn}: ${reason}` },
    });
    expect((await desk.run('audit', 'verify', '--against-book')).code).toBe(0);
    expect((await desk.run('orders', 'show', 'P17')).out).toContain(`said so: ${reason}`);
  });

  it('a second time nothing is sent; another end corrects the first', async () => {
    given();
    await desk.run(...argv, '--yes');
    const { code, out } = await desk.run(...argv, '--yes', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      { state: 'settled', repeated: true, status: 'Cancelled' },
    ]);
    expect(desk.world.sent).toHaveLength(1);
    const other = await desk.run('order', 'settle', 'P17', '--as', 'filled', '--reason', 'it did', '--yes');
    expect(other).toMatchObject({ code: 0, out: expect.stringContaining('P17 is Filled') as string });
  });

  it('a denial is shown with its code and what would be allowed: exit code 1', async () => {
    answered(async (command) => {
      const words = {
        state: 'denied',
        code: 'ORDER_QUIET',
        message: 'missing for 1 round',
        allowed: 'later',
      } as const;
      const key = `SETTLE-${command.id}`;
      await put(desk, { kind: 'intent', id: key }, intentBody({ ...intentOf(command), key, ...words }));
    });
    const { code, out } = await desk.run(...argv, '--yes');
    expect(code).toBe(1);
    expect(out).toMatch(/^Denied, ORDER_QUIET: P17\n {2}missing for 1 round\n {2}Allowed: later/);
  });

  it('an end of IB that comes first stands, and no answer is exit code 1', async () => {
    const silent = await desk.run(...argv, '--yes', '--wait', '1');
    expect(silent).toMatchObject({ code: 1, out: expect.stringContaining('SETTLE_UNANSWERED') as string });
    answered(() => tell({ status: 'Cancelled', brokerStatus: 'Cancelled' }));
    const { code, out } = await desk.run(...argv, '--yes', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([1, { state: 'ended', code: 'ORDER_ENDED' }]);
    expect(await desk.run(...argv, '--yes')).toMatchObject({
      code: 2,
      err: expect.stringContaining('ORDER_ENDED: There is nothing left of it: P17 is Cancelled.') as string,
    });
  });

  it('Ctrl-C ends the watching alone', async () => {
    desk.world.onSleep = () => desk.world.interrupt();
    expect(await desk.run(...argv, '--yes')).toMatchObject({
      code: 130,
      err: expect.stringContaining('the end of P17 is on its way') as string,
    });
  });

  it.each([
    [['P99', '--as', 'cancelled', '--reason', 'x', '--yes'], 'ORDER_UNKNOWN'],
    [['P17', '--as', 'cancelled', '--reason', ' ', '--yes'], 'REASON_NEEDED'],
    [['P17', '--as', 'lost', '--reason', 'x', '--yes'], 'END_UNKNOWN'],
    [['P17', '--as', 'cancelled', '--yes'], 'reason'],
    [['P17', '--as', 'cancelled', '--reason', 'x'], 'CONFIRMATION_NEEDED'],
  ])('%j is refused: %s', async (words, code) => {
    const ran = await desk.run('order', 'settle', ...words);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(code);
    expect(desk.world.sent).toEqual([]);
  });
});
