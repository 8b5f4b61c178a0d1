/** One run of the simulation in a copy of the tree, in a process of its own, until an invariant is broken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';

const answerSchema = z.object({
  clean: z.boolean(),
  violations: z.array(
    z.object({ seed: z.number(), step: z.number(), invariant: z.string(), message: z.string() }),
  ),
});

export interface TrialOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  /** Of each seed, until its world is healed. */
  readonly steps: number;
  /** Longer than that, and nothing was found. */
  readonly limitSeconds: number;
}

export type Violation = z.infer<typeof answerSchema>['violations'][number];

/** `broken`: the simulation did not come to an answer, which is no finding. */
export type Outcome = (
  | { readonly is: 'found'; readonly violation: Violation }
  | { readonly is: 'clean' }
  | { readonly is: 'late' }
  | { readonly is: 'broken'; readonly why: string }
) & { readonly seconds: number };

const shownMax = 1_500;

/** @param signal ends the process, and with it the trial */
export async function trial(folder: string, options: TrialOptions, signal: AbortSignal): Promise<Outcome> {
  const { seeds, firstSeed, steps, limitSeconds } = options;
  const startMs = performance.now();
  // One process, so that the first seed that breaks is always the same.
  const args = ['test/simulation/main.ts', '--json', '--stop-at-first', '--no-shrink', '--workers', '1'];
  args.push('--seeds', String(seeds), '--first', String(firstSeed), '--steps', String(steps));
  const scratch = join(folder, '.tmp');
  mkdirSync(scratch, { recursive: true });
  const limit = AbortSignal.timeout(limitSeconds * 1_000);
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // What a process that is ended leaves behind goes away with the copy.
    env: { ...process.env, NO_COLOR: '1', TMPDIR: scratch },
  });
  const end = (): void => void child.kill('SIGKILL');
  const either = AbortSignal.any([signal, limit]);
  either.addEventListener('abort', end, { once: true });
  if (either.aborted) end();
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  either.removeEventListener('abort', end);
  signal.throwIfAborted();
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  if (limit.aborted) return { is: 'late', seconds };
  return { ...outcomeOf(code, stdout, stderr), seconds };
}

function outcomeOf(code: number | null, stdout: string, stderr: string) {
  const words = `exit code ${code}: ${(stderr || stdout).trim().slice(-shownMax)}`;
  if (code !== 0 && code !== 1) return { is: 'broken', why: words } as const;
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return { is: 'broken', why: words } as const;
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) return { is: 'broken', why: `the answer has another form: ${words}` } as const;
  const [violation] = parsed.data.violations;
  if (violation !== undefined) return { is: 'found', violation } as const;
  return code === 0 ? ({ is: 'clean' } as const) : ({ is: 'broken', why: words } as const);
}
