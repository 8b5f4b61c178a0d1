/** What the page may have done or asked, each as the command that does it. Nothing else can be run from the page. */
import * as z from 'zod';
import { flagNames, flagPresetNames } from '../../lib/domain/safety/flags.ts';
import type { Answer, CommandRunner } from './commands.ts';
import { type AuditList, auditList } from './topics.ts';

const reason = z.string().trim().min(1).max(500);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const backup = z.string().regex(/^(latest|\d{1,6}|db_backup_\d{8}_\d{6})$/);
/** A key, a run, an id of a discrepancy: one line, and never an option. */
const name = z
  .string()
  .max(200)
  .regex(/^[^\p{Cc}-][^\p{Cc}]*$/u);

/** A text of a person's as the value of an option, also where it begins with a dash. */
const because = (text: string) => `--reason=${text}`;

export const actionSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('approve'),
    hash,
    typed: z.string().max(64),
    reason,
    exceptAmbiguous: z.boolean().default(false),
  }),
  z.object({ action: z.literal('reject'), hash, reason }),
  z.object({ action: z.literal('flag'), name: z.enum(flagNames), value: z.boolean(), reason }),
  z.object({
    action: z.literal('preset'),
    name: z.enum(flagPresetNames as readonly [string, ...string[]]),
    reason,
  }),
  z.object({ action: z.literal('trading'), mode: z.enum(['halt', 'reduce-only', 'resume']), reason }),
  z.object({ action: z.literal('reconcile'), reason: reason.optional() }),
  z.object({ action: z.literal('acknowledge'), id: name, reason }),
  z.object({ action: z.literal('backup'), reason }),
  z.object({ action: z.literal('alert-ack'), id: name, reason }),
]);
export type Action = z.infer<typeof actionSchema>;

/** Runs the command of an action. */
export function perform(action: Action, { act }: Pick<CommandRunner, 'act'>): Promise<Answer> {
  switch (action.action) {
    case 'approve': {
      const but = action.exceptAmbiguous ? ['--except-ambiguous'] : [];
      // The command asks for the hash's first characters; what was typed into the page is the answer.
      return act(['plan', 'approve', action.hash, because(action.reason), ...but], { typed: action.typed });
    }
    case 'reject':
      return act(['plan', 'reject', action.hash, because(action.reason)]);
    case 'flag':
      return act(['flags', 'set', action.name, String(action.value), because(action.reason)]);
    case 'preset':
      return act(['flags', 'preset', action.name, because(action.reason)]);
    case 'trading':
      return act([action.mode, because(action.reason)]);
    case 'reconcile':
      return act(['reconcile', ...(action.reason === undefined ? [] : [because(action.reason)])]);
    case 'acknowledge':
      return act(['reconcile', 'ack', action.id, because(action.reason)]);
    case 'backup':
      return act(['backup', because(action.reason)], { scope: 'stage' });
    case 'alert-ack':
      return act(['alerts', 'ack', action.id, because(action.reason)]);
  }
}

/** What must not be asked twice at the same time: the plan of an approval, else the kind of work. */
export function workOf(action: Action): string {
  return action.action === 'approve' || action.action === 'reject'
    ? `plan ${action.hash}`
    : `${action.action}`;
}

export const questionSchema = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('order'), key: name }),
  z.object({ ask: z.literal('run'), id: name }),
  z.object({ ask: z.literal('manifest'), id: backup }),
  z.object({ ask: z.literal('verify-backup'), id: backup }),
  z.object({ ask: z.literal('verify-audit'), againstBook: z.boolean().default(false) }),
  z.object({ ask: z.literal('audit'), days: z.int().min(1).max(366) }),
  z.object({ ask: z.literal('doctor') }),
]);
export type Question = z.infer<typeof questionSchema>;

/** How long the doctor waits for ticks, from the page. */
const doctorSeconds = 20;

/** Rows of the audit trail that are looked through at once. */
const auditMax = 10_000;

function withoutImages(answered: Answer): Answer {
  if (!answered.ok) return answered;
  const { head, rows } = auditList(answered.result as AuditList);
  return { ...answered, result: { ...(head as object), rows: rows?.map(([, row]) => row) } };
}

/** Runs the command that answers a question. It changes nothing. */
export function answer(question: Question, { read }: Pick<CommandRunner, 'read'>): Promise<Answer> {
  switch (question.ask) {
    case 'order':
      return read(['orders', 'show', question.key]);
    case 'run':
      return read(['reconcile', 'show', question.id]);
    case 'manifest':
      return read(['backups', 'show', question.id], 'stage');
    case 'verify-backup':
      return read(['backups', 'verify', question.id], 'stage');
    case 'verify-audit':
      return read(['audit', 'verify', ...(question.againstBook ? ['--against-book'] : [])]);
    case 'audit':
      return read(['audit', `--since=${question.days}d`, `--limit=${auditMax}`]).then(withoutImages);
    case 'doctor':
      return read(['doctor', '--seconds', String(doctorSeconds)]);
  }
}
