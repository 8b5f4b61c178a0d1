/** The verdict on a run, as a value and as text. */
import Table from 'cli-table3';
import { accountForBars, accountForFills, type BarAccount, type FillAccount } from './accounts.ts';
import { type Flatness, judgeFlatness } from './flatness.ts';
import type { SoakRun } from './soak.ts';
import type { Week } from './week.ts';
import type { WeekTape } from './week-tape.ts';

export interface Report {
  readonly from: string;
  readonly to: string;
  readonly simulatedHours: number;
  readonly realSeconds: number;
  readonly trades: number;
  readonly bars: readonly BarAccount[];
  readonly fills: FillAccount;
  readonly flatness: readonly Flatness[];
  readonly events: Readonly<Record<string, number>>;
  readonly alerts: Readonly<Record<string, number>>;
  readonly commands: { readonly sent: number; readonly answers: Readonly<Record<string, number>> };
  readonly snapshots: { readonly asked: number; readonly taken: number };
  readonly loginsAwaited: number;
  readonly resets: number;
  readonly cpuSeconds: number;
  /** What is wrong; empty for a good run. */
  readonly problems: readonly string[];
}

const LOGIN_REMINDER_MS = 900_000;
const dayMs = 86_400_000;
const SHOWN = 20;
/** Positions stand without stops on purpose. */
const expectedAlerts = new Set(['unprotected_position', 'position_protected']);

export function reportOn(week: Week, { tape, reference, trades }: WeekTape, run: SoakRun): Report {
  const { ledger, gateway, measurements, operator } = run;
  const bars = accountForBars(week, tape.contracts, reference, ledger);
  const fills = accountForFills(gateway.broker().executions, ledger);
  const opening = Math.min(
    ...week.markets
      .flatMap(({ sessions }) => sessions.map(({ fromMs }) => fromMs))
      .filter((ms) => ms > week.logins[0]!.fromMs),
  );
  const tradingDays = new Set(week.markets.flatMap(({ sessions }) => sessions.map(({ date }) => date))).size;
  const flatness = judgeFlatness(measurements, {
    fromMs: opening + dayMs,
    kept: {
      barsPerDay: bars.reduce((sum, { minutes }) => sum + minutes, 0) / tradingDays,
      ordersPerDay: gateway.broker().orders.length / tradingDays,
    },
  });
  const trading = [...operator.sent.keys()];
  const answers: Record<string, number> = {};
  for (const id of trading) add(answers, ledger.answers.get(id) ?? 'none');
  const alerts: Record<string, number> = {};
  for (const { alert } of ledger.alerts) add(alerts, alert);
  const loginsAwaited = ledger.counts['login.awaited'] ?? 0;
  const snapshotsTaken = ledger.counts['snapshot.taken'] ?? 0;
  const loginMs = week.logins.reduce(
    (sum, { fromMs, toMs }) => sum + toMs - Math.max(fromMs, week.startMs),
    0,
  );
  const problems = [
    ...bars.flatMap((each) => each.problems),
    ...fills.problems,
    ...ledger.mistakes,
    ...ledger.missing().map((id) => `event ${id} never arrived`),
    ...[...ledger.gaps].flatMap(([id, { end, reason }]) =>
      end === 'filled' ? [] : [`gap ${id} (${reason}) ended ${end ?? 'never'}`],
    ),
    ...flatness.filter(({ flat }) => !flat).map(notFlat),
    ...ledger.alerts
      .filter((alert) => !isExpected(week, alert))
      .map(({ at, alert, message }) => `${at} alert ${alert}: ${message}`),
    ...Object.entries(answers).flatMap(([answer, count]) =>
      answer === 'accepted' ? [] : [`${count} trading commands were answered: ${answer}`],
    ),
    ...resetProblems(week, run),
    ...(loginsAwaited < Math.floor(loginMs / LOGIN_REMINDER_MS) - week.logins.length
      ? [`the login was asked for ${loginsAwaited} times in ${loginMs / 3_600_000} h`]
      : []),
    ...(snapshotsTaken === operator.snapshots
      ? []
      : [`${operator.snapshots} snapshots asked for, ${snapshotsTaken} taken`]),
    ...(run.sink.refused.length > 0
      ? [`the cloud refused ${[...new Set(run.sink.refused)].join(', ')}`]
      : []),
    ...(run.exitCode === 0 ? [] : [`the streamer ended with ${run.exitCode}`]),
  ];
  return {
    from: new Date(week.startMs).toISOString(),
    to: new Date(week.endMs).toISOString(),
    simulatedHours: (week.endMs - week.startMs) / 3_600_000,
    realSeconds: run.realSeconds,
    trades,
    bars,
    fills,
    flatness,
    events: ledger.counts,
    alerts,
    commands: { sent: trading.length, answers },
    snapshots: { asked: operator.snapshots, taken: snapshotsTaken },
    loginsAwaited,
    resets: week.outages.filter(({ name }) => name.startsWith('reset')).length,
    cpuSeconds: measurements.at(-1)?.cpuSeconds ?? 0,
    problems,
  };
}

