import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { statusOfCompleted, statusOfWord } from '../../../lib/domain/orders/broker-words.ts';
import { errorVerdict } from '../../../lib/domain/orders/error-verdict.ts';
import {
  correctionMoves,
  isAccepted,
  isLegal,
  isLegalAfterCorrection,
  isTerminal,
  isWorking,
  legalMoves,
} from '../../../lib/domain/orders/legal-moves.ts';
import { type OrderStatus, orderStatuses } from '../../../lib/domain/orders/order-report.ts';

const page = readFileSync(new URL('../../../docs/orders.md', import.meta.url), 'utf8');

/** Rows of the table under a heading, as cells. */
function table(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('states and moves', () => {
  it('docs/orders.md has the table of moves', () => {
    const documented = table('Moves').map(([from, to]) => [from, to === '–' ? [] : to!.split(', ').sort()]);
    const moves = Object.entries(legalMoves).map(([from, to]) => [from, [...to].sort()]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(moves));
    expect(documented).toHaveLength(orderStatuses.length);
  });

  it('docs/orders.md has every state and its kind', () => {
    const kind = (status: OrderStatus) => {
      if (isTerminal(status)) return 'ended';
      if (isWorking(status)) return 'working';
      return status === 'Inactive' ? 'held' : 'unknown';
    };
    const documented = table('States').map(([status, kind]) => [status, kind]);
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(orderStatuses.map((status) => [status, kind(status)])),
    );
    expect(documented).toHaveLength(orderStatuses.length);
  });

  it('an end is left only for a better known one, and never for work', () => {
    for (const from of orderStatuses.filter(isTerminal)) {
      expect(legalMoves[from].filter((to) => !isTerminal(to))).toEqual([]);
      expect(isLegal(from, 'Filled')).toBe(from !== 'Filled');
    }
  });

  it('every order that has not ended can end in each way, and no state moves to itself', () => {
    for (const from of orderStatuses) {
      expect(isLegal(from, from)).toBe(false);
      if (isTerminal(from)) continue;
      for (const to of orderStatuses.filter(isTerminal)) expect(isLegal(from, to)).toBe(true);
    }
  });

  it('corrections take back only what follows from fills', () => {
    expect(Object.keys(correctionMoves).sort()).toEqual(['Filled', 'PartiallyFilled']);
    expect(isLegal('Filled', 'PartiallyFilled')).toBe(false);
    expect(isLegalAfterCorrection('Filled', 'PartiallyFilled')).toBe(true);
    expect(isLegalAfterCorrection('Cancelled', 'Submitted')).toBe(false);
  });

  it('an order is accepted once IB has it', () => {
    expect(orderStatuses.filter(isAccepted)).toEqual([
      'PreSubmitted',
      'Submitted',
      'PartiallyFilled',
      'PendingModify',
      'PendingCancel',
    ]);
  });
});

describe("IB's words", () => {
  const ours = ['ApiPending', 'PendingSubmit', 'PendingCancel', 'PreSubmitted', 'Submitted', 'ApiCancelled'];
  it.each([...ours, 'Cancelled', 'Filled', 'Inactive'])('%s is our state', (word) => {
    expect(statusOfWord(word)).toBe(word);
  });

  it.each(['', 'submitted', 'ValidationError', 'toString', 'PartiallyFilled'])('%j is Unknown', (word) => {
    expect(statusOfWord(word)).toBe('Unknown');
  });

  it('pending again is a modification, pending for the first time is not', () => {
    expect(statusOfWord('PendingSubmit', { before: 'Submitted' })).toBe('PendingModify');
    expect(statusOfWord('ApiPending', { before: 'PartiallyFilled' })).toBe('PendingModify');
    expect(statusOfWord('PendingSubmit', { before: 'ApiPending' })).toBe('PendingSubmit');
    expect(statusOfWord('PendingSubmit', { before: 'Inactive' })).toBe('PendingSubmit');
  });

  it('Inactive and Cancelled after a refusal are Rejected', () => {
    const reason = { code: 201, message: 'Order rejected - reason:margin' };
    expect(statusOfWord('Inactive', { before: 'PreSubmitted', reason })).toBe('Rejected');
    expect(statusOfWord('Cancelled', { before: 'PreSubmitted', reason })).toBe('Rejected');
    expect(statusOfWord('Submitted', { before: 'PreSubmitted', reason })).toBe('Submitted');
    expect(statusOfWord('Inactive', { reason: { code: 399, message: '' } })).toBe('Inactive');
  });

  it.each([
    ['Filled', 'Filled Size: 2', 'Filled'],
    ['Cancelled', 'Cancelled by Trader', 'Cancelled'],
    ['Cancelled', 'Rejected by System: no trading permissions', 'Rejected'],
    ['Inactive', 'Rejected by System: margin', 'Rejected'],
    ['Cancelled', 'Cancelled by System: Order expired', 'Expired'],
    ['Cancelled', '', 'Cancelled'],
    ['Filled', '', 'Filled'],
    ['', 'what is this', 'Unknown'],
  ])('completed %j %j is %s', (status, completedStatus, expected) => {
    expect(statusOfCompleted(status, completedStatus)).toBe(expected);
  });
});

describe('error codes', () => {
  it.each([
    [201, undefined, 'rejected'],
    [201, 'PendingSubmit', 'rejected'],
    [201, 'Submitted', 'ask'],
    [201, 'PendingModify', 'ask'],
    [103, undefined, 'rejected'],
    [103, 'Submitted', 'ask'],
    [110, 'ApiPending', 'rejected'],
    [110, 'Submitted', 'warning'],
    [110, 'Inactive', 'ask'],
    [202, 'PendingCancel', 'cancelled'],
    [202, undefined, 'cancelled'],
    [399, 'PreSubmitted', 'warning'],
    [404, 'PreSubmitted', 'warning'],
    [10349, undefined, 'warning'],
    [135, 'PendingCancel', 'ask'],
    [161, 'PendingCancel', 'ask'],
    [10147, 'PendingCancel', 'ask'],
    [10148, 'PendingCancel', 'ask'],
    [4711, 'Submitted', 'ask'],
  ] as const)('%i on %s: %s', (code, before, verdict) => {
    expect(errorVerdict(code, before)).toBe(verdict);
  });
});
