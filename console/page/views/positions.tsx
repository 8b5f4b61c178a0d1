import { Decimal } from 'decimal.js';
import { type PositionPair, pairPositions, verdictOf } from '../../wire/position-pairs.ts';
import type { BalanceShown, BrokerShown, ExposureShown, PositionShown } from '../../wire/shapes.ts';
import { grouped, money, shortened, signed } from '../format.ts';
import { Known } from '../parts/known.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Ago, Card, Empty, State } from '../parts/words.tsx';
import { headOf, rowsOf } from '../topics.ts';

export function Positions() {
  return (
    <>
      <Known topics={['positions', 'broker']}>{() => <PositionTable />}</Known>
      <Known topics={['balances', 'broker']}>{() => <BalanceTable />}</Known>
    </>
  );
}

function Difference({ pair }: { pair: PositionPair }) {
  switch (verdictOf(pair)) {
    case 'not compared':
      return <State tone="calm">not compared</State>;
    case 'same':
      return <State tone="good">same</State>;
    case 'moved':
      return <State tone="calm">the book has moved since that run</State>;
    case 'differs':
      return <State tone="bad">{signed(pair.difference!)} in the book</State>;
  }
}

function PositionTable() {
  const broker = headOf<BrokerShown | null>('broker') ?? null;
  const pairs = pairPositions(rowsOf<PositionShown>('positions'), broker);
  const worth = new Map(rowsOf<ExposureShown>('exposure').map((row) => [String(row.conId), row]));
  const different = pairs.filter((pair) => verdictOf(pair) === 'differs').length;
  const columns: readonly Column<PositionPair>[] = [
    { name: 'Contract', cell: (row) => <strong>{row.symbol}</strong>, by: (row) => row.symbol },
    { name: 'Kind', spare: 1, cell: (row) => row.kind, by: (row) => row.kind },
    {
      name: 'Book',
      isNumber: true,
      cell: (row) => grouped(row.book),
      by: (row) => row.book,
    },
    {
      name: 'IB',
      isNumber: true,
      cell: (row) => (row.broker === null ? <span class="dim">?</span> : grouped(row.broker)),
      by: (row) => row.broker ?? '0',
    },
    {
      name: 'Difference',
      cell: (row) => <Difference pair={row} />,
      by: (row) => row.difference ?? '',
    },
    {
      name: 'Average price',
      isNumber: true,
      spare: 1,
      cell: (row) => shortened(row.averagePrice),
      by: (row) => row.averagePrice ?? '0',
    },
    {
      name: 'Notional',
      isNumber: true,
      spare: 1,
      cell: (row) => {
        const shown = worth.get(row.key);
        return shown === undefined ? '' : `${money(shown.notional)} ${shown.currency}`;
      },
      by: (row) => worth.get(row.key)?.notional ?? '0',
    },
  ];
  return (
    <Card
      title="Positions"
      wide
      aside={
        different > 0 ? (
          <State tone="bad">
            {different} {different === 1 ? 'differs' : 'differ'}; <a href="#/plan">see the plan</a>
          </State>
        ) : undefined
      }
    >
      <BrokerNote broker={broker} outcome={broker?.positionsOutcome} />
      {pairs.length === 0 ? (
        <Empty title="No position">Neither the book nor IB holds anything.</Empty>
      ) : (
        <Table
          label="Positions of book and IB"
          columns={columns}
          rows={pairs}
          keyOf={({ key }) => key}
          sorted={['Contract', 'up']}
        />
      )}
    </Card>
  );
}

function BrokerNote({ broker, outcome }: { broker: BrokerShown | null; outcome: string | undefined }) {
  if (broker === null)
    return (
      <p class="dim">
        IB’s side is known once a reconcile has judged. <a href="#/reconcile">Reconcile now</a>
      </p>
    );
  return (
    <p class="dim">
      IB’s side as it was <Ago at={broker.atMs} />, in the evidence of <code>{broker.runId}</code>
      {outcome === 'ok' ? (
        '.'
      ) : (
        <State tone="warn">IB did not answer to the end ({outcome}): nothing is compared.</State>
      )}
    </p>
  );
}

function BalanceTable() {
  const broker = headOf<BrokerShown | null>('broker') ?? null;
  const isSure = broker?.balancesOutcome === 'ok';
  const theirs = new Map(broker?.balances.map(({ currency, cash }) => [currency, cash]));
  const rows = rowsOf<BalanceShown>('balances');
  const columns: readonly Column<BalanceShown>[] = [
    { name: 'Currency', cell: (row) => <strong>{row.currency}</strong>, by: (row) => row.currency },
    { name: 'Book', isNumber: true, cell: (row) => money(row.cash), by: (row) => row.cash },
    {
      name: 'IB',
      isNumber: true,
      cell: (row) => {
        const cash = isSure ? theirs.get(row.currency) : undefined;
        return cash === undefined ? <span class="dim">?</span> : money(cash);
      },
    },
    {
      name: 'Difference',
      isNumber: true,
      cell: (row) => {
        const cash = isSure ? theirs.get(row.currency) : undefined;
        if (cash === undefined) return '';
        const difference = new Decimal(row.cash).minus(cash);
        return difference.isZero() ? <span class="dim">0.00</span> : signed(difference.toFixed(2));
      },
    },
  ];
  return (
    <Card title="Cash" wide>
      {rows.length === 0 ? (
        <Empty title="No balance yet">It comes with the session’s first account values.</Empty>
      ) : (
        <Table label="Cash of book and IB" columns={columns} rows={rows} keyOf={({ currency }) => currency} />
      )}
    </Card>
  );
}
