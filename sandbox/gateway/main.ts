/** `npm run gateway`: starts the simulated gateway from the command line. */
import { Command, InvalidArgumentError } from 'commander';
import { TapeError } from '../tapes/tape-error.ts';
import { type Gateway, GatewayError, type GatewayOptions, startGateway, tapeTitle } from './index.ts';
import { ScriptError } from './script.ts';
import type { Speed } from './tape-clock.ts';

interface Options {
  tape?: string;
  seed: number;
  minutes: number;
  host: string;
  port: number;
  speed: Speed;
  idleSpeed: number;
  controlPort: number;
  script?: string;
  start: 'on-subscribe' | 'now';
  startDelay: number;
  account: string;
  subAccounts: string[];
  cash: string;
  masterClientId: number;
  timeZone: string;
  fillShare: number | 'all';
  latency: number;
  commissionContract: string;
  commissionShare: string;
  commissionMinimum: string;
  runId?: number;
  clientLimit: number;
  lines: number;
  messageRate: number;
  pacing: boolean;
  json: boolean;
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Allowed: a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function speed(text: string): Speed {
  if (text === 'max') return 'max';
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.01 || value > 1_000_000) {
    throw new InvalidArgumentError('Allowed: max, or a number from 0.01 to 1000000 (1 is real time).');
  }
  return value;
}

function money(text: string): string {
  if (!/^\d{1,15}(\.\d{1,8})?$/.test(text))
    throw new InvalidArgumentError('Allowed: a decimal number of at least 0, for example 2.25.');
  return text;
}

function share(text: string): number | 'all' {
  if (text === 'all') return 'all';
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 1_000)
    throw new InvalidArgumentError('Allowed: all, or a number above 0, for example 0.5.');
  return value;
}

function timeZone(text: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return text;
  } catch {
    throw new InvalidArgumentError('Allowed: a time zone by its IANA name, for example US/Eastern.');
  }
}

const list = (text: string) => text.split(',').filter((part) => part !== '');

function start(text: string): 'on-subscribe' | 'now' {
  if (text !== 'on-subscribe' && text !== 'now')
    throw new InvalidArgumentError('Allowed: on-subscribe, now.');
  return text;
}

