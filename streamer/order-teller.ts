import type { Intent } from '../lib/domain/orders/intent.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Asked, OrderDeskOptions, TradeCommand, Words } from './order-desk-types.ts';

/** Tells senders what became of their commands, and persons what they must look at. */
export class OrderTeller {
  readonly #answer: OrderDeskOptions['answer'];
  readonly #raise: OrderDeskOptions['raise'];

  constructor({ answer, raise }: Pick<OrderDeskOptions, 'answer' | 'raise'>) {
    this.#answer = answer;
    this.#raise = raise;
  }

  /** Tells of a command that was not carried out, without a record: the book does not answer, or nothing was asked of it. */
  tell(
    { command, key }: Pick<Asked, 'key' | 'command'>,
    answer: EventData<'command.answered'>['answer'],
    words: Words,
  ): void {
    this.#answer({
      commandId: command.id,
      command: command.type,
      issuedBy: command.issuedBy,
      key,
      answer,
      ...words,
      orders: [],
    });
  }

  /** Of an intent that is recorded, with the orders that it has become. */
  told(
    intent: Intent,
    answer: EventData<'command.answered'>['answer'],
    { code, message, allowed }: Words,
  ): void {
    this.#answer({
      commandId: intent.commandId,
      command: intent.command as TradeCommand['type'],
      issuedBy: intent.issuedBy,
      key: intent.key,
      answer,
      code,
      message,
      allowed,
      orders: intent.legs.map((leg) => ({ ...leg })),
    });
  }

  /** The same command once more is answered as before; nothing while it is under way or unresolved. */
  toldAgain(earlier: Intent): void {
    if (earlier.state === 'denied' || earlier.state === 'would-send' || earlier.state === 'rejected')
      this.told(earlier, earlier.state, earlier);
    else if (earlier.state === 'sent') this.told(earlier, 'accepted', earlier);
  }

  /** Recorded, and nothing has left. */
  notSent(intent: Intent): void {
    if (intent.code === 'SAFE_MODE' || intent.code === 'FLAGS_UNREADABLE') {
      this.#raise({
        alert: 'order_blocked_safe_mode',
        severity: 'INFO',
        subject: `intent ${intent.key}`,
        message: `${intent.command} of ${intent.issuedBy} was not carried out. ${intent.message} ${intent.allowed}`,
      });
    }
    this.told(intent, intent.state === 'would-send' ? 'would-send' : 'denied', intent);
  }

  /** What became of what had left, or may have. */
  settled(intent: Intent): void {
    const answers = {
      sent: 'accepted',
      rejected: 'rejected',
      unresolved: 'unresolved',
      denied: 'denied',
    } as const;
    if (intent.state in answers) this.told(intent, answers[intent.state as keyof typeof answers], intent);
  }

  /** Another command with the same key: a double click. */
  duplicate(command: TradeCommand, earlier: Intent): void {
    const message = `The command ${command.id} of ${command.issuedBy} repeats the order with the key ${earlier.key}, which is ${earlier.state} since ${earlier.issuedAt}. Nothing was sent.`;
    this.#raise({
      alert: 'duplicate_submission_blocked',
      severity: 'INFO',
      subject: `intent ${earlier.key}`,
      message,
    });
    this.tell({ key: earlier.key, command }, 'denied', {
      code: 'DUPLICATE',
      message,
      allowed: 'Another key, where a second order is wanted.',
    });
  }

  blocked(command: TradeCommand, { message, allowed }: Words): void {
    this.#raise({
      alert: 'order_blocked_safe_mode',
      severity: 'INFO',
      subject: `command ${command.id}`,
      message: `${command.type} of ${command.issuedBy} is held back. ${message} ${allowed}`,
    });
  }

  lacking({ key, command, issuedBy }: Intent, lacks: readonly string[]): void {
    this.#raise({
      alert: 'order_partly_refused',
      severity: 'CRITICAL',
      subject: `intent ${key}`,
      message: `Of the ${command} of ${issuedBy} with the key ${key} the broker refused ${lacks.join('; ')}, and has the rest: what that fills may be unprotected. Cancel the rest, or place what is missing: \`evenkeel orders\`.`,
    });
  }

  unresolved({ key, command, issuedBy }: Intent, message: string): void {
    this.#raise({
      alert: 'order_unresolved',
      severity: 'CRITICAL',
      subject: `intent ${key}`,
      message: `The ${command} of ${issuedBy} with the key ${key} left, and the broker does not have it. ${message}`,
    });
  }

  unreadable(key: string, problem: string): void {
    this.#raise({
      alert: 'order_unresolved',
      severity: 'CRITICAL',
      subject: `intent ${key}`,
      message: `What the book has of the order with the key ${key} cannot be read (${problem}): whether it left is not known here, and nothing leaves under that key. Look in TWS for it, and restore the item from the audit trail.`,
    });
  }
}
