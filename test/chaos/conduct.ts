/** Carries out one experiment: a sandbox of its own, steady state, fault, steady state again, and nothing left behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sandbox, type Tape } from './sandbox.ts';
import { type Figures, judge, untilSteady } from './steady.ts';
import { type Experiment, type Outcome, seconds, Trial } from './trial.ts';

export interface ConductOptions {
  readonly tape: Tape;
  readonly seed: number;
  /** Of the experiment that takes as long as one likes. */
  readonly minutes: number;
  readonly say: (words: string) => void;
  readonly signal: AbortSignal;
  /** Trading goes on for so long before the desk is looked at, and then before the fault. */
  readonly warmMs?: number;
}

const warmMsStandard = 3_000;
/** What is missing must become less within this time. */
const stuckMs = 75_000;

export async function conduct(experiment: Experiment, options: ConductOptions): Promise<Outcome> {
  const { tape, seed, say, signal, warmMs = warmMsStandard } = options;
  const beganMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-chaos-'));
  const { remove, ...prepared } = (await experiment.prepare?.(folder)) ?? {};
  const trial = new Trial(options);
  let starting: Promise<Sandbox> | undefined;
  let figures: Figures | undefined;
  let alerts: readonly string[] = [];
  const work = async (): Promise<void> => {
    starting = Sandbox.start({ folder, tape, seed, ...prepared });
    const sandbox = await starting;
    const { traffic, watch } = sandbox;
    traffic.go();
    await sleep(warmMs);
    await traffic.pause();
    const before = await untilSteady(sandbox, stuckMs);
    trial.expect('steady before', before.problems.length === 0, before.problems.join('; '));
    if (before.problems.length > 0) return;
    traffic.go();
    await sleep(warmMs);
    const sinceMs = performance.now();
    await experiment.run(sandbox, trial);
    await traffic.pause();
    const after = await untilSteady(sandbox, experiment.stuckMs ?? stuckMs);
    trial.expect('steady after', after.problems.length === 0, after.problems.join('; '));
    trial.note('at rest after', seconds(after.tookMs));
    alerts = watch.alertsSince(sinceMs);
    const verdict = await judge(sandbox, await sandbox.still());
    figures = verdict.figures;
    trial.expect(
      'book, trail, candles and orders are whole',
      verdict.problems.length === 0,
      verdict.problems.join('; '),
    );
  };
  try {
    await bounded(work(), experiment.boundMs, signal);
  } catch (error) {
    if (!signal.aborted)
      trial.expect('the experiment runs to its end', false, (error as Error).stack ?? String(error));
  } finally {
    const sandbox = await starting?.catch(() => undefined);
    await sandbox
      ?.stop()
      .catch((error: unknown) => say(`the sandbox did not stop cleanly: ${String(error)}`));
    remove?.();
    if (process.env.EVENKEEL_CHAOS_KEEP === '1') say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  const took = (performance.now() - beganMs) / 1_000;
  const { checks, seen } = trial;
  return { name: experiment.name, checks, seen, alerts, figures, seconds: took };
}

async function bounded(work: Promise<void>, boundMs: number, signal: AbortSignal): Promise<void> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${boundMs / 1_000} s`)), boundMs);
  const abort = (): void => reject(new Error('interrupted'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
