/** Rules that join several values, or that name a costly mistake: checked once each value alone is right. */
import { kindOfAccount, kindOfStage, portsText, standardPort } from '../lib/domain/safety/paper-or-live.ts';
import type { ConfigProblem } from './config-error.ts';
import type { Config, StreamerConfig } from './schema.ts';

const dayMs = 86_400_000;

/** What Fargate allows with so many CPU units. */
const fargateMemoryMiB = {
  1024: { least: 2048, most: 8192 },
  2048: { least: 4096, most: 16_384 },
  4096: { least: 8192, most: 30_720 },
} as const;

export function crossChecks(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const problem = (path: string, value: unknown, allowed: string) =>
    problems.push({ path, value: JSON.stringify(value), allowed });

  for (const [index, streamer] of config.streamers.entries()) {
    const at = `streamers.${index}`;
    problems.push(...portMixUp(config.stage, streamer, at), ...accountMixUp(config.stage, streamer, at));
    const others = config.streamers.slice(0, index);
    if (others.some((other) => other.name === streamer.name)) {
      problem(`${at}.name`, streamer.name, 'another streamer has this name; give each its own');
    }
    if (others.some((other) => other.account === streamer.account)) {
      problem(
        `${at}.account`,
        streamer.account,
        'another streamer has this account; one lease for each account decides who holds its session',
      );
    }
    const { host, port, clientId, marketDataLines } = streamer.gateway;
    const twin = others.find(
      ({ gateway }) => gateway.host === host && gateway.port === port && gateway.clientId === clientId,
    );
    if (twin !== undefined) {
      problem(
        `${at}.gateway.clientId`,
        clientId,
        `streamer ${twin.name} has it on ${host}:${port}; give each its own`,
      );
    }
    if (streamer.symbols.length > marketDataLines) {
      problem(
        `${at}.symbols`,
        `${streamer.symbols.length} symbols`,
        `at most marketDataLines, ${marketDataLines}`,
      );
    }
    const seen = streamer.symbols.map((symbol) => JSON.stringify(symbol));
    for (const [position, symbol] of seen.entries()) {
      if (seen.indexOf(symbol) < position) {
        problem(`${at}.symbols.${position}`, streamer.symbols[position], 'it is in the list twice');
      }
    }
  }
  for (const [index, { name }] of config.alerts.channels.entries()) {
    if (config.alerts.channels.findIndex((other) => other.name === name) < index)
      problem(`alerts.channels.${index}.name`, name, 'another channel has this name; give each its own');
  }
  const { marketData, candles, reconnect } = config;
  if (marketData.drainAt > marketData.bufferCapacity) {
    problem('marketData.drainAt', marketData.drainAt, `at most bufferCapacity, ${marketData.bufferCapacity}`);
  }
  if (dayMs % candles.intervalMs !== 0) {
    problem(
      'candles.intervalMs',
      candles.intervalMs,
      'a length that divides a day, for example 60000 or 300000',
    );
  }
  if (candles.graceMs >= candles.intervalMs) {
    problem('candles.graceMs', candles.graceMs, `less than intervalMs, ${candles.intervalMs}`);
  }
  if (candles.correctionMs < candles.graceMs) {
    problem('candles.correctionMs', candles.correctionMs, `at least graceMs, ${candles.graceMs}`);
  }
  if (reconnect.firstMs > reconnect.maxMs) {
    problem('reconnect.firstMs', reconnect.firstMs, `at most maxMs, ${reconnect.maxMs}`);
  }
  if (config.lease.renewMs * 3 > config.lease.ttlMs) {
    problem('lease.renewMs', config.lease.renewMs, `at most a third of ttlMs, ${config.lease.ttlMs}`);
  }
  const memory = fargateMemoryMiB[config.aws.streamerCpu];
  if (config.aws.streamerMemoryMiB < memory.least || config.aws.streamerMemoryMiB > memory.most) {
    const allowed = `from ${memory.least} to ${memory.most} with streamerCpu ${config.aws.streamerCpu}`;
    problem('aws.streamerMemoryMiB', config.aws.streamerMemoryMiB, allowed);
  }
  for (const [index, window] of config.resetWindows.entries()) {
    if (window.from === window.to) problem(`resetWindows.${index}.to`, window.to, 'a time other than `from`');
  }
  return problems;
}

/** A paper stage on a live port would trade real money; a live stage on a paper port would trade none. */
function portMixUp(stage: Config['stage'], streamer: StreamerConfig, at: string): ConfigProblem[] {
  const { port } = streamer.gateway;
  const standard = standardPort(port);
  if (standard === undefined || standard.kind === kindOfStage(stage)) return [];
  const { kind, of } = standard;
  return [
    {
      path: `${at}.gateway.port`,
      value: String(port),
      allowed: `that is the ${kind} port of ${of}, and the stage is ${stage}; for it use ${portsText(kindOfStage(stage))}`,
    },
  ];
}

/** Paper accounts begin with D (DU, DF, DI); a live one never does. */
function accountMixUp(stage: Config['stage'], streamer: StreamerConfig, at: string): ConfigProblem[] {
  const kind = kindOfAccount(streamer.account);
  if (stage === 'sandbox' || kind === kindOfStage(stage)) return [];
  return [
    {
      path: `${at}.account`,
      value: streamer.account,
      allowed: `that is a ${kind} account, and the stage is ${stage}; use one that ${
        stage === 'paper' ? 'begins with D' : 'does not begin with D'
      }`,
    },
  ];
}
