/** What a run is asked for: by hand, by the clock, or by an event of the bus. */
import * as z from 'zod';
import { type RunTrigger, runTriggers } from '../domain/reconcile/records.ts';
import { type ReconcileMode, reconcileModes } from '../domain/reconcile/types.ts';
import { ReconcileError } from './reconcile-error.ts';
import type { ReconcileStreamer } from './rules.ts';

const wordsMax = 500;

const payload = z.strictObject({
  /** May be left out where the stage has one. */
  account: z.string().min(1).optional(),
  /** For this run alone; the configuration's where it is left out. */
  mode: z.enum(reconcileModes).optional(),
  trigger: z.enum(runTriggers),
  by: z.string().min(1).max(wordsMax),
  reason: z.string().max(wordsMax).optional(),
});

/** An event as EventBridge hands it over is known by its name, whatever else is in it. */
const named = z.object({ 'detail-type': z.unknown().refine((name) => name !== undefined) });

const busEvent = z.object({
  'detail-type': z.string(),
  source: z.string(),
  detail: z.object({ account: z.string().min(1), id: z.string().min(1) }),
});

/** A streamer has begun a term, or a plan has come to its end: what is to be asked then. */
const triggersByEvent: ReadonlyMap<string, RunTrigger> = new Map([
  ['gateway.connected', 'start'],
  ['plan.applied', 'plan'],
  ['plan.refused', 'plan'],
]);

export interface RunRequest {
  readonly streamer: ReconcileStreamer;
  readonly mode: ReconcileMode | undefined;
  readonly trigger: RunTrigger;
  readonly by: string;
  readonly reason: string;
}

/** @throws ReconcileError RECONCILE_REQUEST_INVALID, RECONCILE_ACCOUNT_UNKNOWN */
export function parseRequest(request: unknown, streamers: readonly ReconcileStreamer[]): RunRequest {
  const { account, mode, trigger, by, reason = '' } = fromBus(request) ?? parsePayload(request);
  return { streamer: streamerOf(account, streamers), mode, trigger, by, reason };
}

function fromBus(request: unknown): z.output<typeof payload> | undefined {
  if (!named.safeParse(request).success) return undefined;
  const parsed = busEvent.safeParse(request);
  if (!parsed.success) throw invalid('The event is wrong', request, parsed.error);
  const { 'detail-type': name, source: by, detail } = parsed.data;
  const trigger = triggersByEvent.get(name);
  if (trigger === undefined) {
    const what = `The event ${shortly(name)} asks for no run.`;
    throw new ReconcileError('RECONCILE_REQUEST_INVALID', what);
  }
  return { account: detail.account, trigger, by, reason: `${name} ${detail.id}`.slice(0, wordsMax) };
}

function parsePayload(request: unknown): z.output<typeof payload> {
  const parsed = payload.safeParse(request);
  if (parsed.success) return parsed.data;
  throw invalid('The payload is wrong', request, parsed.error);
}

function invalid(what: string, request: unknown, { issues }: z.ZodError): ReconcileError {
  const problems = issues.map(({ path, message }) => {
    const value = path.reduce<unknown>(
      (whole, name) => (whole as Record<PropertyKey, unknown>)[name],
      request,
    );
    const where = path.join('.') || 'the whole';
    if (value === undefined) return `${where} is missing`;
    return `${where} is ${shortly(JSON.stringify(value))}: ${message}`;
  });
  const words = problems.join('; ').slice(0, wordsMax);
  return new ReconcileError('RECONCILE_REQUEST_INVALID', `${what} (${words}).`);
}

function streamerOf(account: string | undefined, streamers: readonly ReconcileStreamer[]): ReconcileStreamer {
  const accounts = streamers.map((one) => one.account);
  if (account === undefined) {
    const [only, ...others] = streamers;
    if (only !== undefined && others.length === 0) return only;
    throw new ReconcileError(
      'RECONCILE_REQUEST_INVALID',
      `The payload names no account, and the stage has several (${accounts.join(', ')}).`,
    );
  }
  return checkAccount(account, streamers);
}

/**
 * The streamer of an account.
 *
 * @throws ReconcileError RECONCILE_ACCOUNT_UNKNOWN
 */
export function checkAccount(account: string, streamers: readonly ReconcileStreamer[]): ReconcileStreamer {
  const found = streamers.find((one) => one.account === account);
  if (found !== undefined) return found;
  const accounts = streamers.map((one) => one.account).join(', ');
  throw new ReconcileError(
    'RECONCILE_ACCOUNT_UNKNOWN',
    `No streamer of the stage has the account ${shortly(account)}; it has ${accounts}.`,
  );
}

function shortly(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
