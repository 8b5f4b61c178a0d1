import { useState } from 'preact/hooks';
import type { Noted } from '../../../lib/domain/reconcile/types.ts';
import type { AlertShown, AlertsShown, RunRead } from '../../wire/shapes.ts';
import { acknowledgeDeed, alertDeed } from '../deeds.tsx';
import { count, who } from '../format.ts';
import { type Deed, DeedDialog } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Ago, Card, Command, Empty, Moment, State, severityTone } from '../parts/words.tsx';
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

/** What the stage's alerts function holds; nothing where this version has none. */
function AlertList({ choose }: { choose: (deed: Deed) => void }) {
  const read = headOf<AlertsShown | null>('alerts') ?? null;
  if (read === null) return null;
  const { alerts, channels } = read;
  return (
    <Card title="Alerts" wide>
      {alerts.length === 0 ? (
        <Empty title="No alert is open">What is raised appears here, and in the channels of the stage.</Empty>
      ) : (
        <ul class="findings">
          {alerts.map((alert) => (
            <Alert key={alert.id} alert={alert} choose={choose} />
          ))}
        </ul>
      )}
      {channels
        .filter(({ waiting, failures }) => waiting > 0 || failures > 0)
        .map(({ channel, waiting, failures, problem }) => (
          <p key={channel}>
            <State tone={failures > 0 ? 'bad' : 'warn'}>
              channel {channel}: {count(waiting, 'alert')} waiting
              {failures > 0 ? `, ${count(failures, 'attempt')} in a row failed: ${problem ?? ''}` : ''}
            </State>
          </p>
        ))}
    </Card>
  );
}

function Alert({ alert, choose }: { alert: AlertShown; choose: (deed: Deed) => void }) {
  const { id, severity, subject, message, acknowledged, escalations, command } = alert;
  return (
    <li>
      <State tone={severityTone[severity] ?? 'info'}>{severity}</State>
      <div>
        <p>
          <strong>{alert.alert}</strong> {subject} <span class="dim">{id}</span>{' '}
          {alert.count > 1 ? <span class="dim">{alert.count.toLocaleString('en')} times</span> : null}
        </p>
        <p>{message}</p>
        <p>
          <Command>{command}</Command>
        </p>
        <p class="dim">
          last <Ago at={alert.lastAt} />,{' '}
          {acknowledged === null
            ? escalations > 0
              ? `nobody has acknowledged it, sent again ${count(escalations, 'time')}`
              : 'not acknowledged'
            : `acknowledged by ${who(acknowledged.by)}: ${acknowledged.reason}`}
        </p>
      </div>
      {acknowledged === null ? (
        <button type="button" onClick={() => choose(alertDeed(id))}>
          Acknowledge…
        </button>
      ) : null}
    </li>
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
