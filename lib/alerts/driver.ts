/**
 * Runs the desk of alerts: reads what it remembers, steps, writes it, and only then sends. A process that dies in between
 * leaves a message that counts as lost a minute later and is sent again: at least once, by whoever comes next. Each
 * channel goes its own way; one that does not answer holds up no other.
 */
import { createDesk, deadline, step } from '../domain/alerts/desk.ts';
import type { AlertMessage, DeskEffect, DeskInput, DeskRules } from '../domain/alerts/types.ts';
import type { AlertChannel, ChannelMessage } from '../ports/alert-channel.ts';
import type { AlertMemoryStore } from '../ports/alert-memory.ts';
import type { DeadLetterQueue } from '../ports/dead-letter-queue.ts';

const writesMax = 20;
const writeRetryMs = 150;
/** A table that fails is asked again so often, first after this time, then after twice as long, and so on. */
const storeTriesMax = 8;
const storeRetryMs = 200;
const storeRetryMaxMs = 5_000;
/** A send and the two writes around it. */
const reserveMs = 9_000;

type LogFields = Readonly<Record<string, unknown>>;

export interface DriverOptions {
  readonly stage: string;
  readonly rules: DeskRules;
  readonly store: AlertMemoryStore;
  readonly channels: ReadonlyMap<string, AlertChannel>;
  readonly deadLetters: DeadLetterQueue;
  readonly logger: Readonly<Record<'info' | 'warn' | 'error', (message: string, extra: LogFields) => void>>;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** What is remembered could not be written: others wrote all the time. Nothing of the inputs was taken. */
export class AlertMemoryBusyError extends Error {
  override readonly name = 'AlertMemoryBusyError';
  readonly code = 'ALERT_MEMORY_BUSY';

  constructor() {
    super(
      `ALERT_MEMORY_BUSY: Others wrote the memory of the alerts ${writesMax} times in a row. Nothing was taken; the queue brings it again.`,
    );
  }
}

/**
 * Takes the inputs, which are safe when this has written them the first time, and sends what is due.
 *
 * @param lingerMs how long to wait at most for what is due next, as for the second between two messages
 * @param remainingMs of the time that this may take
 * @throws AlertMemoryBusyError, or what the store said, before anything was taken
 */
export async function drive(
  inputs: readonly DeskInput[],
  options: DriverOptions,
  lingerMs: number,
  remainingMs: () => number,
): Promise<{ readonly sent: number; readonly failed: number }> {
  const { nowMs, sleep, logger } = options;
  const mayTakeMs = (ms: number) => ms + reserveMs < remainingMs();
  const underWay = new Set<Promise<void>>();
  const report = { sent: 0, failed: 0 };
  let dueMs: number | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  /** One at a time: the sends of one process would only get into each other's way. */
  const take = async (some: readonly DeskInput[]): Promise<void> => {
    const mine = writing.then(() => updatePatiently(some, options, mayTakeMs));
    writing = mine.catch(() => undefined);
    const { effects, nextMs } = await mine;
    dueMs = nextMs;
    for (const effect of effects) start(effect);
  };
  const start = (effect: DeskEffect): void => {
    const going = carryOut(effect, options)
      .then((outcome) => {
        report[outcome.kind === 'failed' ? 'failed' : 'sent'] += 1;
        return take([outcome]);
      })
      // Its outcome is not known to anybody: it counts as lost, and is sent again.
      .catch((error: unknown) => logger.error('an outcome was not kept', { error: nameOf(error) }))
      .finally(() => underWay.delete(going));
    underWay.add(going);
  };

  await take(inputs);
  for (;;) {
    const waitMs = dueMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, dueMs - nowMs());
    const mayWait = waitMs <= lingerMs && mayTakeMs(waitMs);
    if (!mayWait && underWay.size === 0) return report;
    await Promise.race([...underWay, ...(mayWait ? [sleep(waitMs)] : [])]);
    if (mayWait && dueMs !== undefined && nowMs() >= dueMs) {
      try {
        await take([{ kind: 'tick' }]);
      } catch (error) {
        // What was given is safe; the next minute goes on.
        logger.warn('could not go on', { error: nameOf(error) });
        dueMs = undefined;
      }
    }
  }
}

