import { acknowledge, type Person, pause, pauseMaxMs, resume } from '../../lib/reconcile/pause.ts';
import type { Shown } from './cli.ts';
import { CliError } from './exit.ts';
import { pageOf } from './page.ts';
import { reasonOf } from './reason.ts';
import { readState, readVerdict } from './reconcile-read.ts';
import { showNoted } from './reconcile-runs-show.ts';
import type { Session } from './session.ts';
import { unknownName } from './valid-names.ts';
import { iso, time } from './view.ts';

/** Who says it to the runs of the account, by the identity of AWS, and why. */
async function personOf({ ports, account }: Session, reason: string): Promise<Person> {
  const { arn } = await ports.identity.whoAmI();
  return { account, who: arn, reason };
}

function statePorts({ ports, io }: Session) {
  return { book: ports.book, nowMs: io.nowMs, sleep: io.sleep };
}

export async function pauseRuns(
  session: Session,
  spanMs: number,
  reason: string | undefined,
): Promise<Shown> {
  const { account, io, view } = session;
  const why = reasonOf(reason);
  if (spanMs > pauseMaxMs)
    throw new CliError('PAUSE_INVALID', 'A pause lasts at most 24h; nothing was changed.');
  const person = await personOf(session, why);
  const { untilMs, by } = await pause(person, io.nowMs() + spanMs, statePorts(session));
  return {
    result: { account, until: iso(untilMs), by, reason: why },
    text: () =>
      `Runs by the clock and at a start are paused until ${time(view, untilMs)}. The lock stays as it is; reconcile works by hand, and reconcile resume ends the pause.`,
  };
}

export async function resumeRuns(session: Session, reason: string | undefined): Promise<Shown> {
  const { account, ports, io } = session;
  const why = reasonOf(reason);
  const state = await readState(ports.book, account);
  if (state?.paused == null || state.paused.untilMs <= io.nowMs()) {
    return {
      result: { account, changed: false },
      text: () => `Nothing to end: runs of ${account} are not paused.`,
    };
  }
  const person = await personOf(session, why);
  await resume(person, statePorts(session));
  return {
    result: { account, changed: true, by: person.who, reason: why },
    text: () => 'The pause is over: the next run comes by the clock.',
  };
}

/** @throws CliError DISCREPANCY_UNKNOWN, with the ids that are open */
export async function acknowledgeOne(
  session: Session,
  id: string,
  reason: string | undefined,
): Promise<Shown> {
  const { ports, account } = session;
  const why = reasonOf(reason);
  const state = await readState(ports.book, account);
  const verdict = state === undefined ? null : await readVerdict(session, { verdict: state.memory });
  const open = (verdict?.memory.noted ?? []).filter((one) => one.state !== 'resolved');
  const noted = open.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (noted === undefined) {
    const ids = open.map((one) => one.id);
    throw unknownName('discrepancy', id, ids, ` open in ${account}`);
  }
  const person = await personOf(session, why);
  await acknowledge(person, noted.id, { ...statePorts(session), store: await ports.reconcile() });
  const locks = noted.severity === 'CRITICAL' ? ' It is CRITICAL, so it locks trading all the same.' : '';
  return {
    result: { account, acknowledged: noted.id, by: person.who, reason: why },
    text: () =>
      `Acknowledged, with its audit row: it is no longer escalated.${locks}\n${showNoted([{ ...noted, state: 'acknowledged' }], pageOf(session))}`,
  };
}
