import { useState } from 'preact/hooks';
import type { Noted } from '../../../lib/domain/reconcile/types.ts';
import type { RunRead } from '../../wire/shapes.ts';
import { acknowledgeDeed, alertDeed } from '../deeds.tsx';
import { type Deed, DeedDialog } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Ago, Card, Empty, Moment, State, severityTone } from '../parts/words.tsx';
import { headOf } from '../topics.ts';
import { Discrepancies, worstFirst } from './reconcile.tsx';

export function Alerts() {
  const [deed, setDeed] = useState<Deed | null>(null);
  return (
    <>
      <Known topics={['alerts']}>{() => <AlertList choose={setDeed} />}</Known>
      <Known topics={['run']}>{() => <OpenDiscrepancies choose={setDeed} />}</Known>
      {deed === null ? null : <DeedDialog deed={deed} close={() => setDeed(null)} />}
    </>
  );
}

/** An alert as `alerts list` has it: fields that are not there are not shown. */
interface AlertShown {
  readonly id?: string;
  readonly type?: string;
  readonly severity?: string;
  readonly message?: string;
  readonly state?: string;
  readonly at?: string;
  readonly lastAt?: string;
  readonly count?: number;
}

function AlertList({ choose }: { choose: (deed: Deed) => void }) {
  const read = headOf<{ readonly alerts?: readonly AlertShown[] } | null>('alerts');
  if (read === null || read?.alerts === undefined) return null;
  const { alerts } = read;
  return (
    <Card title="Alerts" wide>
      {alerts.length === 0 ? (
        <Empty title="No alert is open">What is raised appears here and in the channels of the stage.</Empty>
      ) : (
        <ul class="findings">
          {alerts.map((alert, at) => (
            <li key={alert.id ?? at}>
              <State tone={severityTone[(alert.severity ?? '').toUpperCase()] ?? 'info'}>
                {alert.severity}
              </State>
              <div>
                <p>
                  <strong>{alert.type}</strong> {alert.state}{' '}
                  {(alert.count ?? 1) > 1 ? <span class="dim">{alert.count} times</span> : null}
                </p>
                <p>{alert.message}</p>
                <p class="dim">
                  <Moment at={alert.lastAt ?? alert.at} />
                </p>
              </div>
              {alert.id === undefined || alert.state === 'acknowledged' ? null : (
                <button type="button" onClick={() => choose(alertDeed(alert.id!))}>
                  Acknowledge…
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function OpenDiscrepancies({ choose }: { choose: (deed: Deed) => void }) {
  const read = headOf<RunRead | null>('run') ?? null;
  const noted = read?.verdict?.memory.noted.filter(({ state }) => state !== 'resolved') ?? [];
  const found = read?.verdict?.discrepancies ?? [];
  return (
    <Card
      title="Open discrepancies"
      wide
      aside={
        read === null ? undefined : (
          <span class="dim">
            as of the run <Ago at={read.run.startedAtMs} />
          </span>
        )
      }
    >
      {noted.length === 0 ? (
        <Empty title="Nothing is open">
          {read === null ? (
            <>
              No run has judged yet. <a href="#/reconcile">Reconcile now</a>
            </>
          ) : (
            'Both sides said the same when they were last compared.'
          )}
        </Empty>
      ) : (
        <>
          <Lives noted={noted} choose={choose} />
          <h3>What they are</h3>
          <Discrepancies found={found} />
        </>
      )}
    </Card>
  );
}

function Lives({ noted, choose }: { noted: readonly Noted[]; choose: (deed: Deed) => void }) {
  return (
    <div class="scroll">
      <table class="small">
        <thead>
          <tr>
            <th scope="col">Discrepancy</th>
            <th scope="col">Severity</th>
            <th scope="col">State</th>
            <th scope="col">First seen</th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col">
              <span class="sr">What to do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {worstFirst(noted).map(({ id, severity, state, firstSeenMs, runs }) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              <td>
                <State tone={severityTone[severity] ?? 'info'}>{severity}</State>
              </td>
              <td>{state}</td>
              <td>
                <Moment at={firstSeenMs} />
              </td>
              <td class="number">{runs}</td>
              <td>
                {state === 'acknowledged' ? null : (
                  <button type="button" onClick={() => choose(acknowledgeDeed(id, severity === 'CRITICAL'))}>
                    Acknowledge…
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
