/** From an order that has left to what became of it, one transition after the other, and in any order of facts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrokerFact } from '../../../lib/domain/orders/broker-facts.ts';
import type { Intent } from '../../../lib/domain/orders/intent.ts';
import { legNames, type WishedLeg } from '../../../lib/domain/orders/order-wish.ts';
import {
  createSending,
  deadline,
  isWatched,
  type SendingEffect,
  type SendingInput,
  step,
} from '../../../lib/domain/orders/sending.ts';
import { completed, execution, openOrder, orderStatus, terms } from './tracker-harness.ts';

const acknowledgeMs = 10_000;
const roundsMax = 3;
const round = { kind: 'round', complete: true } as const;

const wished = (leg: WishedLeg['leg'], more: Partial<WishedLeg> = {}): WishedLeg => ({
  leg,
  action: 'BUY',
  quantity: '5',
  orderType: 'LMT',
  limitPrice: '5000',
  stopPrice: null,
  timeInForce: 'DAY',
  outsideRth: false,
  ...more,
});

function intent(key: string, legs: readonly WishedLeg[], more: Partial<Intent> = {}): Intent {
  return {
    key,
    commandId: `command of ${key}`,
    command: legs.length === 1 ? 'place' : 'place-bracket',
    issuedBy: 'test',
    state: 'sending',
    code: '',
    message: '',
    allowed: '',
    conId: 1,
    legs: legs.map(({ leg }, index) => ({ leg, orderRef: `${key}-${leg}`, orderId: 13 + index })),
    wish: { by: 'program', legs },
    clientId: 7,
    epoch: 1,
    journal: 'journal',
    issuedAt: '2026-01-05T14:30:00.000Z',
    at: '2026-01-05T14:30:00.000Z',
    ...more,
  };
}

const single = intent('one', [wished('entry')]);
const bracket = intent(
  'three',
  legNames.map((leg) => wished(leg)),
);
const change = intent('MOD-1', [wished('entry', { limitPrice: '5001' })], {
  command: 'modify',
  legs: [{ leg: 'entry', orderRef: 'one-entry', orderId: 13 }],
});

/** A machine, fed. */
class Machine {
  readonly effects: SendingEffect[] = [];
  readonly state = createSending({ clientId: 7, acknowledgeMs, roundsMax });
  nowMs = 0;

  feed(...inputs: readonly SendingInput[]): this {
    for (const input of inputs) this.effects.push(...step(this.state, input, this.nowMs).effects);
    return this;
  }

  fact(...facts: readonly BrokerFact[]): this {
    return this.feed(...facts.map((fact) => ({ kind: 'fact', fact }) as const));
  }

  /** `sent`, `rejected`, `unresolved`, `ambiguous`, `ask`. */
  get said(): string[] {
    return this.effects.map((effect) => (effect.kind === 'settled' ? effect.state : effect.kind));
  }
}

const sent = (of: Intent = single): Machine => new Machine().feed({ kind: 'sent', intent: of });
const recovered = (of: Intent = single): Machine => new Machine().feed({ kind: 'recovered', intent: of });
const shown = (leg = 'entry', index = 0, key = 'one') =>
  openOrder({ orderRef: `${key}-${leg}`, orderId: 13 + index });
const refused = (code: number, orderId = 13): BrokerFact => ({
  kind: 'order-error',
  orderId,
  clientId: 7,
  code,
  message: 'no',
});

