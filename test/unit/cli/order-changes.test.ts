import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Intent, intentBody } from '../../../lib/domain/orders/intent.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { orderEvent, positionEvent } from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { readExample } from '../../helpers/render-event-docs.ts';
import { account, createDesk, type TestDesk } from './desk.ts';
import { answers, giveInstruments, gold, intentOf, openTrading, put, sentBy } from './order-desk.ts';

type Placed = EventData<'order.placed'>;
const example = (readExample('order.placed') as { data: Placed }).data;
const terms = { ...example.terms, quantity: '2', limitPrice: '2600.1' };
const stopTerms: Placed['terms'] = {
  ...terms,
  action: 'SELL',
  orderType: 'STP',
  limitPrice: null,
  stopPrice: '2590',
  timeInForce: 'GTC',
  parentId: 41,
};

describe.skipIf(!engineIsHere)(
  `order modify, cancel and cancel-all${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;
    let intent: Intent;
    let seq = 0;

    /** The broker tells of an order of ours. */
    const tell = async (permId: number, changes: Partial<Placed>): Promise<void> => {
      seq += 1;
      const status = changes.status ?? 'PreSubmitted';
      const type =
        status === 'Cancelled' ? 'order.cancelled' : status === 'Filled' ? 'order.filled' : 'order.placed';
      const event = orderEvent(
        type,
        permId,
        {
          clientId: 1,
          contract: { ...example.contract, conId: gold.conId, localSymbol: 'GCG6' },
          brokerStatus: status,
          status,
          ...changes,
        },
        { account, epoch: 7, seq },
      );
      await desk.tell(event);
    };
    const refOf = (leg: string): string => intent.legs.find((one) => one.leg === leg)!.orderRef;
    const entry = { orderId: 41, terms };
    const stop = { orderId: 42, terms: stopTerms };

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      seq = 0;
      await giveInstruments(desk, gold);
      intent = intentOf({
        id: '186a466b-fc06-821c-9f04-5b6d6e18e294',
        type: 'place-bracket',
        version: 1,
        account,
        issuedAt: '2026-01-05T14:00:00.000Z',
        issuedBy: 'breakout',
        validUntil: '2026-01-05T14:00:30.000Z',
        by: 'program',
        key: 'breakout-17',
        conId: gold.conId,
        legs: [{ leg: 'entry' }, { leg: 'stop-loss' }] as never,
      });
      await put(desk, { kind: 'intent', id: 'breakout-17' }, intentBody(intent));
      await tell(17, { ...entry, orderRef: refOf('entry') });
      await tell(18, { ...stop, orderRef: refOf('stop-loss') });
      // Another program's, and one that a person has typed.
      await tell(19, { orderId: 5, clientId: 9, orderRef: 'theirs' });
      await tell(20, { orderId: 0, clientId: 0, orderRef: '', origin: 'manual' });
      return () => desk.stop();
    });
    afterAll(async () => {
      await engine.stop();
    });

    describe('cancel', () => {
      /** IB cancels whatever is asked for, one look later. */
      const brokerCancels = (status: 'Cancelled' | 'Filled' = 'Cancelled') => {
        const done = new Set<number>();
        desk.world.onSleep = async () => {
          for (const command of sentBy(desk)) {
            if (command.type !== 'cancel' || done.has(command.permId)) continue;
            done.add(command.permId);
            const known = command.permId === 17 ? entry : stop;
            const reportedFilled = status === 'Filled' ? '2' : '0';
            const ref = refOf(command.permId === 17 ? 'entry' : 'stop-loss');
            await tell(command.permId, { ...known, status, reportedFilled, orderRef: ref });
          }
        };
      };

      it('by the key: every leg that lives, the parent first, after typing "cancel KEY"', async () => {
        brokerCancels();
        const asked: string[] = [];
        desk.world.ask = async (question) => {
          asked.push(question);
          return 'cancel breakout-17';
        };
        const { code, out, err } = await desk.run('order', 'cancel', 'breakout-17');
        expect(code, out + err).toBe(0);
        expect(asked).toEqual(['This cancels 2 orders of DU1234567. Type cancel breakout-17 to go on: ']);
        expect(err).toMatch(/P17 +GCG6 +BUY .*placed by API client 1/);
        expect(sentBy(desk)).toMatchObject([
          { type: 'cancel', permId: 17, clientId: 1, orderId: 41, by: 'person' },
          { type: 'cancel', permId: 18, clientId: 1, orderId: 42, by: 'person' },
        ]);
        expect(out).toContain('Cancelled.');
        expect(out).toContain('P18 (permId 18): Cancelled');
      });

      it.each(['17', 'P17'])('by %s: this order alone', async (ref) => {
        brokerCancels();
        expect((await desk.run('order', 'cancel', ref, '--yes')).code).toBe(0);
        expect(sentBy(desk)).toMatchObject([{ type: 'cancel', permId: 17, orderId: 41 }]);
      });

      it('only legs that live are cancelled; the stop of a position is not taken away unseen', async () => {
        await tell(17, { ...entry, orderRef: refOf('entry'), status: 'Filled', reportedFilled: '2' });
        await desk.tell(positionEvent(gold.conId, '2', { account, epoch: 7, seq: 90 }));
        const { code, err } = await desk.run('order', 'cancel', 'breakout-17');
        expect(code).toBe(2);
        expect(err).toContain('It takes a stop away from the position of 2');
        expect(err).toContain('CONFIRMATION_NEEDED');
        brokerCancels();
        await desk.run('order', 'cancel', 'breakout-17', '--yes');
        expect(sentBy(desk)).toMatchObject([{ type: 'cancel', permId: 18 }]);
      });

      it.each([
        ['19', 'The order P19 was placed by API client 9, and this streamer is API client 1'],
        ['P20', 'The order P20 was typed into TWS'],
      ])("another's order %s is refused: cancel it in TWS", async (ref, words) => {
        const { code, err } = await desk.run('order', 'cancel', ref, '--yes');
        expect(code).toBe(2);
        expect(err).toContain(`ORDER_FOREIGN: ${words}`);
        expect(err).toContain('Cancel it in TWS');
        expect(desk.world.sent).toEqual([]);
      });

      it('one that was filled meanwhile was not cancelled: exit code 1', async () => {
        brokerCancels('Filled');
        const { code, out } = await desk.run('order', 'cancel', '17', '--yes', '--json');
        expect(code).toBe(1);
        expect(JSON.parse(out)).toMatchObject({
          state: 'not-cancelled',
          code: 'CANCEL_TOO_LATE',
          orders: [{ orderKey: 'P17', status: 'Filled' }],
        });
      });

      it('one that does not end in time is exit code 1, and may be cancelled again', async () => {
        const { code, out } = await desk.run('order', 'cancel', '17', '--yes', '--wait', '2');
        expect(code).toBe(1);
        expect(out).toContain('CANCEL_UNANSWERED: Not all had ended within 2 s.');
        await desk.run('order', 'cancel', '17', '--yes', '--wait', '2');
        const [first, second] = sentBy(desk);
        // With the same id SQS would drop the second one.
        expect(second?.id).not.toBe(first?.id);
      });

      it('what has ended, and what nobody knows, is said', async () => {
        await tell(17, { ...entry, orderRef: refOf('entry'), status: 'Cancelled' });
        expect((await desk.run('order', 'cancel', '17', '--yes')).err).toContain(
          'ORDER_ENDED: There is nothing left of it: P17 is Cancelled.',
        );
        expect((await desk.run('order', 'cancel', 'nobody', '--yes')).err).toContain(
          'ORDER_UNKNOWN: nobody is no order of DU1234567',
        );
        expect((await desk.run('order', 'cancel', '', '--yes')).err).toContain(
          'ORDER_UNKNOWN: "" is no order of DU1234567',
        );
        await put(
          desk,
          { kind: 'intent', id: 'early' },
          intentBody({
            ...intent,
            key: 'early',
            state: 'sending',
            legs: [{ leg: 'entry', orderRef: 'ek-1', orderId: 50 }],
          }),
        );
        expect((await desk.run('order', 'cancel', 'early', '--yes')).err).toContain(
          'ORDER_NOT_IN_BOOK: The intent early is sending',
        );
        // A key of ours that is also IB's id of another order.
        await put(
          desk,
          { kind: 'intent', id: '18' },
          intentBody({ ...intent, key: '18', legs: intent.legs.slice(0, 1) }),
        );
        expect((await desk.run('order', 'cancel', '18', '--yes')).err).toContain(
          'ORDER_AMBIGUOUS: 18 may be P17 (permId 17), P18 (permId 18)',
        );
        expect(desk.world.sent).toEqual([]);
      });
    });

    describe('cancel-all', () => {
      it('is one command; ours are listed and watched, those of others stay', async () => {
        desk.world.onSleep = async () => {
          await tell(17, { ...entry, orderRef: refOf('entry'), status: 'Cancelled' });
          await tell(18, { ...stop, orderRef: refOf('stop-loss'), status: 'Cancelled' });
        };
        desk.world.ask = async () => 'cancel all';
        const { code, out, err } = await desk.run('order', 'cancel-all');
        expect(code, err).toBe(0);
        expect(err).toContain('2 open orders of others stay: cancel them in TWS.');
        expect(err).not.toMatch(/^P19 /m);
        expect(sentBy(desk)).toMatchObject([{ type: 'cancel-all', conId: null, by: 'person' }]);
        expect(out).toContain('P18 (permId 18): Cancelled');
      });

      it('--symbol narrows it to a contract', async () => {
        await giveInstruments(desk, {
          ...gold,
          conId: 12,
          localSymbol: 'MGCG6',
          configured: 'MGC',
          symbol: 'MGC',
        });
        const { code, out, err } = await desk.run('order', 'cancel-all', '--symbol', 'MGC', '--yes');
        expect(err).toContain('By the book there is no open order of ours of MGC.');
        expect(code).toBe(0);
        expect(out).toContain('Sent. By the book there was nothing of ours to watch.');
        expect(sentBy(desk)).toMatchObject([{ type: 'cancel-all', conId: 12 }]);
      });
    });

    describe('modify', () => {
      it('shows now and then, and ends when IB tells the order so', async () => {
        await openTrading(desk);
        desk.world.onSleep = () =>
          tell(18, { ...stop, orderRef: refOf('stop-loss'), terms: { ...stopTerms, stopPrice: '2595' } });
        desk.world.ask = async () => 'modify breakout-17';
        const { code, out, err } = await desk.run(
          'order',
          'modify',
          'breakout-17',
          '--leg',
          'stop-loss',
          '--stop',
          '2595',
        );
        expect(code, err).toBe(0);
        expect(err).toMatch(/now +SELL 2 GCG6 STP stop 2,590, 0 filled, PreSubmitted/);
        expect(err).toMatch(/then +stop 2,595/);
        expect(sentBy(desk)).toMatchObject([
          { type: 'modify', key: 'breakout-17', leg: 'stop-loss', stopPrice: '2595', by: 'person' },
        ]);
        expect(out).toContain('Sent, and IB has it: change of breakout-17 (stop-loss) to stop 2,595');
      });

      it.each([
        [
          ['--limit', '2600.15'],
          'TICK_SIZE, `limitPrice` 2600.15 of the entry is no multiple of 0.1, the tick of GCG6.',
        ],
        [['--quantity', '3'], 'BRACKET_INVALID, All legs of the bracket have a quantity of'],
        [['--quantity', '2.5'], 'LOT_SIZE, The quantity 2.5 of the entry is no multiple of 1.'],
        [
          ['--leg', 'stop-loss', '--limit', '2590'],
          'PRICE_INVALID, The stop-loss is a STP, which has no `limitPrice`',
        ],
      ])('%j shows the denial that is to be expected, before it is sent', async (change, words) => {
        await openTrading(desk);
        desk.world.ask = async () => 'no';
        const { code, err } = await desk.run('order', 'modify', 'breakout-17', ...change);
        expect(code).toBe(2);
        expect(err).toContain(`it would be denied: ${words}`);
        expect(sentBy(desk)).toEqual([]);
      });

      it('one that fits is to be expected to leave', async () => {
        await openTrading(desk);
        desk.world.ask = async () => 'no';
        const { err } = await desk.run('order', 'modify', 'breakout-17', '--limit', '2600.2');
        expect(err).toMatch(/expected +it leaves for IB, if the gate finds nothing against it$/m);
      });

      it('a denial is shown with what would be allowed', async () => {
        answers(desk, { state: 'denied', code: 'TICK_SIZE', message: 'off the tick', allowed: '2601' });
        const { code, out, err } = await desk.run(
          'order',
          'modify',
          'breakout-17',
          '--limit',
          '2601.05',
          '--yes',
        );
        expect(err).toMatch(/expected +it would be denied: SAFE_MODE/);
        expect(code).toBe(1);
        expect(out).toContain('Denied, TICK_SIZE:');
        expect(out).toContain('Allowed: 2601');
      });

      it('without an answer it is exit code 1, and Ctrl-C says that it is on its way', async () => {
        const argv = ['order', 'modify', 'breakout-17', '--limit', '2601', '--yes', '--wait', '1'];
        const { code, out } = await desk.run(...argv);
        expect(code).toBe(1);
        expect(out).toContain('The book does not show the change within 1 s.');
        desk.world.onSleep = () => desk.world.interrupt();
        expect(await desk.run(...argv)).toMatchObject({
          code: 130,
          err: expect.stringContaining('the change of breakout-17 is on its way'),
        });
      });

      it.each([
        [['breakout-17'], 'CHANGE_MISSING'],
        [['breakout-17', '--limit', '2600.10'], 'CHANGE_NONE: The order breakout-17 is so already (entry).'],
        [
          ['breakout-17', '--leg', 'take-profit', '--limit', '1'],
          'LEG_UNKNOWN: The order breakout-17 has no leg take-profit; its legs: entry, stop-loss.',
        ],
        [['17', '--limit', '1'], 'ORDER_UNKNOWN: Nothing was ordered under the key 17'],
      ])('%j is refused: %s', async (argv, words) => {
        const { code, err } = await desk.run('order', 'modify', ...argv, '--yes');
        expect(code).toBe(2);
        expect(err).toContain(words);
        expect(desk.world.sent).toEqual([]);
      });
    });

    describe('halt, reduce-only and resume', () => {
      it('are audited, show before and after, and say what stays', async () => {
        const halted = await desk.run('halt', '--reason', 'prints are nonsense');
        expect(halted).toMatchObject({ code: 0, err: '' });
        expect(halted.out).toMatch(
          /Trading of DU1234567: active -> halted since .* by arn:aws:iam::000000000000:user\/operator: prints are nonsense/,
        );
        expect(halted.out).toContain('What works at IB stays: 4 open orders and 0 positions.');
        expect(halted.out).toContain('Cancel with order cancel-all');
        const [item] = await desk.book.read(account, [{ kind: 'trading', id: '' }]);
        expect(item).toMatchObject({
          version: 1,
          body: { mode: 'halted', by: desk.world.identity.arn, reason: 'prints are nonsense' },
        });
        expect((await desk.run('status')).out).toMatch(/^trading +halted since .*prints are nonsense$/m);
        expect((await desk.run('halt', '--reason', 'again')).out).toContain('Nothing to change');
        const reduced = JSON.parse((await desk.run('reduce-only', '--reason', 'flatten', '--json')).out);
        expect(reduced).toMatchObject({
          before: { mode: 'halted' },
          after: { mode: 'reduce-only', reason: 'flatten' },
          result: 'changed',
        });
        expect((await desk.run('resume', '--reason', 'compared with TWS')).out).toContain('-> active');
        expect((await desk.run('status')).out).toMatch(/^trading +active$/m);
        const { rows } = JSON.parse((await desk.run('audit', '--json')).out);
        const names = rows
          .filter(({ writer }: { writer: string }) => writer === 'operator')
          .map(({ cause }: { cause: { name: string; reason: string } }) => `${cause.name}: ${cause.reason}`);
        expect(names).toEqual([
          'halt TRADING=halted: prints are nonsense',
          'reduce-only TRADING=reduce-only: flatten',
          'resume TRADING=active: compared with TWS',
        ]);
        expect((await desk.run('audit', 'verify', '--against-book')).code).toBe(0);
      });

      it('resume of what nobody has halted changes nothing; a broken state is halted until somebody says otherwise', async () => {
        expect((await desk.run('resume', '--reason', 'x')).out).toContain(
          'Nothing to change: trading of DU1234567 is active',
        );
        await put(desk, { kind: 'trading', id: '' }, { mode: 'perhaps' });
        expect((await desk.run('status')).out).toMatch(/^trading +halted: the item TRADING/m);
        expect((await desk.run('halt', '--reason', 'now said')).out).toContain('-> halted since');
      });

      it.each([[['halt']], [['halt', '--reason', ' ']], [['reduce-only']]])(
        '%j needs a reason',
        async (argv) => {
          const { code } = await desk.run(...argv);
          expect(code).toBe(2);
          expect(await desk.book.read(account, [{ kind: 'trading', id: '' }])).toEqual([undefined]);
        },
      );
    });
  },
);
