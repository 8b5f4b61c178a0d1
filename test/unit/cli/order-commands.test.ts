import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { intentBody } from '../../../lib/domain/orders/intent.ts';
import { positionEvent } from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, nowMs, type TestDesk } from './desk.ts';
import { answers, giveInstruments, gold, intentOf, openTrading, put, sentBy } from './order-desk.ts';

const buy = ['order', 'place', '--symbol', 'GCG6', '--side', 'buy', '--quantity', '2', '--type', 'lmt'];
const limit = ['--limit', '2600.1'];

describe.skipIf(!engineIsHere)(
  `order place, bracket and flatten${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      await giveInstruments(desk, gold);
      return () => desk.stop();
    });
    afterAll(async () => {
      await engine.stop();
    });

    it('shows what will happen, asks for the order in words, sends it as a person and says what became of it', async () => {
      await openTrading(desk);
      await desk.tell(positionEvent(gold.conId, '-1', { account, epoch: 7, seq: 1 }));
      answers(desk);
      const asked: string[] = [];
      desk.world.ask = async (question) => {
        asked.push(question);
        return 'buy 2 gcg6';
      };
      const { code, out, err } = await desk.run(...buy, ...limit, '--key', 'breakout-17');
      expect(code, err).toBe(0);
      expect(err).toMatch(/contract +GCG6, FUT GC COMEX, multiplier 100, tick 0\.1, conId 98765432/);
      expect(err).toMatch(/order +BUY 2 GCG6 LMT 2,600\.1 DAY/);
      expect(err).toMatch(/notional +520,020 USD = 2 x 2,600\.1 x 100/);
      expect(err).toMatch(/position +-1 now, 1 after it \(turns\)/);
      expect(err).toMatch(/flags +DRY_RUN and SAFE_MODE are off/);
      expect(err).toMatch(/lock +open for epoch 7/);
      expect(err).toMatch(/trading +active/);
      expect(err).toMatch(/limits +quantity 10, notional 2,000,000, position 20, prices within 0\.05/);
      expect(err).toMatch(/expected +it leaves for IB, if the gate finds nothing against it/);
      expect(asked).toEqual(['This orders in DU1234567, stage sandbox. Type BUY 2 GCG6 to go on: ']);
      const [command, ...more] = sentBy(desk);
      expect(more).toEqual([]);
      expect(command).toMatchObject({
        type: 'place',
        by: 'person',
        issuedBy: desk.world.identity.arn,
        account,
        key: 'breakout-17',
        conId: gold.conId,
        order: { leg: 'entry', action: 'BUY', quantity: '2', orderType: 'LMT', limitPrice: '2600.1' },
      });
      expect(out).toContain('Sent, and IB has it: BUY 2 GCG6 LMT 2,600.1 DAY');
      expect(out).toMatch(/entry +ek-[0-9a-f]{37} +41/);
    });

    it.each([
      ['sell 2 GCG6', 'NOT_CONFIRMED: That is not BUY 2 GCG6; nothing was sent.'],
      ['', 'NOT_CONFIRMED'],
      [undefined, 'CONFIRMATION_NEEDED: Nobody sits at this terminal to confirm; nothing was sent.'],
    ])('typed %j is no confirmation: nothing is sent', async (typed, words) => {
      desk.world.ask = typed === undefined ? undefined : async () => typed;
      const { code, err } = await desk.run(...buy, ...limit);
      expect(code).toBe(2);
      expect(err).toContain(words);
      expect(desk.world.sent).toEqual([]);
    });

    it('says beforehand that DRY_RUN sends nothing, and takes "would send" for a good end', async () => {
      await openTrading(desk);
      await desk.run('flags', 'set', 'DRY_RUN', 'true', '--reason', 'test');
      answers(desk, { state: 'would-send', message: 'DRY_RUN is on.' });
      const { code, out, err } = await desk.run(...buy, ...limit, '--yes');
      expect(err).toMatch(/expected +DRY_RUN: nothing leaves; it would be answered "would send"/);
      expect(code).toBe(0);
      expect(out).toContain('Would send (DRY_RUN): BUY 2 GCG6');
    });

    it('says beforehand what would be denied, and why', async () => {
      const expected = async (...argv: string[]) => /expected +(.*)/.exec((await desk.run(...argv)).err)?.[1];
      const place = [...buy, ...limit];
      expect(await expected(...place)).toBe('it would be denied: SAFE_MODE, SAFE_MODE is on');
      await desk.run('flags', 'preset', 'execute', '--reason', 'test');
      expect(await expected(...place)).toContain('it would be denied: RECONCILE_LOCKED');
      await desk.tell(positionEvent(gold.conId, '-2', { account, epoch: 7, seq: 1 }));
      expect(await expected(...place)).toContain('it leaves for IB');
      expect(await expected('order', 'flatten', 'GC')).toContain('it leaves for IB');
      await desk.run('reduce-only', '--reason', 'test');
      expect(await expected(...place)).toContain('it leaves for IB');
      await desk.run('halt', '--reason', 'test');
      expect(await expected(...place)).toBe('it would be denied: HALTED, trading is halted');
    });

    it('says beforehand that price or quantity do not fit the contract, and what would', async () => {
      await openTrading(desk);
      const expected = async (...argv: string[]) => /expected +(.*)/.exec((await desk.run(...argv)).err)?.[1];
      expect(await expected(...buy, ...limit.with(-1, '2600.15'))).toBe(
        'it would be denied: TICK_SIZE, `limitPrice` 2600.15 of the entry is no multiple of 0.1, the tick of GCG6. Allowed: 2600.1 or 2600.2.',
      );
      expect(await expected(...buy.with(7, '1.5'), ...limit)).toMatch(
        /^it would be denied: LOT_SIZE, The quantity 1\.5 of the entry is no multiple of 1\. Allowed: 1 or 2\.$/,
      );
    });

    it('says that there is nothing to flatten, and no order of nothing', async () => {
      await openTrading(desk);
      const { err } = await desk.run('order', 'flatten', 'GC');
      expect(err).toMatch(/^order +none: by the book there is nothing to flatten$/m);
      expect(err).toMatch(/^expected +no order leaves, where IB has no position either$/m);
      expect(err).not.toMatch(/SELL 0|opens/);
    });

    it('names the limits that it goes beyond', async () => {
      const { err } = await desk.run(...buy.with(7, '30'), ...limit);
      expect(err).toMatch(/goes beyond: quantity above 10, notional above 2000000, position above 20/);
    });

    it.each([
      [
        'denied',
        { code: 'TICK_SIZE', message: '2600.15 is no multiple of 0.1.', allowed: '2600.1 or 2600.2' },
      ],
      ['rejected', { message: 'The broker refused entry: 201 no margin' }],
      ['unresolved', { message: 'In 3 complete rounds the broker had no order with the reference.' }],
    ] as const)('%s ends with 1 and says why', async (state, more) => {
      await openTrading(desk);
      answers(desk, { state, ...more });
      const { code, out } = await desk.run(...buy, ...limit, '--yes');
      expect(code).toBe(1);
      expect(out).toContain(more.message);
      if ('allowed' in more) expect(out).toContain(`Denied, TICK_SIZE: BUY 2 GCG6`);
      if ('allowed' in more) expect(out).toContain('Allowed: 2600.1 or 2600.2');
      const json = await desk.run(...buy, ...limit, '--yes', '--json', '--key', 'another');
      expect(json.code).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({
        account,
        key: 'another',
        state,
        ...more,
        repeated: false,
      });
    });

    it('without an answer says what to do, and never to send it again', async () => {
      await openTrading(desk);
      const { code, out } = await desk.run(...buy, ...limit, '--yes', '--wait', '3', '--key', 'slow');
      expect(code).toBe(1);
      expect(out).toContain('No answer within 3 s. The streamer has not recorded the command');
      expect(out.replaceAll(/\s+/g, ' ')).toContain(
        'Look at status and orders. Do not order it again under another key: the same command with --key slow is the same order.',
      );
      answers(desk, { state: 'sending' });
      const later = await desk.run(...buy, ...limit, '--yes', '--wait', '3', '--json', '--key', 'slower');
      expect(JSON.parse(later.out)).toMatchObject({ state: 'unanswered', code: 'ORDER_UNANSWERED' });
      expect(JSON.parse(later.out).message).toContain('it may have left');
    });

    it('a key that the book has is an order already: nothing is sent', async () => {
      await openTrading(desk);
      answers(desk);
      await desk.run(...buy, ...limit, '--yes', '--key', 'once');
      desk.later(3_600_000);
      const { code, out } = await desk.run(...buy.with(7, '5'), ...limit, '--yes', '--key', 'once');
      expect(code).toBe(0);
      expect(out).toContain('The key once is an order already; nothing was sent now.');
      // It stands for two contracts, not for the five that are asked for now.
      expect(out).not.toContain('BUY 5');
      expect(out).toMatch(
        /Sent, and IB has it: BUY 2 GCG6 LMT 2,600\.1 DAY \(place by arn:.*, 2026-01-05 16:00:00\)/,
      );
      expect(sentBy(desk)).toHaveLength(1);
    });

    it('without a key the same order within ten seconds is one, later it is another', async () => {
      await openTrading(desk);
      answers(desk);
      const keys: string[] = [];
      const place = async (...more: string[]) => {
        const { out } = await desk.run(...buy, ...limit, '--yes', '--json', ...more);
        keys.push(JSON.parse(out).key);
      };
      // The two stand on both sides of an edge of the rounded time.
      desk.later(9_500);
      await place();
      desk.later(1_000);
      await place();
      expect(sentBy(desk)).toHaveLength(1);
      desk.later(10_001);
      await place();
      await place('--key', 'wanted-twice');
      expect(sentBy(desk)).toHaveLength(3);
      expect(keys[1]).toBe(keys[0]);
      expect(new Set(keys).size).toBe(3);
    });

    it('Ctrl-C ends the watching and says that the order is on its way', async () => {
      await openTrading(desk);
      desk.world.onSleep = () => desk.world.interrupt();
      const { code, err } = await desk.run(...buy, ...limit, '--yes', '--key', 'left-alone');
      expect(code).toBe(130);
      expect(err).toContain('WATCHING_INTERRUPTED: You no longer watch; the order with the key left-alone');
      expect(sentBy(desk)).toHaveLength(1);
    });

    it('a queue that cannot be reached may have taken it all the same', async () => {
      await openTrading(desk);
      desk.world.sent = Object.assign([], {
        push: () => {
          throw Object.assign(new Error('connect'), { code: 'ECONNRESET' });
        },
      });
      const { code, err } = await desk.run(...buy, ...limit, '--yes', '--key', 'lost');
      expect(code).toBe(4);
      expect(err).toContain('The command may have reached its queue nevertheless: look at orders first.');
      expect(err).toContain('Repeat it with --key lost: then it is one order.');
    });

    it('a bracket shows what is at risk and sends the three legs', async () => {
      await openTrading(desk);
      answers(desk);
      const bracket = ['bracket', '--take-profit', '2620', '--stop-loss', '2590', ...limit];
      const { code, out, err } = await desk.run('order', ...bracket, ...buy.slice(2), '--yes');
      expect(code, err).toBe(0);
      expect(err).toMatch(/take-profit +SELL 2 GCG6 LMT 2,620 GTC/);
      expect(err).toMatch(/stop-loss +SELL 2 GCG6 STP stop 2,590 GTC/);
      expect(err).toMatch(/at risk +2,020 USD down to the stop/);
      expect(err).toMatch(/to win +3,980 USD up to the target/);
      expect(sentBy(desk)).toMatchObject([
        {
          type: 'place-bracket',
          by: 'person',
          legs: [
            { leg: 'entry', action: 'BUY' },
            { leg: 'take-profit', action: 'SELL', limitPrice: '2620', timeInForce: 'GTC' },
            { leg: 'stop-loss', action: 'SELL', stopPrice: '2590', timeInForce: 'GTC' },
          ],
        },
      ]);
      expect(out).toMatch(/stop-loss +ek-/);
    });

    it('a market order is reckoned with the last candle', async () => {
      await desk.candles.put({
        conId: gold.conId,
        symbol: 'GCG6',
        intervalMs: 60_000,
        startMs: nowMs - 120_000,
        sessionDate: '2026-01-05',
        open: '2600',
        high: '2601',
        low: '2599',
        close: '2600.5',
        volume: '3',
        tickCount: 3,
        source: 'live',
        volumeSource: 'rtvolume',
        partial: false,
        noTrades: false,
        epoch: 7,
        revision: 0,
      });
      const { err } = await desk.run(...buy.with(9, 'MKT'));
      expect(err).toMatch(/notional +520,100 USD = 2 x 2,600\.5 \(the last candle\) x 100/);
    });

    it('flatten closes what the book has, by the words "flatten GCG6"', async () => {
      await openTrading(desk);
      await desk.tell(positionEvent(gold.conId, '3', { account, epoch: 7, seq: 1 }));
      answers(desk);
      desk.world.ask = async () => 'flatten gcg6';
      const { code, err } = await desk.run('order', 'flatten', 'GC', '--key', 'out-1');
      expect(code, err).toBe(0);
      expect(err).toMatch(/order +SELL 3 GCG6 MKT DAY/);
      expect(err).toMatch(/position +3 now, 0 after it \(closes\)/);
      expect(sentBy(desk)).toMatchObject([
        { type: 'flatten', conId: gold.conId, key: 'out-1', by: 'person' },
      ]);
    });

    it('flatten of nothing leaves the word to IB, which may know of a position that the book lacks', async () => {
      answers(desk, { state: 'denied', code: 'NOTHING_TO_FLATTEN', message: 'There is no position.' });
      const { code, out, err } = await desk.run('order', 'flatten', 'GCG6', '--yes');
      expect(err).toContain('By the book there is nothing to flatten in GCG6');
      expect(code).toBe(1);
      expect(out).toContain('Denied, NOTHING_TO_FLATTEN: flatten GCG6');
    });

    describe('the symbol', () => {
      const old = { ...gold, conId: 11, localSymbol: 'GCZ5', expiry: '20251229' };
      const micro = { ...gold, conId: 12, localSymbol: 'MGCG6', symbol: 'MGC', configured: 'MGC' };
      const later = { ...gold, conId: 13, localSymbol: 'GCJ6', configured: 'GCJ6', expiry: '20260428' };

      it.each([
        ['gcg6', gold.conId],
        ['GC', gold.conId],
        ['12', 12],
        ['MGC', 12],
        ['GCZ5', 11],
      ])('%s is conId %i', async (symbol, conId) => {
        await giveInstruments(desk, old, micro);
        const { err } = await desk.run(...buy.with(3, symbol), ...limit);
        expect(err).toContain(`conId ${conId}`);
      });

      it('that may be two is an error which lists them', async () => {
        await giveInstruments(desk, { ...later, configured: 'GC' });
        const { code, err } = await desk.run(...buy.with(3, 'GC'), ...limit, '--yes');
        expect(code).toBe(2);
        expect(err).toContain(
          'SYMBOL_AMBIGUOUS: GC may be GCJ6 (COMEX, conId 13), GCG6 (COMEX, conId 98765432). Name one of them.',
        );
        expect(desk.world.sent).toEqual([]);
      });

      it('that nobody has resolved cannot be ordered', async () => {
        const { code, err } = await desk.run(...buy.with(3, 'GCG7'), ...limit, '--yes');
        expect(code).toBe(2);
        expect(err).toContain('There is no symbol GCG7 that a streamer of this account has resolved');
        expect(err).toContain('Did you mean GCG6?');
      });
    });

    it.each([
      [[...buy], 'PRICE_MISSING: An order of type LMT needs --limit.'],
      [[...buy, ...limit, '--stop', '1'], 'PRICE_UNWANTED: An order of type LMT has no --stop.'],
      [[...buy.with(9, 'stp-lmt'), ...limit], 'PRICE_MISSING: An order of type STP LMT needs --stop.'],
      [[...buy.with(9, 'moc'), ...limit], 'There is no order type moc; valid: MKT, LMT, STP, STP LMT.'],
      [[...buy.with(5, 'hold'), ...limit], 'There is no side hold; valid: BUY, SELL.'],
      [[...buy.with(7, '-1'), ...limit], 'QUANTITY_INVALID: -1 is no quantity'],
      [[...buy.with(7, 'NaN'), ...limit], 'QUANTITY_INVALID: NaN is no quantity'],
      [[...buy.with(7, '0.0'), ...limit], 'QUANTITY_INVALID: 0.0 is no quantity'],
      [[...buy, '--limit', '1e3'], 'NUMBER_INVALID: 1e3 is no decimal number.'],
      [[...buy, ...limit, '--key', 'a b'], 'KEY_INVALID: a b is no key'],
      [[...buy, ...limit, '--wait', '0'], 'Allowed: seconds, from 1 to 3600.'],
      [
        ['order', 'bracket', ...buy.slice(2), ...limit],
        "required option '--take-profit <price>' not specified",
      ],
    ])('%j is refused: %s', async (argv, words) => {
      const { code, err } = await desk.run(...argv, '--yes');
      expect(err).toContain(words);
      expect(code).toBe(2);
      expect(desk.world.sent).toEqual([]);
    });

    it('an intent of another version stops everything, and nothing is ordered twice', async () => {
      await put(desk, { kind: 'intent', id: 'odd' }, { key: 'odd', state: 'teleported' });
      const { code, err } = await desk.run(...buy, ...limit, '--yes', '--key', 'odd');
      expect(code).toBe(1);
      expect(err).toContain('INTENT_INVALID: The item INTENT#odd of the book is no intent of this program');
      expect(desk.world.sent).toEqual([]);
    });

    it('a command of somebody else that was faster under the key is shown as what it is', async () => {
      await openTrading(desk);
      desk.world.onSleep = async () => {
        const [mine] = sentBy(desk);
        const theirs = { ...intentOf(mine!), commandId: '186a466b-fc06-821c-9f04-5b6d6e18e294' };
        const [stored] = await desk.book.read(account, [{ kind: 'intent', id: 'race' }]);
        if (stored === undefined) await put(desk, { kind: 'intent', id: 'race' }, intentBody(theirs));
      };
      const { out } = await desk.run(...buy, ...limit, '--yes', '--key', 'race');
      expect(out).toContain('The key race is an order already');
    });
  },
);
