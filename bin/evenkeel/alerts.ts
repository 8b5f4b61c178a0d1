import type { OperatorAnswer } from '../../functions/alerts/run.ts';
import { asResult, channelStates, listed, showAlerts } from './alerts-show.ts';
import type { Cli, Shown } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { pageOf } from './page.ts';
import { reasonOf } from './reason.ts';
import type { StageSession } from './session.ts';
import { stageNames } from './stage-names.ts';
import { unknownName, validName } from './valid-names.ts';
import { plain } from './view.ts';

async function list(session: StageSession, all: boolean): Promise<Shown> {
  const { memory } = await session.ports.alerts.read();
  const records = memory === undefined ? [] : listed(memory, all, session.named);
  const channels = memory === undefined ? [] : channelStates(memory);
  return {
    result: { alerts: records.map(asResult), channels },
    text: () => showAlerts(records, channels, pageOf(session)),
  };
}

/** Who takes it on is proven by AWS itself, as for the approval of a plan. */
async function acknowledge(session: StageSession, given: string, reason: string | undefined): Promise<Shown> {
  const { ports, stage } = session;
  const why = reasonOf(reason);
  const { memory } = await ports.alerts.read();
  const open = memory === undefined ? [] : listed(memory, false);
  const record = open.find(({ id }) => id === given.toLowerCase());
  if (record === undefined)
    throw unknownName(
      'alert',
      given,
      open.map(({ id }) => id),
      ' that is open',
    );
  const { url, headers } = await ports.proveIdentity('acknowledge-alert', record.id);
  const payload = {
    action: 'acknowledge',
    id: record.id,
    reason: why,
    proof: { url, headers: { ...headers } },
  };
  const answer = (await ports.functions.call(
    stageNames(stage).alertsFunction,
    payload,
  )) as unknown as OperatorAnswer;
  if (answer.code !== '') throw new CliError(answer.code, answer.message, exit.problem);
  const { alert, subject } = record;
  return {
    result: { acknowledged: record.id, alert, subject, by: answer.by ?? null, reason: why },
    text: () =>
      `Acknowledged by ${plain(answer.by ?? '')}: ${plain(alert)}, ${plain(subject)}. It is not sent again unless it gets worse, and everybody who was told of it is told that you have it.`,
  };
}

async function test(session: StageSession, given: string): Promise<Shown> {
  const { ports, stage, config } = session;
  const names = config.alerts.channels.map(({ name }) => name);
  const channel = validName('channel', given, names);
  const { arn: by } = await ports.identity.whoAmI();
  const payload = { action: 'test', channel, by };
  const answer = (await ports.functions.call(
    stageNames(stage).alertsFunction,
    payload,
  )) as unknown as OperatorAnswer;
  if (answer.code !== '') throw new CliError(answer.code, answer.message, exit.problem);
  return {
    result: { channel, answer: answer.message },
    text: () => `The channel ${channel} took the test; it answered: ${plain(answer.message)}.`,
  };
}

export function addAlerts({ program, runStage }: Cli): void {
  const alerts = program
    .command('alerts')
    .description('alerts that are open: how often, since when, who has them, and what to do')
    .action(runStage((session) => list(session, false)));
  alerts
    .command('list')
    .description('the same')
    .option('--all', 'with those that are resolved')
    .action(runStage<{ all?: true }>((session, { all = false }) => list(session, all)));
  alerts
    .command('ack')
    .description('take an alert on, with your AWS identity: it is not sent again and not escalated')
    .argument('<id>', 'its id, for example a17')
    .requiredOption('--reason <text>', 'why, for the others')
    .action(
      runStage<{ args: readonly [string]; reason: string }>((session, { args: [id], reason }) =>
        acknowledge(session, id, reason),
      ),
    );
  alerts
    .command('test')
    .description('send a test through the stage’s own function, and say what the channel answered')
    .argument('<channel>', 'name of the channel in the configuration')
    .action(runStage<{ args: readonly [string] }>((session, { args: [channel] }) => test(session, channel)));
}
