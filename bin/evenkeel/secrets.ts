import type { SecretFacts } from '../../lib/ports/secret-store.ts';
import { type Cli, progress, type Shown } from './cli.ts';
import { CliError } from './exit.ts';
import { askSecret, type NewSecret, parseSecret } from './secrets-read.ts';
import type { StageSession } from './session.ts';
import { chooseSecret, type StageSecret, stageSecrets } from './stage-secrets.ts';
import { iso, table, time, type View } from './view.ts';

type SecretsSession = Pick<StageSession, 'stage' | 'config' | 'ports' | 'view' | 'io' | 'json'>;

/** One row of the list: a secret that the stage may have, or one of its prefix that nothing knows. */
interface ListedSecret {
  readonly name: string;
  readonly what: string;
  readonly exists: boolean;
  /** Never their values. */
  readonly keys: readonly { readonly name: string; readonly state: string }[];
  readonly changedAt: string | null;
  readonly problem: string;
}

async function list({ stage, config, ports, view }: SecretsSession): Promise<Shown> {
  const found = await ports.secrets.list(`evenkeel-${stage}-`);
  const known = stageSecrets(config);
  const names = [...new Set([...known, ...found].map(({ name }) => name))];
  const secrets = names.map((name) =>
    listed(
      name,
      known.find((one) => one.name === name),
      found.find((one) => one.name === name),
    ),
  );
  return { result: { stage, secrets }, text: () => showSecrets(secrets, view) };
}

function listed(name: string, known: StageSecret | undefined, found: SecretFacts | undefined): ListedSecret {
  return {
    name,
    what: known?.what ?? 'nothing in this configuration uses it',
    exists: found !== undefined,
    keys: found?.keys ?? [],
    changedAt: iso(found?.changedAtMs ?? null),
    problem: found?.problem ?? '',
  };
}

function showSecrets(secrets: readonly ListedSecret[], view: View): string {
  const { colours } = view;
  const rows = secrets.map(({ name, what, exists, keys, changedAt, problem }) => [
    name,
    exists ? time(view, changedAt) : colours.yellow('is not there'),
    problem === ''
      ? keys.map((key) => (key.state === 'filled' ? key.name : `${key.name} (${key.state})`)).join(', ')
      : problem,
    what,
  ]);
  return table(view, [{ name: 'secret' }, { name: 'changed' }, { name: 'keys' }, { name: 'what' }], rows);
}

interface SetOptions {
  readonly args: readonly [string | undefined];
  readonly stdin?: true;
  readonly yes?: true;
}

async function set(session: SecretsSession, { args: [given], stdin, yes }: SetOptions): Promise<Shown> {
  const { config, ports, io, stage } = session;
  const secrets = stageSecrets(config);
  if (io.prompts === undefined && stdin === undefined) {
    throw new CliError(
      'TERMINAL_NEEDED',
      'Nobody sits at this terminal to type a secret; nothing was written. Give it as JSON on standard input, with --stdin. It is never an argument: those lie in the history of the shell and in the list of processes.',
    );
  }
  const secret = await whichSecret(session, given, secrets);
  if (stage === 'live' && yes === undefined) await confirmLive(session, secret, stdin === true);
  const next = await readSecret(session, secret, stdin === true);
  const result = await ports.secrets.write(secret.name, next.value, next.keep);
  const keys = Object.keys(next.value);
  return {
    result: { stage, name: secret.name, result, keys },
    text: () =>
      [`${secret.name} ${result}: ${keys.join(', ')}.`, ...advice(secret, stage, result)].join('\n'),
  };
}

async function whichSecret(
  { io: { prompts } }: SecretsSession,
  given: string | undefined,
  secrets: readonly StageSecret[],
): Promise<StageSecret> {
  if (given !== undefined) return chooseSecret(given, secrets);
  const valid = secrets.map(({ short }) => short);
  if (prompts === undefined)
    throw new CliError('SECRET_NEEDED', `Say which secret; valid: ${valid.join(', ')}.`);
  const options = secrets.map(({ short, what }) => ({ value: short, hint: what }));
  return chooseSecret(await prompts.choose('Which secret?', options), secrets);
}

/** Standard input holds the secret then, so nobody can be asked. */
async function confirmLive(
  { io: { prompts } }: SecretsSession,
  { name }: StageSecret,
  stdin: boolean,
): Promise<void> {
  if (stdin || prompts === undefined) {
    throw new CliError(
      'CONFIRMATION_NEEDED',
      `${name} is of the stage live, real money; nothing was written. Repeat the command with --yes if you mean it.`,
    );
  }
  await prompts.line(`Stage live, real money. Type ${name} to go on`, (typed) =>
    typed.trim() === name ? undefined : `That is not ${name}. Ctrl-C ends without writing.`,
  );
}

async function readSecret(session: SecretsSession, secret: StageSecret, stdin: boolean): Promise<NewSecret> {
  const { io, ports } = session;
  if (stdin) {
    if (io.readInput === undefined) {
      throw new CliError(
        'STDIN_IS_TERMINAL',
        'Standard input is this terminal, which would show what you type; nothing was written. Leave --stdin out to be asked.',
      );
    }
    return parseSecret(secret, await io.readInput());
  }
  const before = await ports.secrets.look(secret.name);
  progress(
    session as StageSession,
    before === undefined
      ? `${secret.name} is not there yet: it will be made.`
      : `${secret.name} is there${secret.kind === 'login' ? ', and gets a new value' : `, with ${before.keys?.map(({ name }) => name).join(', ') || 'no channel'}`}.`,
  );
  return askSecret(secret, io.prompts!);
}

function advice({ kind, service }: StageSecret, stage: string, result: string): string[] {
  // Nothing in a sandbox logs in.
  if (stage === 'sandbox') return [];
  if (kind === 'login' && result === 'changed') {
    return [
      'A task that runs keeps the login that it started with. To start it again, an outage of some minutes:',
      `  aws ecs update-service --cluster evenkeel-${stage} --service ${service} --force-new-deployment`,
    ];
  }
  return kind === 'login' ? [`Next: npm run ops -- preflight --stage ${stage}`] : [];
}

export function addSecrets({ program, runStage }: Cli): void {
  const secrets = program
    .command('secrets')
    .description('secrets of the stage: which there are, their keys, when they changed; never a value')
    .action(runStage(list));
  secrets.command('list').description('the same').action(runStage(list));
  secrets
    .command('set')
    .description('ask for a secret, unseen, and write it to Secrets Manager and nowhere else')
    .argument('[name]', 'gateway-<streamer> or alert-channels; asked for without it')
    .option('--stdin', 'read it as JSON from standard input instead')
    .option('--yes', 'do not ask for the name of a secret of the stage live')
    .action(runStage<SetOptions>(set));
}