describe('an order that has left', () => {
  it.each([
    ['openOrder with its reference', shown()],
    ['an order status with its id', orderStatus('Submitted')],
    ['an execution with its reference', execution('0001.01', '5', { orderRef: 'one-entry' })],
    ['a completed order with its reference', completed('Filled Size: 5', { orderRef: 'one-entry' })],
    ['a cancel, which only an order can have', refused(202)],
  ])('is acknowledged by %s, and then forgotten', (_name, fact) => {
    const machine = sent().fact(fact);
    expect(machine.said).toEqual(['sent']);
    expect(isWatched(machine.state, 'one')).toBe(false);
    expect(machine.fact(fact, refused(201)).said).toEqual(['sent']);
  });

  it.each([201, 103, 110, 200, 321])('is refused by error %i', (code) => {
    expect(sent().fact(refused(code)).said).toEqual(['rejected']);
  });

  it('is refused where the error comes behind the word Inactive', () => {
    const inactive = [openOrder({ orderRef: 'one-entry', status: 'Inactive' }), orderStatus('Inactive')];
    const machine = sent().fact(...inactive);
    expect(machine.said).toEqual([]);
    expect(machine.fact(refused(201)).effects).toMatchObject([
      { kind: 'settled', state: 'rejected', message: 'The broker refused entry: 201 no' },
    ]);
    expect(isWatched(machine.state, 'one')).toBe(false);
  });

  it.each([
    ['no error comes', { kind: 'tick' }],
    ['the link is lost', { kind: 'link-lost' }],
  ] as const)('that the broker holds back is acknowledged when %s', (_name, input) => {
    const machine = sent().fact(orderStatus('Inactive'));
    machine.nowMs = deadline(machine.state);
    expect(machine.nowMs).toBe(1_000);
    expect(machine.feed(input).effects).toMatchObject([
      { kind: 'settled', state: 'sent', message: expect.stringContaining('held back') },
    ]);
    expect(deadline(machine.state)).toBe(Number.POSITIVE_INFINITY);
  });

  it('a warning says nothing, and neither do facts of other orders and other clients', () => {
    const machine = sent().fact(
      refused(399),
      openOrder({ orderRef: 'another', orderId: 13 }),
      orderStatus('Submitted', '0', { clientId: 8 }),
      orderStatus('Submitted', '0', { orderId: 14 }),
      { ...refused(201), clientId: 8 } as BrokerFact,
      execution('0001.01', '5', { orderRef: '' }),
    );
    expect(machine.said).toEqual([]);
    expect(deadline(machine.state)).toBe(acknowledgeMs);
  });

  it('without a permanent id only the gateway has it: that is no acknowledgement', () => {
    const machine = sent().fact(
      openOrder({ orderRef: 'one-entry', permId: 0, status: 'PendingSubmit' }),
      orderStatus('PendingSubmit', '0', { permId: 0 }),
    );
    expect(machine.said).toEqual([]);
    expect(machine.fact(orderStatus('Submitted')).said).toEqual(['sent']);
  });

  it('is ambiguous when no answer comes in time, once, and is then looked for', () => {
    const machine = sent();
    machine.nowMs = acknowledgeMs - 1;
    expect(machine.feed({ kind: 'tick' }).said).toEqual([]);
    machine.nowMs = acknowledgeMs;
    machine.feed({ kind: 'tick' }, { kind: 'tick' }, { kind: 'link-lost' });
    expect(machine.said).toEqual(['ambiguous', 'ask']);
    expect(deadline(machine.state)).toBe(Number.POSITIVE_INFINITY);
    expect(machine.fact(shown()).said).toEqual(['ambiguous', 'ask', 'sent']);
  });

  it('S106 is ambiguous when the link is lost, or an error leaves its state open', () => {
    expect(sent().feed({ kind: 'link-lost' }).said).toEqual(['ambiguous']);
    expect(sent().fact(refused(135)).said).toEqual(['ambiguous', 'ask']);
  });

  it('of a run before this one is looked for at once; it is ambiguous already, and nobody is told twice', () => {
    const machine = recovered();
    expect(machine.said).toEqual(['ask']);
    expect(machine.feed({ kind: 'link-lost' }).said).toEqual(['ask']);
    expect(machine.fact(completed('Cancelled by Trader', { orderRef: 'one-entry' })).said).toEqual([
      'ask',
      'sent',
    ]);
  });

  it('found among the completed orders as refused it was refused', () => {
    const fact = completed('Rejected by System: no', { orderRef: 'one-entry', status: 'Inactive' });
    expect(recovered().fact(fact).said).toEqual(['ask', 'rejected']);
  });

  it('absent in three complete rounds it is unresolved, and a late word makes it sent', () => {
    const machine = recovered().feed({ kind: 'round', complete: false }, round, round);
    expect(machine.said).toEqual(['ask', 'ask', 'ask']);
    machine.feed(round);
    expect(machine.said.at(-1)).toBe('unresolved');
    expect(machine.effects.at(-1)).toMatchObject({ message: expect.stringContaining('one-entry (entry)') });
    expect(isWatched(machine.state, 'one')).toBe(true);
    const before = machine.said.length;
    machine.feed(round, round, round, round);
    expect(machine.said).toHaveLength(before);
    expect(machine.fact(shown()).said.at(-1)).toBe('sent');
  });

  it('rounds do not count before it is in doubt', () => {
    expect(sent().feed(round, round, round, round).said).toEqual([]);
  });
});