/** What fails for a moment would else come again from the queue after minutes, and an outcome never. */
async function updatePatiently(
  inputs: readonly DeskInput[],
  options: DriverOptions,
  mayTakeMs: (ms: number) => boolean,
): ReturnType<typeof update> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await update(inputs, options);
    } catch (error) {
      const waitMs =
        Math.min(storeRetryMs * 2 ** (tries - 1), storeRetryMaxMs) * (0.5 + options.random() / 2);
      if (tries === storeTriesMax || !mayTakeMs(waitMs)) throw error;
      options.logger.warn('the table of the alerts is asked again', { tries, error: nameOf(error) });
      await options.sleep(waitMs);
    }
  }
}

async function update(
  inputs: readonly DeskInput[],
  { store, rules, nowMs, sleep, random, logger }: DriverOptions,
): Promise<{ readonly effects: readonly DeskEffect[]; readonly nextMs: number | undefined }> {
  for (let attempt = 1; attempt <= writesMax; attempt += 1) {
    const { version, memory } = await store.read();
    if (memory === undefined && version > 0)
      logger.error('what was remembered of alerts cannot be read; it begins anew', { version });
    const atMs = nowMs();
    const { state, effects } = step(createDesk(rules, memory), inputs, atMs);
    const isSame = effects.length === 0 && JSON.stringify(state.memory) === JSON.stringify(memory);
    if (isSame || (await store.write(version, state.memory)))
      return { effects, nextMs: deadline(state, atMs) };
    await sleep(random() * writeRetryMs);
  }
  throw new AlertMemoryBusyError();
}

/** Whatever happens has an outcome: one that is not known holds up the channel for a minute. */
async function carryOut(effect: DeskEffect, options: DriverOptions): Promise<DeskInput> {
  const { channel, no } = effect.message;
  try {
    return await (effect.kind === 'send' ? send(effect.message, options) : bury(effect, options));
  } catch (error) {
    const problem = nameOf(error);
    options.logger.error(
      effect.kind === 'send' ? 'the channel threw' : 'the dead-letter queue did not take it',
      {
        channel,
        no,
        error: problem,
      },
    );
    return { kind: 'failed', channel, no, why: 'later', retryAfterMs: 0, problem };
  }
}

async function send(message: AlertMessage, options: DriverOptions): Promise<DeskInput> {
  const { channel, no, attempt } = message;
  const { channels, logger } = options;
  const told = {
    channel,
    no,
    attempt,
    alerts: message.alerts.map(({ id, kind, alert }) => `${id} ${kind} ${alert}`),
  };
  const answer = await channels.get(channel)?.send(channelMessage(message, options));
  if (answer?.ok) {
    logger.info('sent', told);
    return { kind: 'delivered', channel, no };
  }
  const { why, retryAfterMs, problem } = answer ?? {
    why: 'later' as const,
    retryAfterMs: 0,
    problem: 'the function has no such channel',
  };
  logger.warn('not sent', { ...told, why, retryAfterMs, problem });
  return { kind: 'failed', channel, no, why, retryAfterMs, problem };
}

async function bury(
  { message, problem }: Extract<DeskEffect, { readonly kind: 'bury' }>,
  options: DriverOptions,
): Promise<DeskInput> {
  const { deadLetters, logger } = options;
  const { channel, no } = message;
  const whole = channelMessage(message, options);
  await deadLetters.put({
    messageId: whole.id,
    group: channel,
    body: JSON.stringify(whole),
    reason: 'ALERT_UNDELIVERED',
    message: problem,
  });
  logger.error('put into the dead-letter queue', { channel, no, problem });
  return { kind: 'buried', channel, no };
}

function channelMessage(
  message: AlertMessage,
  { stage, nowMs }: Pick<DriverOptions, 'stage' | 'nowMs'>,
): ChannelMessage {
  return { ...message, stage, id: `${stage}-${message.channel}-${message.no}`, sentMs: nowMs(), test: null };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'an error';
}
