/** Which orders are asked about, and what the broker's answer says of them. */
import { describe, expect, it } from 'vitest';
import type { OrderWish } from '../../../lib/domain/orders/order-wish.ts';
import {
  isWhole,
  type MarginAnswer,
  marginDenial,
  marginQuestion,
} from '../../../lib/domain/safety/margin.ts';
import { bracket, leg, place, well } from '../../helpers/gate-picture.ts';

const enough = {
  kind: 'figures',
  status: 'PreSubmitted',
  warning: '',
  initMarginAfter: '54000.1',
  maintMarginAfter: '43200',
  equityWithLoanAfter: '54000.1',
} as const;

const denialOf = (answer: MarginAnswer): string => {
  const denial = marginDenial(answer);
  return denial === undefined ? 'enough' : `${denial.code} ${denial.message}`;
};

describe('the verdict', () => {
  it('is on the equity after the order against the initial margin after it, to the cent', () => {
    expect(denialOf(enough)).toBe('enough');
    expect(denialOf({ ...enough, equityWithLoanAfter: '54000.09' })).toMatch(
      /^MARGIN .*54000\.1.*54000\.09.*0\.01 too little/,
    );
    // As text 9 is more than 10.
    expect(denialOf({ ...enough, initMarginAfter: '100', equityWithLoanAfter: '99' })).toMatch(
      /1 too little/,
    );
    expect(denialOf({ ...enough, initMarginAfter: '0', equityWithLoanAfter: '-5' })).toMatch(/5 too little/);
    expect(denialOf({ ...enough, initMarginAfter: '0', equityWithLoanAfter: '0' })).toBe('enough');
  });

  it.each(['initMarginAfter', 'maintMarginAfter', 'equityWithLoanAfter'] as const)(
    'without %s in figures nobody knows, which denies',
    (name) => {
      for (const none of [null, 'NaN', '', 'Infinity', '1.7976931348623157E308']) {
        const answer = { ...enough, [name]: none };
        expect(isWhole(answer)).toBe(false);
        expect(denialOf(answer)).toMatch(new RegExp(`^MARGIN .*not whole: ${name} is no figure`));
      }
      expect(isWhole(enough)).toBe(true);
    },
  );

  it('a refusal and no answer are no word that there is enough', () => {
    expect(denialOf({ kind: 'refused', code: 201, message: 'not accepted' })).toMatch(
      /^MARGIN .*201 not accepted/,
    );
    expect(denialOf({ kind: 'none', why: 'no answer within 5000 ms' })).toMatch(
      /^MARGIN .*no answer within 5000 ms.*Nobody knows/,
    );
    expect(denialOf({ ...enough, status: 'Inactive', warning: 'too large' })).toMatch(/Inactive: too large/);
  });

  it('says what would be allowed', () => {
    const answers: MarginAnswer[] = [
      { kind: 'none', why: 'x' },
      { kind: 'refused', code: 1, message: 'x' },
      { ...enough, status: 'Inactive' },
      { ...enough, equityWithLoanAfter: '1' },
    ];
    for (const answer of answers) expect(marginDenial(answer)?.allowed).not.toBe('');
  });
});

describe('the question', () => {
  const modify = (more: object): OrderWish => ({
    command: 'modify',
    by: 'program',
    conId: 1,
    legs: [leg(more)],
  });
  const modified = (quantity: string, filled: string) => ({
    ...well,
    modified: { action: 'BUY', quantity, filled, isBracket: false } as const,
  });

  it('is of a single order, and of the entry of a bracket whatever its place', () => {
    expect(marginQuestion(well, place())).toMatchObject({ leg: 'entry', quantity: '1' });
    const wish = bracket();
    expect(marginQuestion(well, { ...wish, legs: wish.legs.toReversed() })).toMatchObject({ leg: 'entry' });
  });

  it('is not of what only reduces, and is of what would turn the position round', () => {
    const long = { ...well, position: '3' };
    expect(marginQuestion(long, place({ action: 'SELL', quantity: '3' }))).toBeUndefined();
    expect(marginQuestion(long, place({ action: 'SELL', quantity: '4' }))).toMatchObject({ quantity: '4' });
    expect(marginQuestion(long, place({ action: 'BUY' }))).toBeDefined();
    const flat: OrderWish = { ...place({ action: 'SELL', quantity: '3' }), command: 'flatten' };
    expect(marginQuestion(long, flat)).toBeUndefined();
  });

  it('is of a change that makes an entry larger, for all that is not filled', () => {
    expect(marginQuestion(modified('5', '2'), modify({ quantity: '7' }))).toMatchObject({ quantity: '5' });
    expect(marginQuestion(modified('5', '2'), modify({ quantity: '5', limitPrice: '2601' }))).toBeUndefined();
    expect(marginQuestion(modified('5', '2'), modify({ quantity: '4' }))).toBeUndefined();
    expect(marginQuestion(modified('5', '2'), modify({ leg: 'stop-loss', quantity: '7' }))).toBeUndefined();
    // What nobody knows is asked.
    expect(marginQuestion(modified('5', 'NaN'), modify({ quantity: '4' }))).toMatchObject({ quantity: '4' });
  });
});
