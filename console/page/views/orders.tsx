import { Decimal } from 'decimal.js';
import { useMemo, useState } from 'preact/hooks';
import type { FillShown, OrderShown } from '../../wire/shapes.ts';
import { grouped, money, shortened } from '../format.ts';
import { Asked } from '../parts/asked.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Search, useSearch } from '../parts/search.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Card, Empty, Fact, Facts, Moment, orderTone, State } from '../parts/words.tsx';
import { topic } from '../topics.ts';

const isOpen = ({ working, status }: OrderShown) => working || status === 'Unknown';
const symbolOf = ({ contract }: OrderShown) => contract?.localSymbol || contract?.symbol || '';

function priceOf({ terms }: OrderShown): string {
  if (terms === null) return '';
  const { limitPrice, stopPrice, trailingPercent, orderType } = terms;
  const parts: string[] = [];
  if (limitPrice !== null && orderType !== 'MKT' && orderType !== 'STP') parts.push(grouped(limitPrice));
  if (trailingPercent !== null) parts.push(`trail ${trailingPercent} %`);
  else if (stopPrice !== null && stopPrice !== '0')
    parts.push(`${orderType.startsWith('TRAIL') ? 'trail' : 'stop'} ${grouped(stopPrice)}`);
  return parts.join(' ');
}

function notesOf(row: OrderShown): string {
  return [
    row.quarantined.length > 0 && `${row.quarantined.length} quarantined`,
    row.missing !== '0' && `${row.missing} filled at IB without an execution`,
    row.synthetic !== '0' && `${row.synthetic} synthetic`,
    row.liquidation && 'liquidation',
    row.reason?.message,
  ]
    .filter(Boolean)
    .join(', ');
}

const columns: readonly Column<OrderShown>[] = [
  { name: 'Order', cell: (row) => <code>{row.orderKey}</code>, by: (row) => row.permId },
  { name: 'Contract', cell: symbolOf, by: symbolOf },
  { name: 'Side', cell: (row) => row.terms?.action ?? '', by: (row) => row.terms?.action ?? '' },
  {
    name: 'Quantity',
    isNumber: true,
    cell: (row) => grouped(row.terms?.quantity ?? ''),
    by: (row) => row.terms?.quantity ?? '0',
  },
  {
    name: 'Type',
    spare: 1,
    cell: (row) => row.terms?.orderType ?? '',
    by: (row) => row.terms?.orderType ?? '',
  },
  { name: 'Price', isNumber: true, spare: 1, cell: priceOf },
  {
    name: 'Status',
    cell: (row) => (
      <State tone={orderTone(row.status)}>
        {row.status}
        {row.endedInPart ? ', in part' : ''}
      </State>
    ),
    by: (row) => row.status,
  },
  { name: 'Filled', isNumber: true, spare: 1, cell: (row) => grouped(row.filled), by: (row) => row.filled },
  {
    name: 'Average',
    isNumber: true,
    spare: 1,
    cell: (row) => shortened(row.averagePrice),
    by: (row) => row.averagePrice ?? '0',
  },
  { name: 'Reference', spare: 2, cell: (row) => row.orderRef, by: (row) => row.orderRef },
  { name: 'Note', spare: 2, cell: notesOf },
];

const textOf = (row: OrderShown) =>
  [
    row.orderKey,
    row.permId,
    symbolOf(row),
    row.terms?.action,
    row.terms?.orderType,
    row.status,
    row.orderRef,
    notesOf(row),
  ].join(' ');

type Which = 'open' | 'all';

export function Orders() {
  return (
    <>
      <Known topics={['orders']}>{() => <OrderList />}</Known>
      <Known topics={['fills']}>{() => <FillList />}</Known>
    </>
  );
}

function OrderList() {
  const { rows } = topic('orders').value;
  const [which, setWhich] = useState<Which | undefined>(undefined);
  const [shown, setShown] = useState<string | null>(null);
  const all = useMemo(() => [...rows.values()] as OrderShown[], [rows]);
  const open = useMemo(() => all.filter(isOpen), [all]);
  // Where none is open the ended ones are what there is to see.
  const chosen = which ?? (open.length > 0 ? 'open' : 'all');
  const listed = chosen === 'open' ? open : all;
  const { found, words, setWords } = useSearch(listed, textOf);
  return (
    <Card
      title="Orders"
      wide
      aside={
        <div class="tools">
          <fieldset class="choice">
            <legend class="sr">Which orders</legend>
            {(['open', 'all'] as const).map((name) => (
              <label key={name}>
                <input type="radio" name="which" checked={chosen === name} onChange={() => setWhich(name)} />
                <span>
                  {name === 'open' ? 'Open' : 'All'}{' '}
                  {(name === 'open' ? open : all).length.toLocaleString('en')}
                </span>
              </label>
            ))}
          </fieldset>
          <Search
            label="Search orders"
            words={words}
            setWords={setWords}
            found={found.length}
            all={listed.length}
          />
        </div>
      }
    >
      {all.length === 0 ? (
        <Empty title="No order yet">
          Orders of any origin appear here as soon as IB tells of them; place one with{' '}
          <code class="command">npm run ops -- order place</code>.
        </Empty>
      ) : found.length === 0 ? (
        <Empty title={words === '' ? 'No open order' : 'No order fits the search'}>
          {words === ''
            ? 'All shows those that have ended.'
            : 'Every word has to be in key, contract, side, status, reference or note.'}
        </Empty>
      ) : (
        <Table
          label="Orders"
          columns={columns}
          rows={found}
          keyOf={(row) => row.orderKey}
          sorted={['Order', 'down']}
          open={(row) => setShown(row.orderKey)}
          openLabel={(row) => `Order ${row.orderKey}, show its fills and history`}
        />
      )}
      {shown === null ? null : <OrderDetail orderKey={shown} close={() => setShown(null)} />}
    </Card>
  );
}

