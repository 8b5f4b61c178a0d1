import { useState } from 'preact/hooks';
import { isOver, type PlanRecord } from '../../../lib/domain/reconcile/records.ts';
import type { Discrepancy, PlanAction } from '../../../lib/domain/reconcile/types.ts';
import type { PlanShown, StatusShown } from '../../wire/shapes.ts';
import { approveDeed, rejectDeed } from '../deeds.tsx';
import { age, count, who } from '../format.ts';
import { type Deed, DeedDialog } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Card, Empty, Fact, Facts, Hash, Moment, planTone, State, severityTone } from '../parts/words.tsx';
import { headOf, nowMs } from '../topics.ts';

export function PlanView() {
  return (
    <Known topics={['plan', 'status']}>
      {() => {
        const shown = headOf<PlanShown>('plan')!;
        if (shown.record === null || shown.plan === null) return <None last={shown.last ?? []} />;
        return <Standing record={shown.record} shown={shown} status={headOf<StatusShown>('status')!} />;
      }}
    </Known>
  );
}

function None({ last }: { last: readonly PlanRecord[] }) {
  return (
    <>
      <Card title="No plan waits" wide>
        <Empty title="Nothing is staged">
          A reconcile that finds something to change stages a plan here.{' '}
          <a href="#/reconcile">Reconcile now</a>
        </Empty>
      </Card>
      {last.length === 0 ? null : (
        <Card title="The last plans" wide>
          <div class="scroll">
            <table class="small">
              <thead>
                <tr>
                  <th scope="col">Plan</th>
                  <th scope="col">Became</th>
                  <th scope="col">Changes</th>
                  <th scope="col">Made</th>
                  <th scope="col">Approved by</th>
                  <th scope="col">Backup</th>
                </tr>
              </thead>
              <tbody>
                {last.map((record) => (
                  <tr key={record.hash}>
                    <th scope="row">
                      <Hash value={record.hash} />
                    </th>
                    <td>
                      <State tone={planTone(record.state)}>
                        {record.state} {record.refusedCode}
                      </State>
                    </td>
                    <td>{changesOf(record)}</td>
                    <td>
                      <Moment at={record.createdAtMs} />
                    </td>
                    <td>{record.approval === null ? 'nobody' : who(record.approval.by)}</td>
                    <td>{record.backupId === '' ? 'none' : <a href="#/backups">{record.backupId}</a>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
    </>
  );
}

function changesOf({ actions, inserts, updates, deletes, cancels }: PlanRecord): string {
  const kinds = [
    [inserts, 'insert'],
    [updates, 'update'],
    [deletes, 'delete'],
    [cancels, 'cancel'],
  ] as const;
  const parts = kinds.flatMap(([number, noun]) => (number === 0 ? [] : [count(number, noun)]));
  return parts.length === 0 ? 'no action' : `${count(actions, 'action')}: ${parts.join(', ')}`;
}

function Standing({ record, shown, status }: { record: PlanRecord; shown: PlanShown; status: StatusShown }) {
  const [deed, setDeed] = useState<Deed | null>(null);
  const { actions, ambiguous, rests } = shown.plan!;
  const held = heldBy(record, status);
  const canDecide = !isOver(record) && nowMs.value < record.expiresAtMs;
  const isOnlyAmbiguous = record.refusedCode === 'PLAN_AMBIGUOUS' && record.actions > 0;
  return (
    <>
      <Card
        title="The plan that waits"
        wide
        aside={
          <State tone={planTone(record.state)}>
            {record.state} {record.refusedCode}
          </State>
        }
      >
        <Facts>
          <Fact name="Hash">
            <Hash value={record.hash} length={64} />
          </Fact>
          <Fact name="Changes">{changesOf(record)}</Fact>
          <Fact name="Made">
            <Moment at={record.createdAtMs} /> <span class="dim">by {record.runId}</span>
          </Fact>
          <Fact name="Valid">
            {isOver(record) ? (
              'no longer'
            ) : canDecide ? (
              <>
                until <Moment at={record.expiresAtMs} />, {age(record.expiresAtMs - nowMs.value)} left
              </>
            ) : (
              <State tone="bad">expired: reconcile stages what it finds now</State>
            )}
          </Fact>
          <Fact name="Approved">
            {record.approval === null
              ? 'by nobody'
              : `by ${who(record.approval.by)}: ${record.approval.reason}`}
          </Fact>
          {record.backupId === '' ? null : (
            <Fact name="Backup">{record.backupId}, made before the first action</Fact>
          )}
          {record.refusedReason === '' ? null : <Fact name="Why">{record.refusedReason}</Fact>}
        </Facts>
        {record.state === 'applying' ? (
          <label class="progress">
            <span>
              {record.done} of {count(record.actions, 'action')} done
            </span>
            <progress max={record.actions} value={record.done} />
          </label>
        ) : null}
        {held === '' ? null : (
          <p class="note">
            <State tone="warn">{held}</State> <a href="#/flags">Flags</a>
          </p>
        )}
        <div class="buttons start">
          {isOnlyAmbiguous ? (
            <button
              type="button"
              class="main"
              onClick={() => setDeed(approveDeed(record, status.account, true))}
            >
              Stage what is not ambiguous…
            </button>
          ) : (
            <button
              type="button"
              class="main"
              disabled={!canDecide}
              onClick={() => setDeed(approveDeed(record, status.account))}
            >
              Approve…
            </button>
          )}
          <button
            type="button"
            disabled={isOver(record) || record.state === 'applying'}
            onClick={() => setDeed(rejectDeed(record))}
          >
            Reject…
          </button>
        </div>
      </Card>
      <Card
        title="What changes"
        wide
        aside={
          <span class="dim">
            {rests.length > 0 ? `it also rests on ${count(rests.length, 'item')} that stay` : ''}
          </span>
        }
      >
        {actions.length === 0 ? (
          <Empty title="No action">There is nothing in it that could be applied.</Empty>
        ) : (
          <ol class="actions">
            {actions.map((action, at) => (
              <Action
                key={action.id}
                action={action}
                isDone={at < record.done}
                found={shown.discrepancies ?? []}
              />
            ))}
          </ol>
        )}
        {shown.discrepancies === null ? (
          <p class="note">
            <State tone="warn">What the run found cannot be read any more: the evidence is not shown.</State>
          </p>
        ) : null}
      </Card>
      {ambiguous.length === 0 ? null : (
        <Card title="Ambiguous: nothing is done about any of them" wide>
          <ul class="plain">
            {ambiguous.map(({ subject, book, broker, reason }) => (
              <li key={subject}>
                <strong>{subject}</strong>: book {book.join(', ') || 'none'}, IB {broker.join(', ') || 'none'}
                . <span class="dim">{reason}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {deed === null ? null : <DeedDialog deed={deed} close={() => setDeed(null)} />}
    </>
  );
}

/** Approved or not, these flags keep a plan from being applied. */
function heldBy(record: PlanRecord, { flags: { flags } }: StatusShown): string {
  if (isOver(record)) return '';
  if (flags.DRY_RUN) return 'DRY_RUN is on: it cannot be applied before the preset execute.';
  if (flags.SAFE_MODE) return 'SAFE_MODE is on: nothing is applied.';
  return flags.DRY_RUN_CONFIRM ? '' : 'DRY_RUN_CONFIRM is off: an approved plan waits until it is on.';
}

const kinds = {
  to_insert: ['insert', 'added'],
  to_update: ['update', 'changed'],
  to_delete: ['delete', 'removed'],
  cancel: ['cancel at IB', 'removed'],
} as const;

/** Nothing new is said of a new item by what is 0, false or empty. */
const saysNothing = new Set(['', '0', 'false']);

function Action({
  action,
  isDone,
  found,
}: {
  action: PlanAction;
  isDone: boolean;
  found: readonly Discrepancy[];
}) {
  const { kind, subject, summary, changes, cures, cancel } = action;
  const [word, tone] = kinds[kind];
  const reasons = found.filter((one) => one.subject === subject && cures.includes(one.type));
  const isNew = kind === 'to_insert';
  const said = isNew ? changes.filter(({ after }) => !saysNothing.has(after)) : changes;
  return (
    <li class={tone}>
      <h3>
        <span class={`kind ${tone}`}>{word}</span> {subject} {isDone ? <State tone="good">done</State> : null}
      </h3>
      <p>{summary}</p>
      {said.length === 0 ? null : (
        <table class="diff">
          <caption class="sr">{isNew ? `What ${subject} says` : `Before and after of ${subject}`}</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              {isNew ? null : <th scope="col">Before</th>}
              <th scope="col">{isNew ? 'Value' : 'After'}</th>
            </tr>
          </thead>
          <tbody>
            {said.map(({ field, before, after }) => (
              <tr key={field}>
                <th scope="row">{field}</th>
                {isNew ? null : (
                  <td>{before === '' ? <span class="dim">none</span> : <del>{before}</del>}</td>
                )}
                <td>{after === '' ? <span class="dim">none</span> : <ins>{after}</ins>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {reasons.map((one) => (
        <div class="why" key={one.id}>
          <p>
            <State tone={severityTone[one.severity] ?? 'info'}>{one.severity}</State>{' '}
            <strong>{one.type}</strong>: IB {one.broker || 'none'}; book {one.book || 'none'}.
          </p>
          <p class="dim">{one.message}</p>
          {one.evidence.length === 0 ? null : <p class="dim">Evidence: {one.evidence.join(', ')}</p>}
        </div>
      ))}
      {reasons.length === 0 && cures.length > 0 ? <p class="dim">For {cures.join(', ')}</p> : null}
      {cancel === null ? null : (
        <p class="dim">
          A command to IB: cancel order {cancel.orderId} of client {cancel.clientId}, permId {cancel.permId}.
        </p>
      )}
    </li>
  );
}
