import { createHash } from 'node:crypto';
import { type OrdersClient, ordersClient, type SentCommand } from '../../lib/aws/orders-client.ts';
import type { Intent } from '../../lib/domain/orders/intent.ts';
import { isSameSubmission, signatureKeys, submissionOf } from '../../lib/domain/safety/submission.ts';
import { progress, type Shown, type Streaming } from './cli.ts';
import { exit } from './exit.ts';
import { awaitIntent, readAnswer, readIntents, sayInterrupted } from './order-answer.ts';
import { outcomeOf, shownOutcome, unanswered } from './order-outcome.ts';
import { legWords, type Review } from './order-review.ts';
import { pageOf } from './page.ts';
import type { Session } from './session.ts';
import { time } from './view.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The orders client of the person who runs the program. */
export async function personsClient(session: Session): Promise<OrdersClient> {
  const { ports, account, streamer, io } = session;
  const [{ arn }, sender] = await Promise.all([ports.identity.whoAmI(), ports.commands(streamer.name)]);
  return ordersClient({ sender, account, issuedBy: arn, by: 'person', nowMs: io.nowMs });
}

/** How an order is sent, and under which key. */
export interface Sending {
  /** As the person chose it; undefined for one that is made of what is ordered and when. */
  readonly key: string | undefined;
  readonly seconds: number;
  /** For messages: `BUY 1 GCG6 LMT 2600.1 DAY` */
  readonly what: string;
  readonly send: (client: OrdersClient, key: string) => Promise<SentCommand>;
}

/**
 * Sends what makes an intent and waits for its end. A key that the book has already is an order already: then nothing is
 * sent, and what became of that one is shown.
 */
export async function sendIntent(
  session: Session,
  review: Review,
  sending: Sending,
): Promise<Shown | Streaming> {
  const { account } = session;
  const { seconds, what } = sending;
  const client = await personsClient(session);
  return session.uncut(async () => {
    const { key, stored } = await keyFor(session, review, sending.key);
    if (stored !== undefined) {
      const answer = await awaitIntent(session, key, seconds);
      if (answer === 'interrupted') return exit.interrupted;
      return shownOutcome(
        outcomeOf(account, answer ?? stored, true),
        asked(stored, review, session),
        pageOf(session),
      );
    }
    const { commandId } = await sendSurely(session, key, () => sending.send(client, key));
    progress(session, `Sent as the command ${commandId}, key ${key} ...`);
    const answer = await awaitIntent(session, key, seconds);
    if (answer === 'interrupted') {
      sayInterrupted(session, `the order with the key ${key}`);
      return exit.interrupted;
    }
    const outcome =
      answer === undefined
        ? unanswered(account, { commandId, key }, seconds, await readAnswer(session, key))
        : // Somebody else may have been faster with the same key.
          outcomeOf(account, answer, answer.commandId !== commandId);
    return shownOutcome(outcome, what, pageOf(session));
  });
}

/** What the key stands for: it may be another order than the one that was asked for now. */
function asked(
  { command, wish, conId, issuedBy, issuedAt }: Intent,
  { picture: { instrument } }: Review,
  { view }: Session,
): string {
  const [entry] = wish.legs;
  const symbol = conId === instrument.conId ? instrument.localSymbol : `conId ${conId}`;
  const words = entry === undefined ? symbol : legWords(entry, symbol);
  return `${words} (${command} by ${issuedBy}, ${time(view, issuedAt)})`;
}

/**
 * Without a key the same order within ten seconds is the same one: a command that was run twice by mistake is one order.
 *
 * @returns the key, and the intent that the book has under it
 */
async function keyFor(
  { ports, account, io }: Session,
  { legs, picture }: Review,
  given: string | undefined,
): Promise<{ readonly key: string; readonly stored: Intent | undefined }> {
  if (given !== undefined) {
    const [stored] = await readIntents(ports.book, account, [given]);
    return { key: given, stored };
  }
  const nowMs = io.nowMs();
  const { own, neighbours } = signatureKeys(
    submissionOf(picture.instrument.localSymbol, legs),
    nowMs,
    sha256,
  );
  const intents = await readIntents(ports.book, account, [own, ...neighbours]);
  const stored = intents.find(
    (one) => one !== undefined && isSameSubmission(Date.parse(one.issuedAt), nowMs),
  );
  return { key: stored?.key ?? own, stored };
}

/** A send that failed may have arrived all the same. */
export async function sendSurely<T>(session: Session, key: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const again = key === '' ? '' : ` Repeat it with --key ${key}: then it is one order.`;
    progress(session, `The command may have reached its queue nevertheless: look at orders first.${again}`);
    throw error;
  }
}
