import type { Heartbeat } from '../../lib/ports/lease-store.ts';
import type { Identity } from '../../lib/ports/stage-probes.ts';
import { explain, type FailurePlace } from './failures.ts';
import type { Session } from './session.ts';
import { stageNames } from './stage-names.ts';
import { age } from './view.ts';

/** What one check found. `warning`: nothing is broken, but do something. `skipped`: it rests on one that failed. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly message: string;
  /** What to do; `''` where all is well. */
  readonly advice: string;
}

export type DoctorSession = Pick<
  Session,
  'stage' | 'dataDir' | 'account' | 'streamer' | 'config' | 'ports' | 'io'
>;

const skewMaxMs = 5_000;
const heartbeatsMissed = 3;

export function ok(check: string, message: string): Finding {
  return { check, state: 'ok', message, advice: '' };
}

export function problem(check: string, message: string, advice: string): Finding {
  return { check, state: 'problem', message, advice };
}

export function checkConfiguration({ stage, config, account, streamer }: DoctorSession): Finding {
  const { host, port, clientId } = streamer.gateway;
  // The sandbox gives its streamer a gateway of its own.
  const gateway = stage === 'sandbox' ? '' : `, gateway ${host}:${port} as client ${clientId}`;
  const others = config.streamers.length - 1;
  return ok(
    'configuration',
    `stage ${stage}, account ${account}, streamer ${streamer.name}${others > 0 ? ` and ${others} more` : ''}${gateway}`,
  );
}

export async function checkCredentials(
  session: Pick<DoctorSession, 'stage' | 'dataDir' | 'ports'>,
  known: (identity: Identity) => void = () => undefined,
): Promise<Finding[]> {
  return attempt('credentials', session, async () => {
    const identity = await session.ports.identity.whoAmI();
    known(identity);
    const { account, arn, clockSkewMs } = identity;
    return [ok('credentials', `${arn} of AWS account ${account}`), clockFinding(clockSkewMs)];
  });
}

function clockFinding(skewMs: number | null): Finding {
  if (skewMs === null)
    return problem(
      'clock',
      'the answer had no time to compare with',
      'Compare this machine’s clock by hand.',
    );
  const text = `this clock is ${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} that of AWS`;
  if (Math.abs(skewMs) > skewMaxMs) {
    return problem(
      'clock',
      text,
      'Set the clock by NTP (timedatectl set-ntp true): AWS refuses requests that are five minutes off, and ages shown here are wrong.',
    );
  }
  return ok('clock', skewMs === 0 ? 'agrees with that of AWS' : text);
}

export async function checkTables(session: DoctorSession): Promise<Finding[]> {
  const { stage, ports } = session;
  const { bookTable, auditTable, controlTable, candlesTable } = stageNames(stage);
  return attempt('tables', session, async () => {
    const tables = [bookTable, auditTable, controlTable, candlesTable];
    const states = await Promise.all(tables.map((name) => ports.tables.status(name)));
    const bad = tables.flatMap((name, at) =>
      states[at] === 'ACTIVE' ? [] : [`${name} ${states[at] ?? 'is missing'}`],
    );
    if (bad.length === 0) return [ok('tables', `${tables.join(', ')} are active`)];
    return [
      problem(
        'tables',
        bad.join(', '),
        'Check account and region; deploy the stage (docs/deploy.md), or wait until the tables are active.',
      ),
    ];
  });
}

