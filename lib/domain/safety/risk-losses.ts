/** Losses of the session date against their limits: they deny orders, and halt trading by themselves. */
import { type Amount, plain } from '../orders/decimals.ts';
import { deny } from './denial.ts';
import type { Denial, RiskLimits, TradingPicture } from './gate-types.ts';
import { readDecimal } from './price-steps.ts';

type Value = TradingPicture['value'];

/** A value that is older says nothing of what was lost meanwhile. IB tells a changed one within three minutes. */
const AGE_MAX_MS = 600_000;

/** A limit on losses that is passed, in words for the reason of the halt. */
export interface LossVerdict {
  readonly code: 'DAILY_LOSS' | 'DRAWDOWN';
  readonly message: string;
}

/** Undefined where no limit is passed; also while nobody knows the account's value, which the gate denies by itself. */
export function lossVerdict(limits: RiskLimits, value: Omit<Value, 'ageMs'>): LossVerdict | undefined {
  const now = known(value.now);
  const atStart = known(value.atStart);
  const peak = highest(known(value.peak), atStart, now);
  const maxDailyLoss = known(limits.maxDailyLoss);
  const maxDrawdown = known(limits.maxDrawdown);
  if (now === undefined) return undefined;
  if (maxDailyLoss !== undefined && atStart?.minus(now).gt(maxDailyLoss)) {
    return {
      code: 'DAILY_LOSS',
      message: `The account is worth ${plain(now)}, and was worth ${plain(atStart)} when the session date began: a loss of ${plain(atStart.minus(now))}, more than maxDailyLoss ${plain(maxDailyLoss)}`,
    };
  }
  if (maxDrawdown !== undefined && peak?.minus(now).gt(maxDrawdown)) {
    return {
      code: 'DRAWDOWN',
      message: `The account is worth ${plain(now)}, and was worth ${plain(peak)} at the highest of the session date: ${plain(peak.minus(now))} less, more than maxDrawdown ${plain(maxDrawdown)}`,
    };
  }
  return undefined;
}

/** What the losses say against an order that opens or enlarges a position. */
export function lossDenial({ limits, value }: TradingPicture): Denial | undefined {
  const { maxDailyLoss, maxDrawdown } = limits;
  if (maxDailyLoss === null && maxDrawdown === null) return undefined;
  const code = maxDailyLoss === null ? 'DRAWDOWN' : 'DAILY_LOSS';
  const broken = [maxDailyLoss, maxDrawdown].find((limit) => limit !== null && known(limit) === undefined);
  if (broken !== undefined) {
    return deny(
      code,
      `The limit ${JSON.stringify(broken)} is no decimal.`,
      'Correct `risk` in the configuration.',
    );
  }
  const needed = [
    value.now,
    maxDailyLoss === null ? value.now : value.atStart,
    maxDrawdown === null ? value.now : value.peak,
  ];
  if (needed.some((text) => known(text) === undefined)) {
    return deny(
      code,
      'The broker has not told what the account is worth: nobody knows whether a limit on losses is passed.',
      'Orders that make a position smaller; others once the broker has told the account values.',
    );
  }
  const verdict = lossVerdict(limits, value);
  if (verdict === undefined && !(value.ageMs !== null && value.ageMs <= AGE_MAX_MS)) {
    const age = value.ageMs === null ? 'nobody knows when' : `${Math.round(value.ageMs / 1_000)} s ago`;
    return deny(
      code,
      `The broker told what the account is worth ${age}, and a word counts for ${AGE_MAX_MS / 1_000} s: nobody knows whether a limit on losses is passed.`,
      'Orders that make a position smaller; others once the broker has told the account values anew, which it is asked for by itself.',
    );
  }
  if (verdict === undefined) return undefined;
  return deny(
    verdict.code,
    `${verdict.message}.`,
    "Orders that make a position smaller, and a person's cancel, until the next session date.",
  );
}

function known(text: string | null): Amount | undefined {
  return text === null ? undefined : readDecimal(text);
}

function highest(...values: readonly (Amount | undefined)[]): Amount | undefined {
  let most: Amount | undefined;
  for (const value of values) if (value !== undefined && !most?.gte(value)) most = value;
  return most;
}
