import { useMemo, useState } from 'preact/hooks';
import { compareSeverity } from '../../../lib/domain/reconcile/severity.ts';
import type { Discrepancy } from '../../../lib/domain/reconcile/types.ts';
import { runTone, runWords } from '../../wire/run-words.ts';
import type { RunRead, RunShown } from '../../wire/shapes.ts';
import { reconcileDeed } from '../deeds.tsx';
import { took, who } from '../format.ts';
import { Asked } from '../parts/asked.tsx';
import { DeedDialog, Modal } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Card, Empty, Fact, Facts, Moment, State, severityTone } from '../parts/words.tsx';
import { hello, topic } from '../topics.ts';

const columns: readonly Column<RunShown>[] = [
  { name: 'Started', cell: (run) => <Moment at={run.startedAtMs} />, by: (run) => run.startedAtMs },
  {
    name: 'Status',
    cell: (run) => <State tone={runTone(run, run.lost)}>{runWords(run, run.lost)}</State>,
    by: (run) => run.status,
  },
  { name: 'Asked by', spare: 1, cell: (run) => run.trigger, by: (run) => run.trigger },
  { name: 'IB', isNumber: true, spare: 1, cell: (run) => judged(run, run.counts.broker) },
  { name: 'Book', isNumber: true, spare: 1, cell: (run) => judged(run, run.counts.book) },
  {
    name: 'Found',
    isNumber: true,
    cell: (run) => judged(run, run.discrepancies),
    by: (run) => run.discrepancies,
  },
  {
    name: 'Critical',
    isNumber: true,
    cell: (run) => judged(run, run.severities.CRITICAL ?? 0),
    by: (run) => run.severities.CRITICAL ?? 0,
  },
  {
    name: 'Actions',
    isNumber: true,
    spare: 1,
    cell: (run) => judged(run, run.actions),
    by: (run) => run.actions,
  },
  {
    name: 'Took',
    isNumber: true,
    spare: 1,
    cell: (run) => (run.endedAtMs === 0 ? '' : took(run.endedAtMs - run.startedAtMs)),
    by: (run) => run.endedAtMs - run.startedAtMs,
  },
];

function judged(run: RunShown, value: number) {
  return run.verdict === null ? <span class="dim">?</span> : value;
}

export function ReconcileView() {
  const [isAsking, setAsking] = useState(false);
  const [shown, setShown] = useState<RunShown | null>(null);
  const { rows } = topic('runs').value;
  const runs = useMemo(() => [...rows.values()] as RunShown[], [rows]);
  return (
    <>
      <Card
        title="Runs"
        wide
        aside={
          <button type="button" class="main" onClick={() => setAsking(true)}>
            Reconcile now…
          </button>
        }
      >
        <Known topics={['runs']}>
          {() =>
            runs.length === 0 ? (
              <Empty title="Nothing was reconciled yet">
                A run compares what IB has with the book. It changes nothing before a plan is approved.
              </Empty>
            ) : (
              <Table
                label="Runs of reconcile"
                columns={columns}
                rows={runs}
                keyOf={(run) => run.runId}
                sorted={['Started', 'down']}
                open={(run) => setShown(run)}
                openLabel={(run) => `${run.runId}, ${run.status}: show what it found`}
              />
            )
          }
        </Known>
      </Card>
      {isAsking ? (
        <DeedDialog deed={reconcileDeed(hello.value?.account ?? '')} close={() => setAsking(false)} />
      ) : null}
      {shown === null ? null : (
        <Modal title={shown.runId} close={() => setShown(null)} isWide>
          <Asked<RunRead> question={{ ask: 'run', id: shown.runId }}>
            {(read) => <Run read={read} lost={shown.lost} />}
          </Asked>
        </Modal>
      )}
    </>
  );
}

function Run({ read: { run, verdict, plan }, lost }: { read: RunRead; lost: boolean }) {
  return (
    <div class="dialog-body">
      <Facts>
        <Fact name="Status">
          <State tone={runTone(run, lost)}>{runWords(run, lost)}</State>
        </Fact>
        {run.reason === '' ? null : <Fact name="Reason">{run.reason}</Fact>}
        <Fact name="Asked by">
          {run.trigger}, {who(run.by)}
          {run.why === '' ? '' : `: ${run.why}`}
        </Fact>
        <Fact name="Time">
          <Moment at={run.startedAtMs} /> to{' '}
          <Moment at={run.endedAtMs} none={lost ? 'never' : 'still under way'} />
        </Fact>
        <Fact name="Rules">
          mode {run.mode}, version {run.ruleVersion}, epoch {run.epoch}
        </Fact>
        <Fact name="Plan">{plan === null ? 'none' : `${plan.hash.slice(0, 12)}, ${plan.state}`}</Fact>
        <Fact name="Evidence">
          {run.evidence === null ? 'nothing was judged' : <code class="long">{run.evidence.key}</code>}
        </Fact>
        {run.evidence === null ? null : (
          <Fact name="Its SHA-256">
            <code class="long">{run.evidence.sha256}</code>
          </Fact>
        )}
      </Facts>
      {verdict === null ? null : (
        <>
          <h3>Discrepancies</h3>
          <Discrepancies found={verdict.discrepancies} />
          {verdict.unjudged.length === 0 ? null : (
            <>
              <h3>Not judged</h3>
              <ul class="plain">
                {verdict.unjudged.map((why) => (
                  <li key={why}>{why}</li>
                ))}
              </ul>
            </>
          )}
          {verdict.pending.length === 0 ? null : (
            <>
              <h3>Given time, no verdict yet</h3>
              <ul class="plain">
                {verdict.pending.map(({ subject, why, runs }) => (
                  <li key={subject}>
                    <strong>{subject}</strong>, {runs} {runs === 1 ? 'run' : 'runs'}: {why}
                  </li>
                ))}
              </ul>
            </>
          )}
          {verdict.recommendations.length === 0 ? null : (
            <>
              <h3>Recommended, never done by itself</h3>
              <ul class="plain">
                {verdict.recommendations.map((one) => (
                  <li key={one.conId}>
                    <strong>{one.symbol}</strong> {one.position}: {one.recommendation.replace('_', ' ')}{' '}
                    <span class="dim">{one.arithmetic.join('; ')}</span>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </div>
  );
}

export function worstFirst<T extends Pick<Discrepancy, 'severity'>>(found: readonly T[]): readonly T[] {
  return found.toSorted((a, b) => compareSeverity(b.severity, a.severity));
}

export function Discrepancies({ found }: { found: readonly Discrepancy[] }) {
  if (found.length === 0) return <p class="dim">None: both sides say the same.</p>;
  return (
    <ul class="findings">
      {worstFirst(found).map((one) => (
        <li key={one.id}>
          <State tone={severityTone[one.severity] ?? 'info'}>{one.severity}</State>
          <div>
            <p>
              <strong>{one.type}</strong> {one.subject} {one.symbol}
            </p>
            <p>
              IB: {one.broker || 'none'}. Book: {one.book || 'none'}.
            </p>
            <p class="dim">{one.message}</p>
            {one.evidence.length === 0 ? null : <p class="dim">Evidence: {one.evidence.join(', ')}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
