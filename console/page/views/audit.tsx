import { useMemo, useState } from 'preact/hooks';
import type { AuditShown, AuditVerified, StatusShown } from '../../wire/shapes.ts';
import { count, who } from '../format.ts';
import { Failed, useWork } from '../parts/asked.tsx';
import { Modal } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Search, useSearch } from '../parts/search.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Card, Empty, Fact, Facts, Moment, State } from '../parts/words.tsx';
import { headOf, topic } from '../topics.ts';

const itemsNamed = 3;

function itemsOf({ items }: AuditShown): string {
  const named = items
    .slice(0, itemsNamed)
    .map(({ item, version }) => (version === null ? `${item} deleted` : `${item} v${version}`));
  return items.length > itemsNamed
    ? `${named.join(', ')} and ${items.length - itemsNamed} more`
    : named.join(', ');
}

const keyOf = ({ writer, seq }: AuditShown) => `${writer}#${seq}`;

const whatOf = ({ cause }: AuditShown) =>
  cause.reason === '' ? cause.name : `${cause.name}: ${cause.reason}`;

const columns: readonly Column<AuditShown>[] = [
  { name: 'Time', cell: (row) => <Moment at={row.at} />, by: (row) => row.at },
  { name: 'What', cell: whatOf, by: whatOf },
  { name: 'By', spare: 1, cell: (row) => who(row.cause.id), by: (row) => row.cause.id },
  { name: 'Order', spare: 1, cell: (row) => <code>{row.orderKey}</code>, by: (row) => row.orderKey },
  { name: 'Items', spare: 2, cell: itemsOf },
  { name: 'Chain', spare: 1, cell: (row) => row.writer, by: (row) => row.writer },
  { name: 'Row', isNumber: true, cell: (row) => row.seq, by: (row) => row.seq },
];

const textOf = (row: AuditShown) =>
  [
    row.at,
    row.writer,
    row.seq,
    whatOf(row),
    row.cause.kind,
    row.cause.id,
    row.orderKey,
    ...row.items.map(({ item }) => item),
  ].join(' ');

export function Audit() {
  const { rows } = topic('audit').value;
  const older = useWork<{ readonly rows: readonly AuditShown[]; readonly more: boolean }>();
  const all = useMemo(() => {
    const latest = [...rows.values()] as AuditShown[];
    const known = new Set(latest.map(keyOf));
    const before = (older.result?.rows ?? []).filter((row) => !known.has(keyOf(row)));
    return [...before, ...latest].toReversed();
  }, [rows, older.result]);
  const { found, words, setWords } = useSearch(all, textOf);
  const [shown, setShown] = useState<AuditShown | null>(null);
  const more = headOf<{ readonly more: boolean }>('audit')?.more ?? false;
  return (
    <>
      <Chains />
      <Card
        title="Rows"
        wide
        aside={
          <Search
            label="Search the rows"
            words={words}
            setWords={setWords}
            found={found.length}
            all={all.length}
          />
        }
      >
        <Known topics={['audit']}>
          {() =>
            all.length === 0 ? (
              <Empty title="The audit trail is empty">
                Every change of the book adds a row: who, what, why, and the item as it is then.
              </Empty>
            ) : found.length === 0 ? (
              <Empty title="No row fits the search">
                Search by order, item, event, chain, person or reason.
              </Empty>
            ) : (
              <Table
                label="Rows of the audit trail"
                columns={columns}
                rows={found}
                keyOf={keyOf}
                open={setShown}
                openLabel={(row) => `Row ${row.seq} of ${row.writer}: ${whatOf(row)}`}
              />
            )
          }
        </Known>
        {more ? (
          <div class="tools">
            <span class="dim">
              {all.length.toLocaleString('en')} rows are here.{' '}
              {older.result?.more ? 'Not all of that time: the command has the rest. ' : ''}
              Look further back:
            </span>
            {[1, 7, 30].map((days) => (
              <button
                key={days}
                type="button"
                disabled={older.isBusy}
                onClick={() => older.begin({ ask: 'audit', days })}
              >
                {days === 1 ? '1 day' : `${days} days`}
              </button>
            ))}
            <Failed reply={older.reply} />
          </div>
        ) : null}
      </Card>
      {shown === null ? null : <RowDetail row={shown} close={() => setShown(null)} />}
    </>
  );
}

function RowDetail({ row, close }: { row: AuditShown; close: () => void }) {
  return (
    <Modal title={`Row ${row.seq} of ${row.writer}`} close={close} isWide>
      <div class="dialog-body">
        <Facts>
          <Fact name="Time">
            <Moment at={row.at} />
          </Fact>
          <Fact name="What">
            {row.cause.name} <span class="dim">({row.cause.kind})</span>
          </Fact>
          <Fact name="Why">{row.cause.reason || 'no reason is kept with it'}</Fact>
          <Fact name="By">
            <code class="long">{row.cause.id}</code>
          </Fact>
          <Fact name="Order">{row.orderKey || 'none'}</Fact>
          <Fact name="Hash">
            <code class="long">{row.hash}</code>
          </Fact>
          <Fact name="Hash before">
            <code class="long">{row.previousHash}</code>
          </Fact>
        </Facts>
        <h3>Items</h3>
        <ul class="plain">
          {row.items.map(({ item, version }) => (
            <li key={item}>
              <code>{item}</code> {version === null ? 'deleted' : `version ${version}`}
            </li>
          ))}
        </ul>
      </div>
    </Modal>
  );
}

function Chains() {
  const { isBusy, reply, result, begin } = useWork<AuditVerified>();
  const chains = headOf<StatusShown>('status')?.chains ?? [];
  return (
    <Card
      title="Chains"
      wide
      aside={
        <div class="tools">
          <button type="button" disabled={isBusy} onClick={() => begin({ ask: 'verify-audit' })}>
            {isBusy ? 'Walking the chains…' : 'Verify'}
          </button>
          <button
            type="button"
            disabled={isBusy}
            onClick={() => begin({ ask: 'verify-audit', againstBook: true })}
          >
            Verify against the book
          </button>
        </div>
      }
    >
      <Failed reply={reply} />
      {result === undefined ? (
        <ul class="chips">
          {chains.map(({ writer, seq }) => (
            <li key={writer}>
              {writer} <span class="dim">{count(seq, 'row')}</span>
            </li>
          ))}
        </ul>
      ) : (
        <>
          <p>
            <State tone={result.ok ? 'good' : 'bad'}>
              {result.ok ? 'The audit trail is whole' : 'The trail or the book was changed by something else'}
            </State>{' '}
            <span class="dim">
              as of <Moment at={result.checkedAt} />
            </span>
          </p>
          <ul class="chips">
            {result.chains.map(({ writer, rows, finding }) => (
              <li key={writer}>
                <State tone={finding === undefined ? 'good' : 'bad'}>{writer}</State>{' '}
                <span class="dim">{finding === undefined ? count(rows, 'good row') : finding.message}</span>
              </li>
            ))}
          </ul>
          {result.againstBook === null ? null : (
            <p>
              {result.againstBook.differences.length === 0
                ? `${count(result.againstBook.items, 'item')} of the book are what the trail makes, byte for byte.`
                : `${count(result.againstBook.differences.length, 'item')} of the book differ from the trail: ${result.againstBook.differences
                    .slice(0, 5)
                    .map(({ item }) => item)
                    .join(', ')}.`}
            </p>
          )}
        </>
      )}
    </Card>
  );
}
