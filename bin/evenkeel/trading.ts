import { SafetyStore, type TradingChange } from '../../lib/aws/safety-store.ts';
import type { TradingMode } from '../../lib/domain/safety/trading-state.ts';
import type { Cli, Shown } from './cli.ts';
import { tradingLine } from './order-review.ts';
import { isOpen, readOrderRows } from './order-rows.ts';
import { readPositions } from './positions.ts';
import { reasonOf } from './reason.ts';
import type { Session } from './session.ts';
import { count, type View } from './view.ts';

/** What a change of the trading state leaves as it is. */
export interface TradingShown extends TradingChange {
  readonly account: string;
  readonly openOrders: number;
  readonly positions: number;
}

async function setTrading(
  session: Session,
  mode: TradingMode,
  command: string,
  given: string,
): Promise<Shown> {
  const { ports, account, io, view } = session;
  const reason = reasonOf(given);
  const { arn } = await ports.identity.whoAmI();
  const safety = new SafetyStore({ book: ports.book, nowMs: io.nowMs });
  const change = await safety.setTrading(account, mode, { who: arn, reason, command });
  const [rows, { positions }] = await Promise.all([
    readOrderRows(ports.book, account),
    readPositions(ports.book, account),
  ]);
  const result: TradingShown = {
    account,
    ...change,
    openOrders: rows.filter(isOpen).length,
    positions: positions.length,
  };
  return { result, text: () => showTrading(result, view) };
}

export function showTrading(
  { account, result, before, after, openOrders, positions }: TradingShown,
  view: View,
): string {
  if (result === 'unchanged')
    return `Nothing to change: trading of ${account} is ${tradingLine(after, view)}`;
  return [
    `Trading of ${account}: ${tradingLine(before, view)} -> ${tradingLine(after, view)}`,
    'Written with its audit row.',
    ...advice[after.mode].map((line) =>
      line
        .replace('{orders}', count(openOrders, 'open order'))
        .replace('{positions}', count(positions, 'position')),
    ),
  ].join('\n');
}

/** What it does not do: a person who halts must know what goes on working. */
const advice: Readonly<Record<TradingMode, readonly string[]>> = {
  halted: [
    'No order leaves any more; a cancel does.',
    'What works at IB stays: {orders} and {positions}. Cancel with order cancel-all; to close positions, say reduce-only and then order flatten SYMBOL, or close them in TWS.',
  ],
  'reduce-only': [
    'Only what makes a position smaller, or protects it, leaves.',
    'What works at IB stays: {orders} and {positions}. Cancel with order cancel-all; close with order flatten SYMBOL.',
  ],
  active: [
    'Orders leave again, as far as flags, lock and limits let them: status shows those.',
    'Where a limit on losses halted it, it halts again while that limit is passed.',
  ],
};

const commands = [
  ['halt', 'halted', 'stop trading: nothing leaves but cancels, also after a restart, until resume'],
  ['reduce-only', 'reduce-only', 'let through only what makes a position smaller, or protects it'],
  ['resume', 'active', 'end a halt or reduce-only'],
] as const;

export function addTrading({ program, run }: Cli): void {
  for (const [name, mode, description] of commands) {
    program
      .command(name)
      .description(description)
      .requiredOption('--reason <text>', 'why, for the audit trail')
      .action(run<{ reason: string }>((session, { reason }) => setTrading(session, mode, name, reason)));
  }
}
