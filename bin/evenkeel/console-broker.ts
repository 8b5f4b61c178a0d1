import type { BrokerShown } from '../../console/wire/shapes.ts';
import { type CashValue, cashValue, followsCash } from '../../lib/domain/accounts/cash-value.ts';
import type { AccountValueFact } from '../../lib/domain/orders/broker-facts.ts';
import { type Evidence, parseEvidence } from '../../lib/reconcile/evidence.ts';
import { loadText } from '../../lib/reconcile/stored-text.ts';
import { readState } from './reconcile-read.ts';
import { listRuns } from './reconcile-runs.ts';
import type { Session } from './session.ts';

const runsSearched = 50;

/**
 * What IB had, from the evidence of the last run that has some: the snapshot that the run judged, under the hash that the
 * audit trail binds. Null before the first.
 */
export function brokerOf(
  portsNow: () => Session['ports'],
  { account, config, io }: Pick<Session, 'account' | 'config' | 'io'>,
): () => Promise<BrokerShown | null> {
  let known: BrokerShown | null = null;
  return async () => {
    const ports = portsNow();
    const state = await readState(ports.book, account);
    let run = state?.last;
    if (run?.evidence === null) {
      // The last one was postponed, or is under way.
      const wish = { limit: runsSearched, nowMs: io.nowMs(), settings: config.reconcile };
      const { runs } = await listRuns(ports.audit, account, wish);
      run = runs.find(({ evidence }) => evidence !== null);
    }
    if (run === undefined || run.evidence === null) return null;
    if (known?.runId === run.runId) return known;
    const errors = { missing: 'EVIDENCE_MISSING', corrupt: 'EVIDENCE_CORRUPT' } as const;
    const text = await loadText(await ports.reconcile(), run.evidence, errors);
    known = brokerShown(run.runId, parseEvidence(run.evidence.key, text));
    return known;
  };
}

function brokerShown(runId: string, { input: { broker, book } }: Evidence): BrokerShown | null {
  if (broker === null) return null;
  const { positions, accountValues, completedAtMs } = broker;
  return {
    runId,
    atMs: completedAtMs,
    positionsOutcome: positions.outcome,
    balancesOutcome: accountValues.outcome,
    positions: positions.rows.map(({ contract, position }) => {
      const { conId, symbol, localSymbol, secType, currency } = contract;
      return { conId, symbol, localSymbol, secType, currency, position };
    }),
    balances: cashOf(accountValues.rows),
    book: [...book.positions].map(([conId, { body }]) => ({ conId: Number(conId), position: body.position })),
  };
}

/** Of each currency the name of cash that the book follows too. */
function cashOf(rows: readonly AccountValueFact[]): BrokerShown['balances'] {
  const cash = new Map<string, CashValue>();
  for (const row of rows) {
    const value = cashValue(row);
    if (value === undefined) continue;
    const { currency } = value.balance;
    if (followsCash(cash.get(currency), value)) cash.set(currency, value);
  }
  return [...cash.values()].map(({ balance: { currency, cash: amount } }) => ({ currency, cash: amount }));
}