describe('a bracket that has left', () => {
  it('is acknowledged with its last leg', () => {
    const machine = sent(bracket).fact(shown('entry', 0, 'three'), shown('stop-loss', 2, 'three'));
    expect(machine.said).toEqual([]);
    expect(machine.fact(orderStatus('PreSubmitted', '0', { orderId: 14 })).said).toEqual(['sent']);
  });

  it('with its parent refused is refused, whatever the broker calls the end of its children', () => {
    const machine = sent(bracket).fact(
      refused(201),
      openOrder({ orderRef: 'three-entry', status: 'Inactive' }),
      orderStatus('ApiCancelled', '0', { orderId: 14, permId: 0 }),
      refused(202, 14),
      orderStatus('ApiCancelled', '0', { orderId: 15, permId: 0 }),
      refused(202, 15),
    );
    expect(machine.said).toEqual(['rejected']);
    expect(machine.effects[0]).toMatchObject({ message: 'The broker refused entry: 201 no' });
  });

  it('with its parent refused and not a word of its children is refused after three rounds, not unresolved', () => {
    const machine = sent(bracket).fact(refused(201)).fact(refused(135, 14)).feed(round, round, round);
    expect(machine.said.at(-1)).toBe('rejected');
    expect(isWatched(machine.state, 'three')).toBe(false);
  });

  it('with a child refused says so, and the rest is there', () => {
    const machine = sent(bracket).fact(
      shown('entry', 0, 'three'),
      shown('take-profit', 1, 'three'),
      refused(110, 15),
    );
    expect(machine.effects).toMatchObject([
      { kind: 'settled', state: 'sent', message: 'The broker refused stop-loss: 110 no' },
    ]);
  });
});

describe('a change that has left', () => {
  const withPrice = (limitPrice: string) =>
    openOrder({ orderRef: 'one-entry', terms: terms({ limitPrice }) });

  it('is acknowledged by the order with its new terms alone', () => {
    const machine = sent(change).fact(withPrice('5000'), orderStatus('Submitted'));
    expect(machine.said).toEqual([]);
    expect(machine.fact(withPrice('5001.0')).said).toEqual(['sent']);
  });

  it('is refused by an error, or when three rounds have the order with its former terms', () => {
    expect(sent(change).fact(refused(110)).said).toEqual(['rejected']);
    const machine = recovered(change).fact(withPrice('5000')).feed(round, round, round);
    expect(machine.said.at(-1)).toBe('rejected');
  });

  it('is not called done where its order has ended: nobody knows with which terms', () => {
    const ends = [completed('Cancelled by Trader', { orderRef: 'one-entry' }), refused(202)];
    for (const fact of ends)
      expect(sent(change).fact(fact).effects).toMatchObject([
        { kind: 'settled', state: 'sent', message: expect.stringContaining('The order has ended') },
      ]);
  });

  it('beside its order, of which not all was heard yet: each hears what concerns it', () => {
    // A bracket whose entry was changed before its children were acknowledged; a restart takes up both.
    const of = intent('MOD-2', [wished('entry', { limitPrice: '5001' })], {
      command: 'modify',
      legs: [bracket.legs[0]!],
    });
    const machine = recovered(bracket).feed({ kind: 'recovered', intent: of });
    machine.fact(openOrder({ orderRef: 'three-entry', terms: terms({ limitPrice: '5001' }) }));
    expect(machine.said.slice(2)).toEqual(['sent']);
    machine.fact(shown('take-profit', 1, 'three'), shown('stop-loss', 2, 'three'));
    expect(machine.said.slice(2)).toEqual(['sent', 'sent']);
  });

  it('its refusal is not that of the order which it changes', () => {
    const machine = recovered(single).feed({ kind: 'sent', intent: change }).fact(refused(110));
    expect(machine.effects.at(-1)).toMatchObject({
      kind: 'settled',
      intent: { key: 'MOD-1' },
      state: 'rejected',
    });
    expect(isWatched(machine.state, 'one')).toBe(true);
  });
});

