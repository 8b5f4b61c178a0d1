/** The book and its audit trail: rules 3, 10, 11 and what of rule 12 is the book's. */
import type { SimulationMutant } from './mutant.ts';

export const bookMutants: readonly SimulationMutant[] = [
  {
    id: 'M11',
    name: 'the audit row is written behind the change, and its failure is swallowed',
    rule: 3,
    finding: 'D1.11',
    file: 'lib/aws/book-table.ts',
    find: `      TransactItems: this.#actions(change, row, head),
      // Sent again by the SDK after a lost answer, the same row is the same transaction and not a conflict. Tokens are
      // those of the whole AWS account, so the table is in it.
      ClientRequestToken: digest([this.#bookTable, row.hash]).slice(0, clientTokenLength),
    });
    try {
      await this.#client.send(transaction);
`,
    replace: `      TransactItems: this.#actions(change, row, head).slice(0, -1),
      ClientRequestToken: digest([this.#bookTable, row.hash]).slice(0, clientTokenLength),
    });
    try {
      await this.#client.send(transaction);
      const audited = this.#actions(change, row, head).slice(-1);
      await this.#client.send(new TransactWriteItemsCommand({ TransactItems: audited })).catch(() => undefined);
`,
    expected: ['audit', 'audit-trail'],
    why: 'A smaller transaction, and a log that must not hold up the desk. A crash in between leaves an unaudited change.',
  },
  {
    id: 'M12',
    name: 'the audit row has only the first item of a transaction',
    rule: 3,
    file: 'lib/domain/audit/row.ts',
    find: 'changes: writes.map(',
    replace: 'changes: writes.slice(0, 1).map(',
    expected: ['audit-trail', 'audit'],
    why: 'One row, one item: what was written beside it cannot be told from the trail any more.',
  },
  {
    id: 'M13',
    name: 'a change counts as done though somebody else was faster',
    rule: 3,
    finding: 'D1.11',
    file: 'lib/aws/book-table.ts',
    find: "      if (isConflict(error)) return 'conflict';",
    replace: "      if (isConflict(error)) return 'committed';",
    expected: ['event-lost', 'book-broker', 'sent-unreserved', 'audit', 'written'],
    why: 'A conflict is caught and not told: what was to be written is lost without a word.',
  },
  {
    id: 'M14',
    name: 'what somebody else has written since is overwritten',
    rule: 3,
    file: 'lib/aws/book-table.ts',
    find: "    ConditionExpression: 'version = :former',",
    replace: "    ConditionExpression: 'version >= :former',",
    expected: ['audit-trail', 'audit', 'gate'],
    why: 'At least the version that was read: it looks like a guard, and lets every later one through.',
  },
  {
    id: 'M15',
    name: 'average price is cost by quantity',
    rule: 10,
    finding: 'D1.9',
    file: 'lib/domain/accounts/position-change.ts',
    find: `  const multiplier = amount(fact.contract.multiplier);
`,
    replace: `  const multiplier = amount(fact.position).abs();
`,
    expected: ['money', 'book-broker'],
    why: 'The broker gives the cost of one, with the multiplier in it; divided by the quantity it is no price.',
  },
  {
    id: 'M16',
    name: 'the average price of a fill is a float',
    rule: 10,
    finding: 'D3',
    file: 'lib/domain/orders/order-view.ts',
    find: '  return derivedPrice(value.div(quantity));',
    replace: '  return String(value.toNumber() / quantity.toNumber());',
    expected: ['money'],
    why: 'One division, at the very end. Three at 2700.1 cost 8100.3, and a third of that is 2700.1000000000004.',
  },
  {
    id: 'M17',
    name: 'the average price of a position is a float',
    rule: 10,
    file: 'lib/domain/accounts/position-change.ts',
    find: 'averagePrice: derivedPrice(multiplier.isZero() ? cost : cost.div(multiplier)),',
    replace: 'averagePrice: String(multiplier.isZero() ? cost : cost.toNumber() / multiplier.toNumber()),',
    expected: ['money', 'book-broker'],
    why: 'A price to look at, so a number will do. It is compared with the price that the broker gives.',
  },
  {
    id: 'M18',
    name: 'two contracts of one symbol are one position',
    rule: 11,
    finding: 'D2.g',
    file: 'lib/domain/accounts/position-change.ts',
    find: `  return \`\${account}:\${contract.conId}\`;`,
    replace: `  return \`\${account}:\${contract.symbol}\`;`,
    expected: ['keys', 'book-broker', 'fills-positions', 'quiet'],
    why: 'One instrument has one name, until two expiries are held at once.',
  },
  {
    id: 'M19',
    name: 'the book keeps positions by symbol',
    rule: 11,
    finding: 'D2.g',
    file: 'lib/domain/book/accounts.ts',
    find: "{ kind: 'position', id: String(report.contract.conId) }",
    replace: "{ kind: 'position', id: report.contract.symbol }",
    expected: ['keys', 'book-broker', 'fills-positions'],
    why: 'Readable keys. The second expiry overwrites the first.',
  },
  {
    id: 'M20',
    name: 'the correction of an execution is another execution',
    rule: 11,
    finding: 'D3',
    file: 'lib/domain/orders/exec-id.ts',
    find: '  return match ? { execBase: match[1]!, revision: Number(match[2]) } : { execBase: execId, revision: 0 };',
    replace:
      '  return match?.[2] === undefined ? { execBase: execId, revision: 0 } : { execBase: execId, revision: 0 };',
    expected: ['keys', 'fills-positions', 'book-broker'],
    why: 'An execId is unique, so it is the key: corrected fills count twice.',
  },
  {
    id: 'M21',
    name: 'of two words the one with the higher count is later, whatever the epoch',
    rule: 12,
    file: 'lib/domain/orders/stamp.ts',
    find: '  return a.epoch - b.epoch || a.seq - b.seq;',
    replace: '  return a.seq - b.seq;',
    expected: ['book-broker', 'fills-positions'],
    why: 'Counts begin anew with each epoch: a new streamer is not heard before it has said as much as the one before it.',
  },
  {
    id: 'M22',
    name: 'of positions and balances the last that arrives stays',
    rule: 12,
    file: 'lib/domain/book/accounts.ts',
    find: 'const isLater = stored === undefined || compareStamps(stored.stamp, at) < 0;',
    replace: 'const isLater = stored === undefined || compareStamps(stored.stamp, at) !== 0;',
    expected: ['book-broker', 'fills-positions', 'later-word'],
    why: 'The queue keeps the order. It does, until it delivers an old message once more.',
  },
  {
    id: 'M23',
    name: 'a part that is filled is no news while the status is the same',
    rule: 12,
    finding: 'D1.8',
    file: 'lib/domain/orders/tracker-orders.ts',
    find: "  if (folded.news) emit(state, 'fill.received', fill, order.account, fill.timeMs);",
    replace:
      "  if (folded.news && viewOf(folded.state).status !== order.report?.status) emit(state, 'fill.received', fill, order.account, fill.timeMs);",
    expected: ['fills-positions', 'book-broker', 'event-lost', 'fill-told'],
    why: 'An update is one of the status. The second part of a fill changes only the quantity.',
  },
];