/** Without a login, and outside of the windows in which alerts are muted, nobody knows how positions are protected. */
function isExpected(
  { logins }: Week,
  { at, alert }: { readonly at: string; readonly alert: string },
): boolean {
  const atMs = Date.parse(at);
  // Told at the market's time, which stands still while the gateway is away.
  const isAway = logins.some(({ fromMs, toMs }) => atMs >= fromMs - 60_000 && atMs <= toMs + 60_000);
  return expectedAlerts.has(alert) || (alert === 'protection_unknown' && isAway);
}

/** After each outage the session is ready again within ten minutes, and nothing of it opened the circuit breaker. */
function resetProblems({ outages }: Week, { ledger }: SoakRun): string[] {
  const broken = ledger.counts['circuit-breaker.triggered'] ?? 0;
  const problems = broken > 0 ? [`the circuit breaker opened ${broken} times; resets must not count`] : [];
  for (const { name, fromMs, toMs } of outages) {
    // A phase is told at its own time of the market, which stands still while the gateway is away.
    const within = ledger.phases.filter(({ atMs }) => atMs >= fromMs - 60_000 && atMs <= toMs + 600_000);
    if (!within.some(({ to }) => to !== 'ready'))
      problems.push(`${name}: the session never said that it was lost`);
    if (within.at(-1)?.to !== 'ready')
      problems.push(`${name}: the session was not ready ten minutes after it`);
  }
  return problems;
}

function notFlat({ name, slopePerDay, boundPerDay, unit }: Flatness): string {
  return `${name} grows by ${slopePerDay?.toFixed(3)} ${unit} a day; ${boundPerDay} is the most`;
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

export function asText(report: Report): string {
  const bars = new Table({
    head: ['symbol', 'minutes', 'live', 'backfill', 'flat', 'silent', 'wrong'],
    style: { head: [], border: [] },
  });
  for (const { symbol, minutes, live, backfill, flat, silent, problems } of report.bars)
    bars.push([symbol, minutes, live, backfill, flat, silent, problems.length]);
  const flat = new Table({
    head: ['', 'first', 'median', 'most', 'last', 'a day', 'bound', '', 'by the hour'],
    style: { head: [], border: [] },
  });
  for (const each of report.flatness) {
    flat.push([
      `${each.name}${each.unit === '' ? '' : ` (${each.unit})`}`,
      ...[each.first, each.median, each.most, each.last].map((value) => number(value)),
      each.slopePerDay === null ? '' : signed(each.slopePerDay),
      Number.isFinite(each.boundPerDay) ? number(each.boundPerDay) : '',
      Number.isFinite(each.boundPerDay) && each.slopePerDay !== null ? (each.flat ? 'flat' : 'GROWS') : '',
      plot(each.values),
    ]);
  }
  const { executions, fills } = report.fills;
  return [
    `${report.from} to ${report.to}: ${report.simulatedHours} simulated hours in ${report.realSeconds.toFixed(0)} s, ${report.cpuSeconds.toFixed(0)} s of the streamer's processor, ${report.trades} trades.`,
    '',
    bars.toString(),
    '',
    `${fills} fills of ${executions} executions; ${report.commands.sent} trading commands (${countsText(report.commands.answers)}); ${report.snapshots.taken} snapshots.`,
    `${report.resets} nightly resets; the login was asked for ${report.loginsAwaited} times.`,
    `Events: ${countsText(report.events)}.`,
    `Alerts: ${countsText(report.alerts) || 'none'}.`,
    '',
    flat.toString(),
    '',
    ...(report.problems.length === 0
      ? ['Every bar and every fill is accounted for, and what should be flat is flat.']
      : [
          `${report.problems.length} problems:`,
          ...report.problems.slice(0, SHOWN).map((problem) => `  ${problem}`),
          ...(report.problems.length > SHOWN
            ? [`  and ${report.problems.length - SHOWN} more (--json has all)`]
            : []),
        ]),
  ].join('\n');
}

const WIDTH = 48;

/** Small bars from the least to the most of a series, the median of each stretch. */
export function plot(values: readonly number[]): string {
  const marks = '▁▂▃▄▅▆▇█';
  const stretch = Math.max(1, Math.ceil(values.length / WIDTH));
  const medians: number[] = [];
  for (let from = 0; from < values.length; from += stretch) {
    const part = values.slice(from, from + stretch).toSorted((a, b) => a - b);
    medians.push(part[Math.floor(part.length / 2)]!);
  }
  const [least, most] = [Math.min(...medians), Math.max(...medians)];
  return medians
    .map(
      (value) =>
        marks[most === least ? 0 : Math.round(((value - least) / (most - least)) * (marks.length - 1))],
    )
    .join('');
}

const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(3)}`;
const countsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
