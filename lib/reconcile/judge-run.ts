/** Asks the broker, reads the book, and judges. Everything that the verdict rests on lies in the bucket afterwards. */

import { withoutAmbiguous } from '../domain/reconcile/plan-state.ts';
import type { RunRecord } from '../domain/reconcile/records.ts';
import type { ReconcileInput } from '../domain/reconcile/types.ts';
import { type FlagsReading, firstFlags } from '../domain/safety/flags.ts';
import { readBookPicture } from './book-picture.ts';
import { brokerPictureOf } from './broker-picture.ts';
import { type JudgedRun, judgedOutcome, judgedRecord } from './conclude.ts';
import { evidenceText, verdictText } from './evidence.ts';
import { type DeletedVersions, judge } from './judge.ts';
import { readLastPrices } from './last-prices.ts';
import { readMemory } from './memory.ts';
import { contentOf, planKey, sealedPlan } from './plan-store.ts';
import { requestSnapshot, type SnapshotAnswer } from './request-snapshot.ts';
import { rulesOf } from './rules.ts';
import type { RunContext } from './run-context.ts';
import type { Standing } from './state.ts';
import { sha256Of, storeText } from './stored-text.ts';

export interface Judgement {
  readonly judged: JudgedRun;
  /** With evidence and verdict, as they were stored. */
  readonly record: RunRecord;
}

/** @param standing as it was when the run began: its flags hold for the whole run */
export async function judgeRun(run: RunContext, standing: Standing): Promise<Judgement> {
  const { canonicalJson } = run.options;
  const asked = await ask(run);
  const { input, deleted } = await gather(run, standing, asked);
  const verdict = judge(input, deleted, canonicalJson);
  const { plan, text } = sealedPlan(verdict.plan, canonicalJson);
  const judged: JudgedRun = {
    input,
    noSnapshot: asked.taken ? '' : asked.why,
    verdict,
    flags: usable(standing.flags),
    lockVersion: standing.versions.lock,
    plan,
    planKey: planKey(plan),
    planContent: contentOf(verdict.plan, canonicalJson),
    planWithoutAmbiguous: contentOf(withoutAmbiguous(verdict.plan), canonicalJson),
  };
  const record = await keep(run, judged, { planText: text, asked, deleted });
  return { judged, record };
}

async function ask(run: RunContext): Promise<SnapshotAnswer> {
  const { settings, sender, newId, snapshots, nowMs, sleep } = run.options;
  const { account, runId, request } = run;
  const wish = {
    account,
    commandId: newId(),
    issuedBy: `reconcile ${runId}`,
    timeoutMs: settings.snapshotTimeoutMs,
  };
  return requestSnapshot(wish, { sender: sender(request.streamer), snapshots, nowMs, sleep });
}

async function gather(
  run: RunContext,
  standing: Standing,
  asked: SnapshotAnswer,
): Promise<{ readonly input: ReconcileInput; readonly deleted: DeletedVersions }> {
  const { settings, book: reader, store, lastPrices, log, nowMs } = run.options;
  const { account, runId, mode, request } = run;
  const broker = asked.taken ? brokerPictureOf(asked.document, asked.sha256) : null;
  run.epoch = broker?.epoch ?? 0;
  const isFirstRun = standing.state?.lastCompletedMs == null;
  const { picture: book, deleted } = await readBookPicture(reader, account, isFirstRun);
  const { memory, problem } = await readMemory(store, standing, settings);
  if (problem !== '') log.error('what earlier runs noted is lost: they count anew', { problem });
  // Only what is found at the very first is recommended upon.
  const prices = isFirstRun ? await readLastPrices(lastPrices, broker, log) : new Map<string, string>();
  const judgedAtMs = nowMs();
  const rules = rulesOf(settings, mode, request.streamer, broker, judgedAtMs);
  const input = { account, runId, nowMs: judgedAtMs, rules, broker, book, memory };
  return { input: prices.size === 0 ? input : { ...input, prices }, deleted };
}

/** Evidence, verdict and plan lie in the bucket before the book speaks of them. */
async function keep(
  run: RunContext,
  judged: JudgedRun,
  {
    planText,
    asked,
    deleted,
  }: { readonly planText: string; readonly asked: SnapshotAnswer; readonly deleted: DeletedVersions },
): Promise<RunRecord> {
  const { store, canonicalJson, programVersion, nowMs } = run.options;
  const { input, verdict, plan } = judged;
  const said = verdictText(verdict, canonicalJson);
  const snapshotKey = asked.taken ? asked.key : '';
  const kept = evidenceText(
    { input, deleted, snapshotKey, programVersion, verdictSha256: sha256Of(said), planHash: plan.hash },
    canonicalJson,
  );
  const outcome = judgedOutcome(judged);
  const [evidence, stored] = await Promise.all([
    storeText(store, `${run.folder}/evidence.json`, kept),
    storeText(store, `${run.folder}/verdict.json`, said),
    ...(outcome.staged ? [storeText(store, judged.planKey, planText)] : []),
  ]);
  return { ...judgedRecord(run.record(), judged, outcome, nowMs()), evidence: evidence!, verdict: stored! };
}

/** Flags that cannot be read count as those of a first day: SAFE_MODE and DRY_RUN. */
function usable({ source, flags }: FlagsReading): FlagsReading['flags'] {
  return source === 'unreadable' ? firstFlags : flags;
}
