/** What each kind of alarm says to whoever is woken by it: what happened, what to do first, where to read on. */

/** A section of docs/operations.md has this name. */
export const alarmKinds = [
  'heartbeat-missing',
  'outbox-waiting',
  'ticks-dropped',
  'candles-late',
  'reconcile-late',
  'reconcile-failed',
  'watchdog-not-running',
  'queue-waiting',
  'dead-letters',
  'function-failing',
  'table-throttled',
  'rules-failing',
  'backup-missing',
  'alert-delivery-failing',
] as const;

export type AlarmKind = (typeof alarmKinds)[number];

/** The page of the runbooks, from the root of the repository. */
export const runbookPage = 'docs/operations.md';

interface Words {
  /** `subject` is the name of a streamer, a queue, a function or a table. */
  readonly what: (subject: string) => string;
  readonly first: (stage: string, subject: string) => string;
}

const words: Readonly<Record<AlarmKind, Words>> = {
  'heartbeat-missing': {
    what: (streamer) =>
      `The streamer ${streamer} is silent: for five minutes no process has told that it holds the lease. Nobody takes in ticks and fills, sends orders or guards stops; stops at the broker stay there.`,
    first: (stage) => `\`evenkeel status --stage ${stage}\`, then the events of its ECS service.`,
  },
  'outbox-waiting': {
    what: (streamer) =>
      `Events of the streamer ${streamer} have waited for five minutes: the bus or the queue of the book does not take them. They lie safe on the disk of its task; candles and book fall behind.`,
    first: (stage) => `\`evenkeel logs streamer --stage ${stage}\`: the reason stands there.`,
  },
  'ticks-dropped': {
    what: (streamer) =>
      `The streamer ${streamer} has dropped ticks for want of room. Bars without their trades are marked and filled from history.`,
    first: (stage) => `\`evenkeel status --stage ${stage} --verbose\`: is the outbox full, too?`,
  },
  'candles-late': {
    what: (streamer) => `Candles of the streamer ${streamer} reach the bus late, three minutes of five.`,
    first: (stage) => `\`evenkeel status --stage ${stage} --verbose\`: session, feeds, outbox.`,
  },
  'reconcile-late': {
    what: (streamer) =>
      `No reconcile of the streamer ${streamer}'s account has come to an end for three intervals. Nobody compares the broker with the book.`,
    first: (stage) => `\`evenkeel reconcile --stage ${stage} --reason "late"\`, and see whether it answers.`,
  },
  'reconcile-failed': {
    what: (streamer) =>
      `A reconcile of the streamer ${streamer}'s account has FAILED. SAFE_MODE is on and trading is locked until a person has looked.`,
    first: (stage) => `\`evenkeel reconcile show latest --stage ${stage}\`: the reason stands there.`,
  },
  'watchdog-not-running': {
    what: () =>
      'The watchdog has not been called for five minutes. Nobody looks from outside at heartbeats and stops.',
    first: (_stage, subject) => `\`aws scheduler get-schedule --name ${subject}\`: is it ENABLED?`,
  },
  'queue-waiting': {
    what: (queue) =>
      `The oldest message of the queue ${queue} has waited for five minutes: its reader does not come, or fails.`,
    first: (stage) => `\`evenkeel doctor --stage ${stage}\`, then the log of the reader.`,
  },
  'dead-letters': {
    what: (queue) =>
      `Something lies in the dead-letter queue ${queue}. It failed for good, is kept for 14 days, and nothing takes it up by itself.`,
    first: (stage) => `\`evenkeel doctor --stage ${stage}\`; then read the letter, without deleting it.`,
  },
  'function-failing': {
    what: (name) => `Calls of the function ${name} have failed, or were throttled.`,
    first: (stage, name) =>
      `\`evenkeel logs ${name.replace(`evenkeel-${stage}-`, '')} --stage ${stage} --since 30m\`.`,
  },
  'table-throttled': {
    what: (table) =>
      `DynamoDB refuses requests to the table ${table} for the moment. They are repeated; book and candles fall behind.`,
    first: () => 'the table in the console of DynamoDB: a hot key, or a limit of the account?',
  },
  'rules-failing': {
    what: () =>
      'A rule of the bus could not reach its target, for good. The event lies in the dead-letter queue of the target.',
    first: (stage) => `\`evenkeel doctor --stage ${stage}\`: which queue has it?`,
  },
  'backup-missing': {
    what: () =>
      'No backup was made for more than a day. Older ones stand; a plan is never applied without one of its own.',
    first: (stage) => `\`evenkeel backup --stage ${stage} --reason "the daily one is missing"\`.`,
  },
  'alert-delivery-failing': {
    what: (topic) => `Messages of the topic ${topic} did not reach everybody who is to get them.`,
    first: () => 'the subscriptions of the topic: confirmed, and the address right?',
  },
};

/** The description of an alarm: CloudWatch takes 1,024 characters. */
export function describeAlarm(
  kind: AlarmKind,
  subject: string,
  { stage, runbookUrl = '' }: { readonly stage: string; readonly runbookUrl?: string | undefined },
): string {
  const { what, first } = words[kind];
  const base = runbookUrl === '' || runbookUrl.endsWith('/') ? runbookUrl : `${runbookUrl}/`;
  return `${what(subject)} First: ${first(stage, subject)} Then: ${base}${runbookPage}#${kind}`;
}
