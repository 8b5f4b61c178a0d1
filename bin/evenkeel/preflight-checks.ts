import { gatewayIsBeside } from '../../config/gateway-place.ts';
import type { Config } from '../../config/schema.ts';
import type { Identity } from '../../lib/ports/stage-probes.ts';
import type { DockerState } from './docker.ts';
import { attempt, type Finding, ok, problem } from './doctor-checks.ts';
import type { StageSession } from './session.ts';
import { loginKeys, type StageSecret, stageSecrets } from './stage-secrets.ts';

export type PreflightSession = Pick<StageSession, 'stage' | 'dataDir' | 'config' | 'ports'>;

/** The accounts that the repository's own files name. */
const exampleAccounts: readonly string[] = ['DU1234567', 'U1234567'];

export function warning(check: string, message: string, advice: string): Finding {
  return { check, state: 'warning', message, advice };
}

/** What loading the file has not refused already: stage, accounts and ports agree, or it would not be here. */
export function checkStreamers({ stage, config }: PreflightSession): Finding[] {
  const said = config.streamers.map(
    (streamer) =>
      `${streamer.name}: account ${streamer.account}, ${
        gatewayIsBeside(streamer) ? 'gateway in its task' : `gateway of your own at ${streamer.gateway.host}`
      }, port ${streamer.gateway.port}`,
  );
  const example = config.streamers.find(({ account }) => exampleAccounts.includes(account));
  if (example === undefined) return [ok('configuration', said.join('; '))];
  return [
    problem(
      'configuration',
      `the account of the streamer ${example.name} is the example's, ${example.account}`,
      `Write your own into streamers[].account of config/${stage}.yml; it stands at the top of TWS and Client Portal.`,
    ),
  ];
}

/** Whether the credentials are of the account that is meant. A key of the configuration says which. */
export function checkAccount({ stage, config }: PreflightSession, { account }: Identity): Finding {
  const wanted = accountIdOf(config);
  if (wanted === undefined) {
    return warning(
      'aws account',
      `${account}; the configuration names none, so nothing keeps a deployment out of a wrong account`,
      `Set aws.accountId: "${account}" in config/${stage}.yml if that is the one.`,
    );
  }
  if (wanted === account) return ok('aws account', `${account}, as the configuration says`);
  return problem(
    'aws account',
    `these credentials are of ${account}, and the configuration says ${wanted}`,
    `Choose another profile (AWS_PROFILE), or correct aws.accountId in config/${stage}.yml.`,
  );
}

function accountIdOf({ aws }: Config): string | undefined {
  return (aws as { readonly accountId?: string }).accountId;
}

/** The configuration's region goes before that of the environment, here as in the stack. */
export async function checkRegion(session: PreflightSession): Promise<Finding[]> {
  const { stage, config, ports } = session;
  return attempt('region', session, async () => {
    const region = await ports.deployment.region();
    if (config.aws.region !== undefined) return [ok('region', `${region}, as the configuration says`)];
    return [
      warning(
        'region',
        `${region}, by your environment; another terminal may mean another one`,
        `Set aws.region: ${region} in config/${stage}.yml.`,
      ),
    ];
  });
}

export async function checkSecrets(session: PreflightSession): Promise<Finding[]> {
  const { config, stage, ports } = session;
  const findings: Finding[] = [];
  for (const secret of stageSecrets(config)) {
    findings.push(
      ...(await attempt('secret', session, async () => {
        const facts = await ports.secrets.look(secret.name);
        const set = `npm run ops -- secrets set ${secret.short} --stage ${stage}`;
        if (facts === undefined) return [missing(secret, set)];
        if (facts.keys === undefined)
          return [problem('secret', `${secret.name}: ${facts.problem}`, `Write it anew: ${set}`)];
        const names = facts.keys.map(({ name }) => name);
        const absent = secret.kind === 'login' ? loginKeys.filter((key) => !names.includes(key)) : [];
        const bad = [
          ...absent.map((key) => `${key} is missing`),
          ...facts.keys.flatMap(({ name, state }) =>
            state === 'filled' ? [] : [`${name} is ${worded[state]}`],
          ),
        ];
        if (bad.length > 0)
          return [problem('secret', `${secret.name}: ${bad.join(', ')}`, `Write it anew: ${set}`)];
        return [ok('secret', `${secret.name} has ${names.join(', ') || 'no key'}`)];
      })),
    );
  }
  return findings;
}

const worded = { empty: 'empty', placeholder: 'a placeholder' } as const;

function missing({ name, kind, what }: StageSecret, set: string): Finding {
  if (kind === 'channels') return ok('secret', `${name} is not there; only alert channels need it`);
  return problem(
    'secret',
    `${name} is not there (${what}): ECS would not start the task (ResourceInitializationError)`,
    set,
  );
}

export async function checkBootstrap(session: PreflightSession, { account }: Identity): Promise<Finding[]> {
  const { ports, stage } = session;
  return attempt('cdk bootstrap', session, async () => {
    const region = await ports.deployment.region();
    const command = `npx cdk bootstrap -c stage=${stage} aws://${account}/${region}`;
    switch (await ports.deployment.bootstrapped(account)) {
      case 'yes':
        return [ok('cdk bootstrap', `${region} has the CDK's bucket`)];
      case 'no':
        return [problem('cdk bootstrap', `${region} has no bucket of the CDK`, command)];
      default:
        return [
          warning(
            'cdk bootstrap',
            'you may not look at the CDK’s bucket',
            `cdk deploy will say whether it is there; if not: ${command}`,
          ),
        ];
    }
  });
}

export function checkDocker({ program, version, problem: why }: DockerState): Finding {
  if (version !== undefined) return ok('docker', `${program} ${version}`);
  return problem(
    'docker',
    `${program} cannot build an image: ${why}`,
    'cdk deploy builds the streamer’s image. Install Docker and start it, or name a program that does the same in CDK_DOCKER (finch, podman). Everything else does without.',
  );
}