const command = new Command('gateway')
  .description(
    'A simulated IB Gateway: the TWS text protocol over a tape, with faults to switch. See docs/gateway.md.',
  )
  .option('--tape <file>', 'CSV tape, plain or gzip; without it one is generated from the seed')
  .option('--seed <n>', 'seed of the generated tape', number(0, 4_294_967_295), 1)
  .option('--minutes <n>', 'length of the generated tape', number(1, 100_000), 30)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <n>', 'port to listen on; 0 takes a free one', number(0, 65_535), 4002)
  .option('--speed <speed>', '1 is real time, N is N times as fast, max as fast as clients read', speed, 1)
  .option(
    '--idle-speed <n>',
    'tape seconds a second at speed max while no client is sent ticks',
    number(1, 1_000_000),
    3_600,
  )
  .option('--control-port <n>', 'HTTP control port on 127.0.0.1; 0 takes a free one', number(0, 65_535), 0)
  .option('--script <file>', 'JSON timeline of faults')
  .option('--start <when>', 'on-subscribe, or now', start, 'on-subscribe')
  .option('--start-delay <ms>', 'from the first subscription to the first row', number(0, 60_000), 0)
  .option('--account <id>', 'the first account', 'DU1234567')
  .option('--sub-accounts <ids>', 'further accounts, separated by commas', list, [])
  .option('--cash <usd>', 'cash of each account at the start', money, '1000000')
  .option('--master-client-id <n>', 'the client that is told of all orders', number(0, 2_147_483_647), 1)
  .option('--time-zone <zone>', 'zone of execution times', timeZone, 'US/Eastern')
  .option('--fill-share <n>', "share of a print's size that orders may take, or all", share, 1)
  .option('--latency <ms>', 'tape milliseconds until an order arrives', number(0, 3_600_000), 0)
  .option('--commission-contract <usd>', 'commission of a contract', money, '2.25')
  .option('--commission-share <usd>', 'commission of a share', money, '0.005')
  .option('--commission-minimum <usd>', 'least commission of an order of shares', money, '1')
  .option('--run-id <n>', 'fixes permIds and execIds; default the time', number(0, 4_294_967_295))
  .option('--client-limit <n>', 'clients at one time', number(1, 1_000), 32)
  .option('--lines <n>', 'market data lines over all clients', number(1, 10_000), 100)
  .option('--message-rate <n>', 'messages a second for each client', number(1, 1_000_000), 50)
  .option('--no-pacing', 'no pacing of historical requests')
  .option('--json', 'one JSON object a line on stdout', false)
  // As everywhere: 2 is for wrong input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const say = (event: string, fields: Record<string, unknown>, text: string) => {
    console.log(options.json ? JSON.stringify({ event, ...fields }) : text);
  };
  const queued: string[] = [];
  let listening = false;
  const log = (text: string) => {
    // The first line says where the gateway listens, whatever happens before.
    if (listening) say('log', { text }, text);
    else queued.push(text);
  };
  let gateway: Gateway | undefined;
  let stopping = false;
  const stop = () => {
    if (stopping || gateway === undefined) process.exit(stopping ? 1 : 0);
    stopping = true;
    const { ticksPlayed, ticksTotal, ticksUnseen } = gateway.status();
    gateway.stop().then(
      () => {
        const text = `Stopped: ${ticksPlayed} of ${ticksTotal} rows played, ${ticksUnseen} unseen.`;
        say('stopped', { ticksPlayed, ticksTotal, ticksUnseen }, text);
        process.exit(0);
      },
      (problem: unknown) => {
        console.error(problem);
        process.exit(1);
      },
    );
  };
  // Before the first line, because whoever reads it may send a signal at once.
  // A parent that died without a word leaves nobody to stop us.
  if (process.connected) process.once('disconnect', stop);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  gateway = await startGateway({ ...gatewayOptions(options), log });
  const { host, port, controlPort, tape } = gateway;
  const speedText = options.speed === 'max' ? 'max' : `${options.speed}x`;
  say(
    'listening',
    {
      host,
      port,
      controlPort,
      tape: tape.file,
      rows: tape.rows.length,
      symbols: tape.contracts.map((contract) => contract.localSymbol),
    },
    `Simulated IB Gateway listening on ${host}:${port}, control http://127.0.0.1:${controlPort}, speed ${speedText}, ${tapeTitle(tape)}`,
  );
  listening = true;
  for (const text of queued) log(text);
}

function gatewayOptions(options: Options): GatewayOptions {
  return {
    ...(options.tape === undefined ? {} : { tape: options.tape }),
    ...(options.script === undefined ? {} : { script: options.script }),
    seed: options.seed,
    minutes: options.minutes,
    host: options.host,
    port: options.port,
    speed: options.speed,
    idleSpeed: options.idleSpeed,
    controlPort: options.controlPort,
    start: options.start,
    startDelayMs: options.startDelay,
    account: options.account,
    subAccounts: options.subAccounts,
    startCash: options.cash,
    masterClientId: options.masterClientId,
    timeZone: options.timeZone,
    fillShare: options.fillShare,
    latencyMs: options.latency,
    commission: {
      perContract: options.commissionContract,
      perShare: options.commissionShare,
      shareMinimum: options.commissionMinimum,
    },
    ...(options.runId === undefined ? {} : { runId: options.runId }),
    clientLimit: options.clientLimit,
    marketDataLines: options.lines,
    messagesPerSecond: options.messageRate,
    historyPacing: options.pacing,
  };
}

main().catch((problem: unknown) => {
  const expected =
    problem instanceof TapeError || problem instanceof ScriptError || problem instanceof GatewayError;
  console.error(expected ? problem.message : problem);
  process.exit(1);
});
