import type { EventData } from '../lib/events/catalogue.ts';
import { type Command, commandSchema } from '../lib/events/command.ts';

/** A command that can be carried out, or the alert that answers one that cannot. */
export type CheckedCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly alert: EventData<'alert.raised'> };

const SHOWN_MAX = 200;
/** Of what is wrong with a command: whoever sent it has chosen how much that is. */
const PROBLEMS_MAX = 5;

/**
 * Judges a message of the command queue.
 *
 * @param account of this streamer
 * @param nowMs system time, Unix ms UTC
 */
export function checkCommand(body: string, account: string, nowMs: number): CheckedCommand {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return refused('command_malformed', 'message', `A command is not JSON: ${shown(body)}. ${SEND_AGAIN}`);
  }
  const id = idOf(value);
  const parsed = commandSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .slice(0, PROBLEMS_MAX)
      .map(({ path, message }) => shown(`${path.join('.') || 'command'}: ${message}`));
    const what = `A command cannot be understood (${problems.join('; ')}): ${shown(body)}.`;
    return refused('command_malformed', id, `${what} ${SEND_AGAIN}`);
  }
  const command = parsed.data;
  if (command.account !== account) {
    const what = `The command ${command.type} of ${shown(command.issuedBy)} is for account ${shown(command.account)}, and this streamer holds ${account}.`;
    return refused(
      'command_foreign',
      id,
      `${what} It was not carried out. Send it to the queue of that account's streamer.`,
    );
  }
  // One that trades may be recorded already, and is answered by what became of it.
  if (command.type === 'snapshot' && Date.parse(command.validUntil) < nowMs) {
    const what = `The command ${command.type} of ${shown(command.issuedBy)} was valid until ${command.validUntil} and came too late.`;
    return refused(
      'command_expired',
      id,
      `${what} It was not carried out. Look whether the streamer was away, and send it again.`,
    );
  }
  return { ok: true, command };
}

const SEND_AGAIN =
  'It was not carried out and is taken from the queue. Send commands with the CLI, of the same version as the streamer.';

function refused(alert: string, subject: string, message: string): CheckedCommand {
  return { ok: false, alert: { alert, severity: 'MEDIUM', subject, message } };
}

function idOf(value: unknown): string {
  const id = (value as { id?: unknown } | null)?.id;
  return typeof id === 'string' && id !== '' ? shown(id) : 'message';
}

function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
