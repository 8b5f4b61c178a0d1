/** The whole way of an alert on one machine: bus, rule, queue, function, Slack; and the operator who takes it on. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { startConsoleProgram } from '../helpers/console-program.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';
import { type HookServer, startHookServer } from '../helpers/hook-server.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import { type Ended, run } from '../helpers/programs.ts';
import { found, huntFiles } from '../helpers/secret-hunt.ts';
import { removeAssemblies, synthStage } from '../helpers/stage-template.ts';

const program = fileURLToPath(new URL('../../bin/evenkeel.ts', import.meta.url));
/** Recognisable, and with characters that change in an address and in JSON. */
const secrets = {
  slack: 'planted-slack-token-0123456789',
  signingKey: 'planted signing+key/"7f3a"',
  unusedChannel: 'planted-discord-token-99887766',
  password: 'planted pass+word/%41"login"',
  accessKey: 'planted/aws+secret/access+key==',
  sessionToken: 'planted//session+token//aBcDeF==',
};
const planted = secrets.slack;
const patience = { timeout: 60_000, interval: 50 };

const configuration = `stage: sandbox
streamers:
  - name: main
    account: DU1234567
    symbols: [GC]
    health: { port: 0 }
resetWindows: []
alerts:
  emails: [desk@example.com]
  channels:
    - { type: slack, name: desk-slack }
    - { type: sns, name: email, minSeverity: critical }
    - { type: webhook, name: unwritten }
`;

let hooks: HookServer;
let cloud: LocalCloud;
let dataDir: string;
let evenkeel: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  hooks = await startHookServer();
  dataDir = scratchFolder();
  const configDir = join(dataDir, 'config');
  mkdirSync(configDir);
  writeFileSync(join(configDir, 'sandbox.yml'), configuration);
  const secret = JSON.stringify({
    'desk-slack': { url: `${hooks.origin}/services/${planted}`, key: secrets.signingKey },
    gone: { url: `https://discord.example/api/webhooks/1/${secrets.unusedChannel}` },
  });
  const login = JSON.stringify({ TWS_USERID: 'deskuser', TWS_PASSWORD: secrets.password });
  mkdirSync(join(dataDir, 'cloud'));
  writeFileSync(
    join(dataDir, 'cloud', 'secrets.json'),
    JSON.stringify({ 'evenkeel-sandbox-alert-channels': secret, 'evenkeel-sandbox-gateway-main': login }),
  );
  const { assembly } = await synthStage('sandbox', { configDir });
  cloud = await startCloud({
    assembly,
    stack: 'evenkeel-sandbox',
    dataDir: join(dataDir, 'cloud'),
    schedules: false,
  });
  const { endpoint, region } = cloud;
  writeFileSync(join(dataDir, 'endpoint.json'), JSON.stringify({ endpoint, region }));
  evenkeel = (...args) => evenkeelHere(['--data', dataDir, ...args], { EVENKEEL_CONFIG_DIR: configDir });
});

afterAll(async () => {
  await cloud?.stop();
  await hooks?.stop();
  removeAssemblies();
  cleanFolders();
});