export async function checkQueues(session: DoctorSession): Promise<Finding[]> {
  const { stage, streamer, ports } = session;
  const names = stageNames(stage);
  const queues = [names.bookQueue, names.commandQueue(streamer.name)];
  const dead = [names.bookDeadLetters, names.commandDeadLetters(streamer.name), names.candleDeadLetters];
  return attempt('queues', session, async () => {
    const depths = await Promise.all([...queues, ...dead].map((name) => ports.queues.depth(name)));
    const missing = [...queues, ...dead].filter((_, at) => depths[at] === undefined);
    if (missing.length > 0) {
      return [
        problem(
          'queues',
          `missing: ${missing.join(', ')}`,
          'Check account and region; deploy the stage (docs/deploy.md).',
        ),
      ];
    }
    const sums = depths.map((depth) => depth!.waiting + depth!.inFlight);
    const working = queues.map((name, at) => `${name} ${sums[at]}`).join(', ');
    const letters = dead.flatMap((name, at) =>
      sums[queues.length + at] === 0 ? [] : [`${name} ${sums[queues.length + at]}`],
    );
    return [
      ok('queues', working),
      letters.length === 0
        ? ok('dead letters', 'none')
        : problem(
            'dead letters',
            letters.join(', '),
            'Something could not be booked. Each message says why; look at logs book-keeper, mend the cause, then redrive the queue (aws sqs start-message-move-task).',
          ),
    ];
  });
}

/** The streamer's last word, whether it is recent, and what it says of gateway and orders. */
export async function checkStreamer(
  session: DoctorSession,
): Promise<{ findings: Finding[]; heartbeat: Heartbeat | undefined }> {
  const { ports, account, streamer, config, io } = session;
  let heartbeat: Heartbeat | undefined;
  const findings = await attempt('streamer', session, async () => {
    heartbeat = await ports.heartbeats.read(account);
    const lease = await ports.leases.read(account);
    if (heartbeat === undefined) {
      return [
        problem(
          'streamer',
          `no heartbeat of ${account} yet`,
          `Start it (sandbox: npm run sandbox; deployed: the ECS service), then see logs streamer.`,
        ),
      ];
    }
    const silentMs = io.nowMs() - heartbeat.atMs;
    if (silentMs > config.heartbeat.everyMs * heartbeatsMissed) {
      const found = problem(
        'streamer',
        `no heartbeat for ${age(silentMs)}; it was ${heartbeat.phase}`,
        'See logs streamer; on ECS look at the service’s events and stopped tasks.',
      );
      heartbeat = undefined;
      return [found];
    }
    return [
      ok(
        'streamer',
        `${heartbeat.streamer}, epoch ${heartbeat.epoch}, heard ${age(silentMs)} ago, lease ${lease?.released === false ? `held with token ${lease.token}` : 'not held'}`,
      ),
      gatewayFinding(heartbeat),
      ordersFinding(heartbeat, io.nowMs(), streamer.gateway.readOnlyApi),
    ];
  });
  return { findings, heartbeat };
}

const phaseAdvice: Readonly<Record<string, string>> = {
  'waiting-for-login': 'Confirm the second factor of the IB login (weekly, from Sunday 01:00 New York).',
  competing:
    'Another session of the same IB user holds the market data: end it (TWS, mobile or Client Portal).',
  degraded: 'The gateway has lost IB’s servers; it comes back by itself. See IB’s system status if it lasts.',
};

function gatewayFinding({ phase, ready }: Heartbeat): Finding {
  if (phase === 'ready')
    return ok(
      'connected',
      ready ? 'to IB Gateway, session ready' : 'to IB Gateway; not every feed is complete yet',
    );
  return problem(
    'connected',
    `not to IB Gateway: the session is ${phase}`,
    phaseAdvice[phase] ??
      'Check that IB Gateway runs, that its API is enabled and that host and port are right; see logs gateway and logs streamer.',
  );
}

function ordersFinding(
  { orders: { synced, syncedAtMs } }: Heartbeat,
  nowMs: number,
  readOnlyApi: boolean,
): Finding {
  if (readOnlyApi)
    return ok('orders followed', 'not asked for: the API of this gateway is read-only by configuration');
  if (synced) return ok('orders followed', `last compared with IB’s lists ${age(nowMs - syncedAtMs)} ago`);
  return problem(
    'orders followed',
    'orders and positions have not been compared with IB’s lists yet',
    'Wait for the session; if it lasts, see logs streamer (a read-only API tells nothing of orders).',
  );
}

/** A failing call is a finding, in the same words as everywhere. */
export async function attempt(
  check: string,
  place: FailurePlace,
  look: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { code, message } = explain(error, place);
    return [problem(check, `${code}: ${message}`, '')];
  }
}
