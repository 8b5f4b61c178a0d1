import { InvalidArgumentError } from 'commander';
import type { Heartbeat, HeartbeatStore } from '../../lib/ports/lease-store.ts';
import type { Cli } from './cli.ts';
import { checkBackups } from './doctor-backups.ts';
import {
  checkConfiguration,
  checkCredentials,
  checkQueues,
  checkStreamer,
  checkTables,
  type DoctorSession,
  type Finding,
  ok,
  problem,
} from './doctor-checks.ts';
import { checkReconcile } from './doctor-reconcile.ts';
import { exit } from './exit.ts';
import { freshCommand, hasTapeEnded } from './sandbox-tape.ts';
import type { Session } from './session.ts';
import { count, plain, printableLines, type View } from './view.ts';

const secondsByDefault = 60;
const lookEveryMs = 1_000;

export interface Diagnosis {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** Every check in turn; `tell` is called as each finding is made. What rests on a failed one is skipped. */
export async function diagnose(
  session: DoctorSession,
  seconds: number,
  tell: (finding: Finding) => void = () => undefined,
): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const add = (...found: readonly Finding[]) => {
    for (const finding of found) tell(finding);
    findings.push(...found);
  };
  add(checkConfiguration(session));
  const credentials = await checkCredentials(session);
  add(...credentials);
  if (credentials.some(({ check, state }) => check === 'credentials' && state === 'ok')) {
    add(...(await checkTables(session)), ...(await checkQueues(session)), ...(await checkBackups(session)));
    add(...(await checkReconcile(session)));
    const { findings: found, heartbeat } = await checkStreamer(session);
    add(...found);
    if (heartbeat?.phase === 'ready') add(...(await watchFeeds(session, heartbeat, seconds)));
    else add(...['subscription active', 'receiving ticks'].map(skipped));
  } else {
    add(
      ...[
        'tables',
        'queues',
        'last backup',
        'reconcile',
        'trading lock',
        'streamer',
        'connected',
        'subscription active',
        'receiving ticks',
      ].map(skipped),
    );
  }
  return { ok: findings.every(({ state }) => state === 'ok' || state === 'warning'), findings };
}

function skipped(check: string): Finding {
  return { check, state: 'skipped', message: 'not looked at: a check before it failed', advice: '' };
}

const feedAdvice =
  'Check market hours, the market data subscriptions of the login (a paper account shares those of its live account), and dialogs that wait in IB Gateway; see logs streamer.';

function tapeEnded(dataDir: string): Finding {
  return {
    check: 'receiving ticks',
    state: 'warning',
    message: 'the tape of the sandbox has ended, and prices stand still',
    advice: `Stop the sandbox and begin the day anew, with an empty book: ${freshCommand(dataDir)}.`,
  };
}

/** Whether every line is subscribed, and whether ticks come while we watch. */
async function watchFeeds(
  { ports, account, config, io, dataDir }: DoctorSession,
  first: Heartbeat,
  seconds: number,
): Promise<readonly Finding[]> {
  // `delayed`, `frozen` and `stale` are subscribed; the names say so.
  const bad = first.feeds.filter(({ conId, feed }) => conId === 0 || feed === 'unknown' || feed === 'lost');
  const names = first.feeds.map(({ symbol, feed }) => `${plain(symbol)} (${feed})`).join(', ');
  if (first.feeds.length === 0 || bad.length > 0) {
    return [
      problem(
        'subscription active',
        bad.length === 0
          ? 'nothing is subscribed'
          : `not for ${bad.map(({ symbol, feed }) => `${plain(symbol)} (${feed})`).join(', ')}`,
        'Check the symbols of the configuration; see logs streamer for IB’s answer.',
      ),
      skipped('receiving ticks'),
    ];
  }
  const active = ok('subscription active', names);
  // Only a sandbox has a folder, and a tape.
  const tapeEnd = async () =>
    dataDir !== undefined && (await hasTapeEnded(dataDir)) ? tapeEnded(dataDir) : undefined;
  // Nothing comes after the end of a tape: there is nothing to wait for.
  const over = await tapeEnd();
  if (over !== undefined) return [active, over];
  const came = await awaitTicks(
    ports.heartbeats,
    account,
    first,
    { seconds, everyMs: config.heartbeat.everyMs },
    io,
  );
  return [
    active,
    came.length > 0
      ? ok('receiving ticks', came.join(', '))
      : ((await tapeEnd()) ?? problem('receiving ticks', `no trade in ${seconds} s`, feedAdvice)),
  ];
}

/**
 * Symbols with their new trades; ends as soon as every feed had one. The trades are counted in heartbeats, so there is
 * no verdict before the streamer has spoken again, for as long as two of them may take.
 */
async function awaitTicks(
  heartbeats: HeartbeatStore,
  account: string,
  first: Heartbeat,
  { seconds, everyMs }: { readonly seconds: number; readonly everyMs: number },
  io: Session['io'],
): Promise<readonly string[]> {
  const endMs = io.nowMs() + seconds * 1000;
  for (;;) {
    const now = (await heartbeats.read(account)) ?? first;
    const grown = now.feeds.flatMap(({ symbol, conId, trades }) => {
      const before =
        now.epoch === first.epoch ? (first.feeds.find((feed) => feed.conId === conId)?.trades ?? 0) : 0;
      return trades > before ? [`${plain(symbol)}: ${count(trades - before, 'trade')}`] : [];
    });
    const enough = io.nowMs() >= endMs && (now.atMs > first.atMs || io.nowMs() >= endMs + 2 * everyMs);
    if (grown.length === first.feeds.length || enough || io.signal.aborted) return grown;
    await io.sleep(lookEveryMs);
  }
}

function verdict({ findings }: Diagnosis, { colours }: View): string {
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  if (warnings === 0) return colours.green('All is well.');
  return colours.yellow(`Nothing is broken; ${count(warnings, 'warning')}.`);
}

export function showFinding({ check, state, message, advice }: Finding, { colours }: View): string {
  const mark = {
    ok: colours.green('ok     '),
    warning: colours.yellow('warning'),
    problem: colours.red('problem'),
    skipped: colours.dim('skipped'),
  }[state];
  const line = `${mark}  ${check.padEnd(19)}  ${message}`;
  return advice === '' ? line : `${line}\n         ${' '.repeat(19)}  -> ${advice}`;
}

export function addDoctor({ program, run }: Cli): void {
  program
    .command('doctor')
    .description(
      'configuration, credentials, tables, queues, last backup, last reconcile and lock, streamer, gateway, clock and market data; exit code 3 on a problem',
    )
    .option('--seconds <n>', 'how long to wait for ticks, at most', wholeSeconds, secondsByDefault)
    .action(
      run<{ seconds: number }>(async (session, { seconds }) => {
        const { json, view, io } = session;
        const tell = (finding: Finding) => io.out.write(`${printableLines(showFinding(finding, view))}\n`);
        const diagnosis = await diagnose(session, seconds, json ? undefined : tell);
        if (json) io.out.write(`${JSON.stringify(diagnosis)}\n`);
        else if (diagnosis.ok) io.out.write(`${verdict(diagnosis, view)}\n`);
        return diagnosis.ok ? exit.ok : exit.problem;
      }),
    );
}

function wholeSeconds(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 3_600) throw new InvalidArgumentError('Allowed: seconds, from 1 to 3600.');
  return number;
}