async function put(events: readonly { source: string; detail: { type: string } }[]): Promise<void> {
  const client = new EventBridgeClient({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
  for (let from = 0; from < events.length; from += 10) {
    const { FailedEntryCount } = await client.send(
      new PutEventsCommand({
        Entries: events.slice(from, from + 10).map(({ source, detail }) => ({
          EventBusName: 'evenkeel-sandbox',
          Source: source,
          DetailType: detail.type,
          Detail: JSON.stringify(detail),
        })),
      }),
    );
    expect(FailedEntryCount).toBe(0);
  }
  client.destroy();
}

let seq = 0;
function raised(alert: string, severity: string, subject: string) {
  seq += 1;
  const detail = {
    id: `watchdog:${seq}`,
    type: 'alert.raised',
    version: 1,
    stage: 'sandbox',
    account: 'DU1234567',
    occurredAt: new Date().toISOString(),
    data: { alert, severity, subject, message: `${alert} of ${subject}.` },
  };
  return { source: 'evenkeel.watchdog', detail };
}

/** Titles of what Slack got. */
function titles(): string[] {
  return hooks.received.flatMap(({ text }) =>
    [...text.matchAll(/\*([A-Z][^*]+)\*/g)].map(([, title]) => title!),
  );
}

it('S142 an alert on the bus reaches Slack and e-mail, is counted, acknowledged, resolved, and loses nothing', async () => {
  await put(Array.from({ length: 40 }, () => raised('unprotected_position', 'CRITICAL', 'position 7')));
  await expect.poll(titles, patience).toEqual(['CRITICAL unprotected_position: position 7']);
  expect(hooks.received[0]!.path).toBe(`/services/${planted}`);
  expect(hooks.received[0]!.text).toContain('evenkeel positions --account DU1234567');
  const mails = (): { to: string[]; subject: string }[] =>
    readFileSync(join(dataDir, 'cloud/sns/evenkeel-sandbox-alerts.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  await expect
    .poll(mails, patience)
    .toMatchObject([
      { to: ['desk@example.com'], subject: '[sandbox] CRITICAL unprotected_position: position 7' },
    ]);
  expect(cloud.stats().notifications).toMatchObject({ published: 1 });

  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await evenkeel(...args, '--json');
    expect(code, stdout + stderr).toBe(0);
    return JSON.parse(stdout);
  };
  // The queue may still bring some of the forty.
  await expect.poll(async () => (await json('alerts')).alerts[0]?.count, patience).toBe(40);
  const listed = await json('alerts');
  expect(listed.alerts).toMatchObject([{ id: 'a1', severity: 'CRITICAL', acknowledged: null }]);
  // Of one channel the secret has no address: what it should have got waits.
  expect(listed.channels.find(({ channel }: { channel: string }) => channel === 'unwritten')).toMatchObject({
    waiting: 1,
    problem: expect.stringContaining('CHANNEL_SECRET_MISSING'),
  });

  expect(await json('alerts', 'ack', 'a1', '--reason', 'placing a stop')).toMatchObject({
    by: 'arn:aws:iam::000000000000:user/operator',
  });
  const shown = await evenkeel('alerts');
  expect(shown.stdout).toContain('acknowledged by arn:aws:iam::000000000000:user/operator');
  expect(shown.stdout).toContain('×40');
  await put([raised('position_protected', 'INFO', 'position 7')]);
  await expect
    .poll(titles, patience)
    .toEqual([
      'CRITICAL unprotected_position: position 7',
      'Acknowledged, CRITICAL unprotected_position: position 7',
      'Resolved, CRITICAL unprotected_position: position 7',
    ]);

  const tested = await evenkeel('alerts', 'test', 'desk-slack');
  expect(tested.stdout, tested.stderr).toContain(
    'The channel desk-slack took the test; it answered: 200: ok.',
  );
  expect(hooks.received.at(-1)!.text).toContain('This is a test');
  hooks.answers.push({ status: 404, text: `no_service ${planted}` });
  const refused = await evenkeel('alerts', 'test', 'desk-slack');
  expect(refused).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('it answered 404: no_service ***'),
  });

  expect(refused.stderr + tested.stdout + shown.stdout).not.toContain(planted);
}, 120_000);

it('planted secrets are in no log, event, item, object, alert, audit row or error, in no form', async () => {
  // A look that finds nothing would prove nothing.
  for (const [what, secret] of Object.entries(secrets)) {
    for (const text of [secret, Buffer.from(`ab${secret}c`).toString('base64'), encodeURIComponent(secret)])
      expect(found(`before ${text} after`, secret), what).not.toBe('');
    expect(found(zstdCompressSync(`before ${secret} after`), secret), what).not.toBe('');
  }
  expect(huntFiles(dataDir, secrets)).toEqual([
    expect.stringMatching(/secrets\.json: slack$/),
    expect.stringMatching(/secrets\.json: signingKey$/),
    expect.stringMatching(/secrets\.json: unusedChannel$/),
    expect.stringMatching(/secrets\.json: password$/),
  ]);

  const said: string[] = [];
  const environment = {
    EVENKEEL_CONFIG_DIR: join(dataDir, 'config'),
    AWS_SECRET_ACCESS_KEY: secrets.accessKey,
    AWS_SESSION_TOKEN: secrets.sessionToken,
    TWS_PASSWORD: secrets.password,
    LOG_LEVEL: 'debug',
  };
  const heard = (ended: Ended): Ended => {
    said.push(ended.stdout, ended.stderr);
    return ended;
  };
  const provoke = async (...args: string[]): Promise<Ended> =>
    heard(await evenkeelHere(['--data', dataDir, ...args], environment));
  /** What Node itself says at the end of a process, too. */
  const provokeProcess = async (...args: string[]): Promise<Ended> =>
    heard(await run(program, ['--data', dataDir, ...args], environment, { timeoutMs: 60_000 }));
  // Services that throw our own address back at us, in every form.
  for (const form of [planted, Buffer.from(`x${planted}`).toString('base64'), encodeURIComponent(planted)]) {
    hooks.answers.push(
      { status: 500, text: form },
      { status: 302, headers: { location: `/services/${form}` } },
    );
    await provoke('alerts', 'test', 'desk-slack');
    await provoke('alerts', 'test', 'desk-slack');
  }
  hooks.answers.push({ status: 500, text: planted });
  await provokeProcess('alerts', 'test', 'desk-slack');
  await put([raised('stale_data', 'CRITICAL', 'a last one')]);
  const hash = 'ab'.repeat(32);
  expect((await provoke('plan', 'approve', hash, '--reason', 'no such plan')).code).not.toBe(0);
  expect((await provoke('secrets')).code).toBe(0);
  expect((await provoke('secrets', 'set', 'alert-channels', '--stdin')).code).not.toBe(0);
  await provoke('alerts', 'test', 'gone');
  await provokeProcess('doctor', '--verbose');
  await provoke('backup', '--reason', 'before the hunt');
  // A streamer with all of it in its environment, and nobody at the gateway's port.
  const streamer = await run('streamer/main.ts', ['--print'], {
    ...environment,
    IB_GATEWAY_HOST: '127.0.0.1',
    IB_GATEWAY_PORT: '9',
    DB_PATH: join(dataDir, 'hunted.db'),
  });
  expect(streamer.code).toBe(2);
  said.push(streamer.stdout, streamer.stderr);

  const opened = await startConsoleProgram(dataDir, environment);
  const { origin, hash: fragment } = new URL(opened.url);
  const token = fragment.replace('#token=', '');
  expect(token.length).toBeGreaterThan(20);
  for (const authorization of ['Bearer wrong', `Bearer ${token}`]) {
    const answer = await fetch(`${origin}/api/do`, {
      method: 'POST',
      headers: { authorization, origin, 'content-type': 'application/json' },
      body: '{"deed":',
    });
    expect(answer.ok).toBe(false);
    said.push(await answer.text());
  }
  await opened.interrupt();

  await cloud.stop();
  const all = { ...secrets, consoleToken: token };
  expect(huntFiles(dataDir, all, ['secrets.json'])).toEqual([]);
  expect(huntFiles(dataDir, { proof: 'X-Amz-Signature=' })).toEqual([]);
  expect(Object.entries(all).filter(([, secret]) => found(said.join('\n'), secret) !== '')).toEqual([]);
}, 180_000);