describe('in any order of facts', () => {
  const anyFact: fc.Arbitrary<BrokerFact> = fc
    .record({
      leg: fc.constantFrom(0, 1, 2),
      kind: fc.nat(6),
      code: fc.constantFrom(201, 202, 103, 135, 399),
    })
    .map(({ leg, kind, code }) => {
      const orderRef = `three-${legNames[leg]}`;
      const orderId = 13 + leg;
      const facts: readonly BrokerFact[] = [
        openOrder({ orderRef, orderId }),
        openOrder({ orderRef, orderId, status: 'Inactive' }),
        orderStatus('Submitted', '0', { orderId }),
        orderStatus('Cancelled', '0', { orderId }),
        execution('0001.01', '1', { orderRef, orderId }),
        completed('Rejected by System: no', { orderRef }),
        refused(code, orderId),
      ];
      return facts[kind]!;
    });
  const anyInput: fc.Arbitrary<SendingInput> = fc.oneof(
    anyFact.map((fact) => ({ kind: 'fact', fact }) as const),
    fc.constant({ kind: 'link-lost' } as const),
    fc.constant({ kind: 'tick' } as const),
    fc.boolean().map((complete) => ({ kind: 'round', complete }) as const),
  );
  const isRefusal = (input: SendingInput): boolean =>
    input.kind === 'fact' &&
    ((input.fact.kind === 'order-error' && [201, 103].includes(input.fact.code)) ||
      input.fact.kind === 'completed-order');
  const isLife = (input: SendingInput): boolean =>
    input.kind === 'fact' &&
    (input.fact.kind === 'execution' ||
      ((input.fact.kind === 'open-order' || input.fact.kind === 'order-status') &&
        input.fact.status === 'Submitted'));

  it('each state is settled once at most, none without its cause, and nothing follows an end', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), fc.boolean(), (inputs, isRecovered) => {
        const machine = isRecovered ? recovered(bracket) : sent(bracket);
        const said: string[] = [];
        inputs.forEach((input, index) => {
          machine.nowMs += 1_500;
          const before = machine.effects.length;
          machine.feed(input);
          const heard = inputs.slice(0, index + 1);
          for (const effect of machine.effects.slice(before)) {
            expect(said).not.toContain('sent');
            expect(said).not.toContain('rejected');
            if (effect.kind === 'ask') continue;
            const word = effect.kind === 'settled' ? effect.state : 'ambiguous';
            expect(said).not.toContain(word);
            said.push(word);
            if (word === 'ambiguous') expect(isRecovered).toBe(false);
            if (word === 'unresolved')
              expect(
                heard.filter((each) => each.kind === 'round' && each.complete).length,
              ).toBeGreaterThanOrEqual(roundsMax);
            if (word === 'rejected') {
              expect(heard.some(isRefusal)).toBe(true);
              expect(heard.some(isLife)).toBe(false);
            }
            if (word === 'sent') expect(heard.some(({ kind }) => kind === 'fact')).toBe(true);
          }
          const isOver = said.includes('sent') || said.includes('rejected');
          expect(isWatched(machine.state, 'three')).toBe(!isOver);
        });
      }),
      { numRuns: 1_000 },
    );
  });
});
