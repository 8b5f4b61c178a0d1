/** What apply-plan is asked, to whom it goes, and what is logged and said of it. */
import type { Logger } from '@aws-lambda-powertools/logger';
import * as z from 'zod';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';
import { applyPlan } from '../../lib/reconcile/apply-plan.ts';
import { type ApprovePorts, approvePlan } from '../../lib/reconcile/approve-plan.ts';
import type { PlanAnswer, PlanNotice } from '../../lib/reconcile/plan-desk.ts';
import { rejectPlan } from '../../lib/reconcile/reject-plan.ts';
import { stageSubset } from '../../lib/reconcile/stage-subset.ts';

const noticeAttemptsMax = 3;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be the hash of a plan: 64 hexadecimal digits');
const account = z.string().min(1);
const proof = z.strictObject({
  url: z.string().min(1).max(4_000),
  headers: z.record(z.string().max(100), z.string().max(200)),
});
const decision = { account, hash, reason: z.string().max(1_000), proof };

const request = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('approve'), ...decision }),
  z.strictObject({ action: z.literal('reject'), ...decision }),
  z.strictObject({ action: z.literal('except-ambiguous'), ...decision }),
  /** Of a plan that is approved: by the policy, or by a person before the function was stopped. */
  z.strictObject({ action: z.literal('apply'), account, hash }),
]);

/** `plan.approved` as a rule of the bus delivers it: it asks that the plan be applied. */
const delivered = z
  .object({
    'detail-type': z.literal('plan.approved'),
    detail: z.object({ account, data: z.object({ planHash: hash }) }),
  })
  .transform(({ detail }) => ({
    action: 'apply' as const,
    account: detail.account,
    hash: detail.data.planHash,
  }));

export interface RunOptions extends Omit<ApprovePorts, 'tell' | 'approvers'> {
  /** Patterns of ARNs. */
  readonly approvers: readonly string[];
  /** IB accounts of the stage. */
  readonly accounts: readonly string[];
  readonly publisher: EventPublisher;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export type PlanRequestErrorCode = 'PLAN_REQUEST_INVALID' | 'PLAN_ACCOUNT_UNKNOWN';

const advice: Readonly<Record<PlanRequestErrorCode, string>> = {
  PLAN_REQUEST_INVALID: 'Ask with `evenkeel plan approve HASH --reason …` of the same version.',
  PLAN_ACCOUNT_UNKNOWN: 'Take one of those that `evenkeel status` lists.',
};

/** The function was asked something that it does not understand. */
export class PlanRequestError extends Error {
  override readonly name = 'PlanRequestError';
  readonly code: PlanRequestErrorCode;

  constructor(code: PlanRequestErrorCode, what: string) {
    super(`${code}: ${what} Nothing was changed. ${advice[code]}`);
    this.code = code;
  }
}

/**
 * @param functionArn of this function: the AWS account of the stage is in it
 * @returns what became of the plan; a refusal is an answer with its code
 * @throws PlanRequestError for a request that cannot be understood; whatever may pass by itself, so that it is tried again
 */
export async function run(asked: unknown, functionArn: string, options: RunOptions): Promise<PlanAnswer> {
  const { logger, accounts, approvers } = options;
  const wanted = parse(asked);
  if (!accounts.includes(wanted.account)) {
    throw new PlanRequestError(
      'PLAN_ACCOUNT_UNKNOWN',
      `The stage has no account ${wanted.account.slice(0, 50)}.`,
    );
  }
  const awsAccount = functionArn.split(':')[4] ?? '';
  const ports: ApprovePorts = {
    ...options,
    approvers: { awsAccount, patterns: approvers },
    tell: (notice) => say(notice, options),
  };
  const answer = await act(wanted, ports);
  const { action } = wanted;
  if (answer.code === '') logger.info('done', { action, ...answer });
  else logger.warn('refused', { action, ...answer });
  return answer;
}

function act(wanted: z.infer<typeof request>, ports: ApprovePorts): Promise<PlanAnswer> {
  switch (wanted.action) {
    case 'approve':
      return approvePlan(wanted, ports);
    case 'reject':
      return rejectPlan(wanted, ports);
    case 'except-ambiguous':
      return stageSubset(wanted, ports);
    case 'apply':
      return applyPlan(wanted, ports);
  }
}

function parse(asked: unknown): z.infer<typeof request> {
  const event = delivered.safeParse(asked);
  if (event.success) return event.data;
  const parsed = request.safeParse(asked);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new PlanRequestError('PLAN_REQUEST_INVALID', `The payload is wrong (${problems.join('; ')}).`);
}

async function say(notice: PlanNotice, { publisher, logger }: RunOptions): Promise<void> {
  let problem = '';
  for (let attempt = 1; attempt <= noticeAttemptsMax; attempt += 1) {
    const [result] = await publisher.publish([notice]);
    if (result?.ok !== false) return;
    problem = `${result.code}: ${result.message}`;
  }
  logger.error('the bus did not take it', { id: notice.id, type: notice.type, problem });
}
