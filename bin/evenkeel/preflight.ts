import type { Identity } from '../../lib/ports/stage-probes.ts';
import type { Cli } from './cli.ts';
import { type DockerState, lookForDocker } from './docker.ts';
import { type Diagnosis, showFinding } from './doctor.ts';
import { checkCredentials, type Finding } from './doctor-checks.ts';
import { CliError, exit } from './exit.ts';
import {
  checkAccount,
  checkBootstrap,
  checkDocker,
  checkRegion,
  checkSecrets,
  checkStreamers,
  type PreflightSession,
} from './preflight-checks.ts';
import { printableLines } from './view.ts';

/**
 * What a deployment rests on, before there is one and at any time after: `doctor` looks at what runs, this at what it
 * would be made of. `tell` is called as each finding is made.
 *
 * @throws CliError PREFLIGHT_OF_SANDBOX
 */
export async function preflight(
  session: PreflightSession,
  docker: () => Promise<DockerState>,
  tell: (finding: Finding) => void = () => undefined,
): Promise<Diagnosis> {
  if (session.dataDir !== undefined) {
    throw new CliError(
      'PREFLIGHT_OF_SANDBOX',
      'A sandbox on this machine needs nothing prepared. Say which stage is to be deployed: --stage paper.',
    );
  }
  const findings: Finding[] = [];
  const add = (...found: readonly Finding[]) => {
    for (const finding of found) tell(finding);
    findings.push(...found);
  };
  add(...checkStreamers(session));
  let identity: Identity | undefined;
  const credentials = await checkCredentials(session, (found) => {
    identity = found;
  });
  add(...credentials);
  if (identity === undefined) {
    add(...['aws account', 'region', 'secret', 'cdk bootstrap'].map(skipped));
  } else {
    const account = checkAccount(session, identity);
    add(account, ...(await checkRegion(session)));
    // Of another account neither secrets nor buckets say anything.
    if (account.state === 'problem') add(...['secret', 'cdk bootstrap'].map(skipped));
    else add(...(await checkSecrets(session)), ...(await checkBootstrap(session, identity)));
  }
  add(checkDocker(await docker()));
  return { ok: findings.every(({ state }) => state === 'ok' || state === 'warning'), findings };
}

function skipped(check: string): Finding {
  return { check, state: 'skipped', message: 'not looked at: a check before it failed', advice: '' };
}

export function addPreflight({ program, runStage }: Cli): void {
  program
    .command('preflight')
    .description(
      'before the first deployment, and any time: configuration, credentials, account, region, secrets, CDK, Docker; exit code 3 on a problem',
    )
    .action(
      runStage(async (session) => {
        const { json, view, io } = session;
        const tell = (finding: Finding) => io.out.write(`${printableLines(showFinding(finding, view))}\n`);
        const found = await preflight(session, () => lookForDocker(io.env), json ? undefined : tell);
        if (json) io.out.write(`${JSON.stringify(found)}\n`);
        return found.ok ? exit.ok : exit.problem;
      }),
    );
}