interface OrderRead {
  readonly order: OrderShown;
  readonly fills: readonly FillShown[];
  readonly events: readonly {
    readonly at: string;
    readonly event: string;
    readonly what: string;
    readonly writer: string;
    readonly seq: number;
  }[];
}

function OrderDetail({ orderKey, close }: { orderKey: string; close: () => void }) {
  return (
    <Modal title={`Order ${orderKey}`} close={close} isWide>
      <Asked<OrderRead> question={{ ask: 'order', key: orderKey }}>
        {({ order, fills, events }) => (
          <div class="dialog-body">
            <Facts>
              <Fact name="Contract">{symbolOf(order)}</Fact>
              <Fact name="Terms">
                {order.terms === null
                  ? 'not reported'
                  : `${order.terms.action} ${grouped(order.terms.quantity)} ${order.terms.orderType} ${priceOf(order)} ${order.terms.timeInForce}`}
              </Fact>
              <Fact name="Status">
                <State tone={orderTone(order.status)}>{order.status}</State>
              </Fact>
              <Fact name="Filled">
                {grouped(order.filled)}
                {order.averagePrice === null ? '' : ` at ${shortened(order.averagePrice)}`}
              </Fact>
              <Fact name="permId">{order.permId}</Fact>
              <Fact name="Reference">{order.orderRef || 'none'}</Fact>
              <Fact name="Note">{notesOf(order) || 'none'}</Fact>
            </Facts>
            <h3>Fills</h3>
            {fills.length === 0 ? (
              <p class="dim">None.</p>
            ) : (
              <ul class="plain">
                {fills.map((fill) => (
                  <li key={fill.execId}>
                    <Moment at={fill.at} /> {fill.side} {grouped(fill.quantity)} at {grouped(fill.price)}{' '}
                    <code class="dim">{fill.execId}</code>
                  </li>
                ))}
              </ul>
            )}
            <h3>History</h3>
            <ul class="plain">
              {events.map(({ at, event, what, writer, seq }) => (
                <li key={`${writer}${seq}`}>
                  <Moment at={at} /> <strong>{event}</strong> {what}{' '}
                  <span class="dim">
                    {writer} {seq}
                  </span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </Asked>
    </Modal>
  );
}

const fillColumns: readonly Column<FillShown>[] = [
  { name: 'Time', cell: (row) => <Moment at={row.at} />, by: (row) => row.at ?? '' },
  { name: 'Contract', cell: (row) => row.symbol, by: (row) => row.symbol },
  { name: 'Side', cell: (row) => row.side, by: (row) => row.side },
  { name: 'Quantity', isNumber: true, cell: (row) => grouped(row.quantity), by: (row) => row.quantity },
  { name: 'Price', isNumber: true, cell: (row) => grouped(row.price), by: (row) => row.price },
  {
    name: 'Commission',
    isNumber: true,
    spare: 1,
    cell: (row) => (row.commission === null ? '' : `${shortened(row.commission)} ${row.commissionCurrency}`),
    by: (row) => row.commission ?? '0',
  },
  {
    name: 'Realized',
    isNumber: true,
    spare: 1,
    cell: (row) => (row.realizedPnl === null ? '' : money(row.realizedPnl)),
    by: (row) => row.realizedPnl ?? '0',
  },
  { name: 'Order', spare: 1, cell: (row) => <code>{row.orderKey}</code>, by: (row) => row.orderKey },
  { name: 'Note', spare: 1, cell: fillNote },
];

function fillNote({ quantity, synthetic, revision }: FillShown): string {
  if (new Decimal(quantity).isZero()) return 'busted';
  if (synthetic) return 'synthetic';
  return revision > 1 ? 'corrected' : '';
}

function FillList() {
  const { rows } = topic('fills').value;
  const fills = useMemo(() => [...rows.values()] as FillShown[], [rows]);
  const { found, words, setWords } = useSearch(
    fills,
    (row) => `${row.symbol} ${row.side} ${row.orderKey} ${row.execId} ${fillNote(row)}`,
  );
  return (
    <Card
      title="Fills"
      wide
      aside={
        <Search
          label="Search fills"
          words={words}
          setWords={setWords}
          found={found.length}
          all={fills.length}
        />
      }
    >
      {fills.length === 0 ? (
        <Empty title="No fill yet">
          Executions appear here with corrections applied, as the book has them.
        </Empty>
      ) : (
        <Table
          label="Fills"
          columns={fillColumns}
          rows={found}
          keyOf={(row) => row.execId}
          sorted={['Time', 'down']}
        />
      )}
    </Card>
  );
}
