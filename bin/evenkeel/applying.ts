import { isOver, type PlanRecord, planRef, readPlanRecord } from '../../lib/domain/reconcile/records.ts';
import { CallLostError } from '../../lib/ports/function-caller.ts';
import { progress } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { createMeter } from './meter.ts';
import type { PlanRead } from './plan-read.ts';
import type { Session } from './session.ts';
import { plain } from './view.ts';

const lookEveryMs = 400;

/**
 * Shows each step of a plan as the book has it, until `work` ends. Ctrl-C ends the watching: the function goes on.
 *
 * @throws CliError PLAN_LOST when the connection ended before the answer came
 */
export async function whileApplying<T>(
  session: Session,
  { record, plan }: PlanRead,
  work: () => Promise<T>,
): Promise<T | 'interrupted'> {
  const { ports, account, io } = session;
  const meter = createMeter(session);
  const told = { backup: record.backupId !== '', done: record.done };
  const tell = (now: PlanRecord) => {
    const lines: string[] = [];
    if (!told.backup && now.backupId !== '') {
      told.backup = true;
      lines.push(`Backed up first: ${now.backupId}`);
    }
    for (; told.done < now.done; told.done += 1)
      lines.push(doneLine(session, plan.actions[told.done], told.done, now.actions));
    if (lines.length > 0) meter.clear();
    for (const line of lines) progress(session, line);
    if (isOver(now)) return;
    const what = now.state === 'applying' ? (told.backup ? 'Applying' : 'Backing up') : 'Approving';
    meter.show({ what, done: now.done, total: now.actions, detail: `${now.done} of ${now.actions} actions` });
  };
  const look = async () => {
    const [item] = await ports.book.read(account, [planRef(record.hash)]);
    const now = readPlanRecord(item?.body);
    if (now !== undefined) tell(now);
  };
  let ended = false;
  return session.uncut(async () => {
    const called = work().finally(() => {
      ended = true;
    });
    const watch = async (): Promise<'interrupted' | undefined> => {
      while (!ended) {
        await look().catch(() => undefined);
        if (io.signal.aborted) return 'interrupted';
        await Promise.race([io.sleep(lookEveryMs), called.catch(() => undefined)]);
      }
      return undefined;
    };
    try {
      const watched = watch();
      const answer = await Promise.race<T | 'interrupted'>([
        called,
        watched.then<T | 'interrupted'>((end) => end ?? called),
      ]);
      if (answer === 'interrupted') {
        sayInterrupted(session, record);
        return 'interrupted';
      }
      await look().catch(() => undefined);
      return answer;
    } catch (error) {
      if (!(error instanceof CallLostError)) throw error;
      throw new CliError(
        'PLAN_LOST',
        `The connection ended before ${error.functionName} answered. It may still be at work: plan show ${record.hash.slice(0, 12)} says how far it is. If it stands still, approve it again: nothing is done twice.`,
        exit.fault,
      );
    } finally {
      meter.clear();
    }
  });
}

function doneLine(
  { view }: Session,
  action: PlanRead['plan']['actions'][number] | undefined,
  at: number,
  all: number,
): string {
  const words = action === undefined ? '' : `${plain(action.subject)}: ${plain(action.summary)}`;
  return `${view.colours.green('done')}  ${String(at + 1).padStart(String(all).length)} of ${all}  ${words}`;
}

function sayInterrupted({ io, json }: Session, { hash }: PlanRecord): void {
  const code = 'WATCHING_INTERRUPTED';
  const message = `You no longer watch; the function goes on with the plan ${hash.slice(0, 12)}. plan show ${hash.slice(0, 12)} says how far it is.`;
  io.err.write(
    json
      ? `${JSON.stringify({ error: { code, message, exitCode: exit.interrupted } })}\n`
      : `${code}: ${message}\n`,
  );
}
