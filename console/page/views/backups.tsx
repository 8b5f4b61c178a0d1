import { useMemo, useState } from 'preact/hooks';
import type { BackupManifest } from '../../../lib/domain/backup/manifest.ts';
import type { BackupShown, BackupVerified } from '../../wire/shapes.ts';
import { backupDeed } from '../deeds.tsx';
import { count, size, took, who } from '../format.ts';
import { Asked, Failed, useWork } from '../parts/asked.tsx';
import { DeedDialog, Modal } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Ago, Card, Empty, Fact, Facts, Hash, Moment, State } from '../parts/words.tsx';
import { hello, topic } from '../topics.ts';

const figure = (value: number | null) => value?.toLocaleString('en') ?? '';

const columns: readonly Column<BackupShown>[] = [
  { name: '#', isNumber: true, cell: (row) => row.number, by: (row) => row.number },
  { name: 'Backup', cell: (row) => <code>{row.id ?? 'unreadable'}</code>, by: (row) => row.id ?? '' },
  {
    name: 'Age',
    isNumber: true,
    cell: (row) => <Ago at={row.instant} after="" />,
    by: (row) => row.instant ?? '',
  },
  {
    name: 'Manifest',
    cell: (row) => <State tone={row.finding === null ? 'good' : 'bad'}>{row.finding?.code ?? 'whole'}</State>,
  },
  {
    name: 'Orders',
    isNumber: true,
    spare: 1,
    cell: (row) => figure(row.orders),
    by: (row) => row.orders ?? 0,
  },
  { name: 'Fills', isNumber: true, spare: 1, cell: (row) => figure(row.fills), by: (row) => row.fills ?? 0 },
  {
    name: 'Audit rows',
    isNumber: true,
    spare: 1,
    cell: (row) => figure(row.auditRows),
    by: (row) => row.auditRows ?? 0,
  },
  {
    name: 'Stored',
    isNumber: true,
    spare: 1,
    cell: (row) => (row.storedBytes === null ? '' : size(row.storedBytes)),
    by: (row) => row.storedBytes ?? 0,
  },
  {
    name: 'Asked for',
    spare: 2,
    cell: (row) => (row.trigger ?? '').replaceAll(/arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:/g, ''),
  },
];

export function Backups() {
  const { rows } = topic('backups').value;
  const all = useMemo(() => [...rows.values()] as BackupShown[], [rows]);
  const [isAsking, setAsking] = useState(false);
  const [shown, setShown] = useState<BackupShown | null>(null);
  return (
    <>
      <Card
        title="Backups"
        wide
        aside={
          <button type="button" class="main" onClick={() => setAsking(true)}>
            Back up now…
          </button>
        }
      >
        <Known topics={['backups']}>
          {() =>
            all.length === 0 ? (
              <Empty title="There is no backup yet">
                One is made each day, and before any plan is applied. Make the first now.
              </Empty>
            ) : (
              <Table
                label="Backups"
                columns={columns}
                rows={all}
                keyOf={(row) => String(row.number)}
                sorted={['#', 'down']}
                open={setShown}
                openLabel={(row) => `Backup ${row.number}, ${row.id ?? 'unreadable'}: show its manifest`}
              />
            )
          }
        </Known>
      </Card>
      {isAsking ? (
        <DeedDialog deed={backupDeed(hello.value?.stage ?? '')} close={() => setAsking(false)} />
      ) : null}
      {shown === null ? null : (
        <Modal title={shown.id ?? `Backup ${shown.number}`} close={() => setShown(null)} isWide>
          <Verify id={String(shown.number)} />
          <Asked<BackupManifest> question={{ ask: 'manifest', id: String(shown.number) }}>
            {(manifest) => <Manifest manifest={manifest} />}
          </Asked>
        </Modal>
      )}
    </>
  );
}

/** Reads every part back: what was stored is what was written, or it is not. */
function Verify({ id }: { id: string }) {
  const { isBusy, reply, result, begin } = useWork<BackupVerified>();
  const one = result?.backups[0];
  return (
    <div class="verify">
      <button type="button" disabled={isBusy} onClick={() => begin({ ask: 'verify-backup', id })}>
        {isBusy ? 'Reading it back…' : 'Verify'}
      </button>
      <span role="status">
        {one === undefined ? (
          <span class="dim">reads every part back and compares sizes, lines and SHA-256</span>
        ) : one.ok ? (
          <State tone="good">
            {count(one.parts, 'part')}, {count(one.items, 'item')}, {size(one.bytes)} are what was written (
            {took(one.durationMs)})
          </State>
        ) : (
          <State tone="bad">
            {one.finding?.code}: {one.finding?.message}
          </State>
        )}
      </span>
      <Failed reply={reply} />
    </div>
  );
}

function Manifest({ manifest }: { manifest: BackupManifest }) {
  const { trigger, previous } = manifest;
  return (
    <div class="dialog-body" data-manifest={manifest.id}>
      <Facts>
        <Fact name="Instant">
          <Moment at={manifest.instant} /> <span class="dim">what a restore brings back</span>
        </Fact>
        <Fact name="Made">
          <Moment at={manifest.startedAt} />, in{' '}
          {took(Date.parse(manifest.completedAt) - Date.parse(manifest.startedAt))}
        </Fact>
        <Fact name="Asked for">
          {trigger.kind}
          {trigger.by === '' || trigger.by === trigger.kind ? '' : ` ${who(trigger.by)}`}
          {trigger.reason === '' ? '' : `: ${trigger.reason}`}
        </Fact>
        <Fact name="From">
          AWS account {manifest.awsAccount}, {manifest.region}
        </Fact>
        <Fact name="Hash">
          <code class="long">{manifest.hash}</code>
        </Fact>
        <Fact name="Made on">
          {previous === null
            ? 'nothing: it is the first of the stage'
            : `${previous.id}, number ${previous.number}`}
        </Fact>
      </Facts>
      <h3>Accounts</h3>
      {manifest.accounts.map(({ account, items, auditRows, orderEvents }) => (
        <p key={account}>
          <strong>{account}</strong>:{' '}
          {[
            ...Object.entries(items).map(([kind, number]) => `${number.toLocaleString('en')} ${kind}`),
            `${auditRows.toLocaleString('en')} audit rows`,
            `${orderEvents.toLocaleString('en')} order events`,
          ].join(', ')}
        </p>
      ))}
      <h3>Parts</h3>
      <div class="scroll">
        <table class="small">
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col" class="number">
                Items
              </th>
              <th scope="col" class="number">
                Stored
              </th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {manifest.parts.map((part) => (
              <tr key={part.key}>
                <th scope="row">
                  <code>{part.key.split('/').slice(-2).join('/')}</code>
                </th>
                <td class="number">{part.items.toLocaleString('en')}</td>
                <td class="number">{size(part.storedBytes)}</td>
                <td>
                  <Hash value={part.sha256} length={16} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
