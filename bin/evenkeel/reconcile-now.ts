import type { RunAnswer } from '../../lib/domain/reconcile/records.ts';
import type { ReconcileMode } from '../../lib/domain/reconcile/types.ts';
import { CallLostError } from '../../lib/ports/function-caller.ts';
import { progress, type Shown } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { readAccountFlags } from './flags.ts';
import { createMeter } from './meter.ts';
import { pageOf } from './page.ts';
import { readPlans } from './plan-read.ts';
import { reasonOf } from './reason.ts';
import { readState, readVerdict } from './reconcile-read.ts';
import { readRun } from './reconcile-runs.ts';
import { type RunShown, showRun } from './reconcile-show.ts';
import type { Session } from './session.ts';
import { stageNames } from './stage-names.ts';

const lookEveryMs = 500;

export interface RunWish {
  readonly mode?: ReconcileMode;
  readonly reason?: string;
}

/** Has the stage's function reconcile, and shows what it found. */
export async function reconcileNow(session: Session, { mode, reason }: RunWish): Promise<Shown> {
  const { ports, stage, account } = session;
  const why = reason === undefined ? {} : { reason: reasonOf(reason) };
  const { arn } = await ports.identity.whoAmI();
  const name = stageNames(stage).reconcileFunction;
  progress(session, `Asked ${name} to compare IB with the book of ${account} ...`);
  const payload = { account, trigger: 'operator', by: arn, ...why, ...(mode === undefined ? {} : { mode }) };
  const answer = (await whileComparing(session, () =>
    ports.functions.call(name, payload),
  )) as unknown as RunAnswer;
  const shown = await withFindings(
    session,
    answer,
    `operator, ${arn}${reason === undefined ? '' : `: ${reason.trim()}`}`,
  );
  const { discrepancies = [], pending = [], ambiguous = [], recommendations = [] } = shown.verdict ?? {};
  return {
    result: {
      ...answer,
      discrepancies,
      pending_items: pending,
      ambiguous_matches: ambiguous,
      recommendations,
    },
    text: () => showRun(shown, pageOf(session)),
    exitCode: isNoGoodEnd(answer) ? exit.problem : exit.ok,
  };
}

/**
 * What a script must not take for a good end: nothing could be said, what was said is critical, another run was at work in
 * place of this one, or it was put off. A person's run is put off by a plan that is being applied and by a restore alone.
 */
function isNoGoodEnd({ status, code, has_critical_issues }: RunAnswer): boolean {
  const isAnothers = status === 'SKIPPED' && (code === 'BUSY' || code === 'FENCED');
  const isBad = status === 'FAILED' || status === 'REFUSED' || status === 'POSTPONED';
  return has_critical_issues || isBad || isAnothers;
}

/** Shows where the run is, by what it has left in book and bucket so far. That it cannot be seen does not fail it. */
async function whileComparing<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const { ports, account, io } = session;
  const meter = createMeter(session);
  const before = await readState(ports.book, account).catch(() => undefined);
  let ended = false;
  const called = work().finally(() => {
    ended = true;
  });
  const phase = async (): Promise<string> => {
    const state = await readState(ports.book, account);
    if (state === undefined || state.last.runId === before?.last.runId || state.last.status !== 'RUNNING')
      return 'beginning';
    const store = await ports.reconcile();
    for await (const _ of store.list(`runs/${account}/${state.last.runId}/`))
      return 'compared, writing down what was found';
    return 'asking the broker for everything it has, then comparing';
  };
  const watch = async () => {
    while (!ended) {
      const detail = await phase().catch(() => 'under way');
      if (ended) return;
      meter.show({ what: 'Reconciling', done: 0, detail });
      await Promise.race([io.sleep(lookEveryMs), called.catch(() => undefined)]);
    }
  };
  try {
    const [result] = await Promise.all([called, watch()]);
    return result;
  } catch (error) {
    if (!(error instanceof CallLostError)) throw error;
    throw new CliError(
      'RUN_LOST',
      `The connection ended before ${error.functionName} answered. The run may still be under way: reconcile runs shows how it ended. Whatever it does, it changes nothing without an approved plan.`,
      exit.fault,
    );
  } finally {
    meter.clear();
  }
}

/** The answer with what the run wrote into book and bucket. */
async function withFindings(session: Session, answer: RunAnswer, asked: string): Promise<RunShown> {
  const { ports, account } = session;
  const [state, plans, lease, flags] = await Promise.all([
    readState(ports.book, account),
    readPlans(ports.book, account),
    ports.leases.read(account),
    readAccountFlags(ports.book, account),
  ]);
  const isLast = state?.last.runId === answer.run_id;
  const read = isLast || answer.evidence === '' ? undefined : await readRun(session, answer.run_id);
  const verdict = isLast ? await readVerdict(session, state.last) : (read?.verdict ?? null);
  return {
    run: {
      runId: answer.run_id,
      status: answer.status,
      code: answer.code,
      reason: answer.reason,
      mode: answer.mode,
      ruleVersion: answer.rule_version,
    },
    asked,
    durationMs: answer.duration_ms,
    summary: answer.summary,
    verdict,
    plan: plans.find(({ hash }) => hash === answer.plan_hash) ?? null,
    flags,
    lock: answer.lock,
    leaseToken: lease?.token ?? 0,
    evidence: answer.evidence,
  };
}
