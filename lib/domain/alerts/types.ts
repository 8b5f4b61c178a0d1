/** What the desk of alerts is told, what it tells its channels, and by which rules. */
import type { ResetWindow } from '../safety/reset-windows.ts';

/** From least to worst. */
export const alertSeverities = ['INFO', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

export function isAtLeast(severity: AlertSeverity, least: AlertSeverity): boolean {
  return alertSeverities.indexOf(severity) >= alertSeverities.indexOf(least);
}

export function worseOf(one: AlertSeverity, other: AlertSeverity): AlertSeverity {
  return isAtLeast(one, other) ? one : other;
}

/** Something that a person should know. Alerts of one kind, account and subject are one alert that comes again. */
export interface AlertNews {
  readonly alert: string;
  readonly severity: AlertSeverity;
  /** IB account; `*` for the whole stage. */
  readonly account: string;
  readonly subject: string;
  readonly message: string;
  /** Who says so: the Source of the event. Two may see one thing with other eyes. */
  readonly witness: string;
}

/** The witness of what the desk raises itself. */
export const ownWitness = 'evenkeel.alerts';

/** Says that what was wrong is right again. */
export interface AlertEnd {
  /** Kinds that it ends. */
  readonly alerts: readonly string[];
  readonly account: string;
  /** Null: whatever the subject. */
  readonly subject: string | null;
  /** It ends what this one raised, no other's; null: whoever did. */
  readonly witness: string | null;
  readonly message: string;
  /** What to tell where nothing of the kind is open; null for nothing. */
  readonly otherwise: AlertNews | null;
}

export interface ChannelRules {
  readonly name: string;
  readonly minSeverity: AlertSeverity;
  /** `escalations`: only what nobody has acknowledged in time. */
  readonly receives: 'all' | 'escalations';
  /** Below CRITICAL nothing is sent inside them; it waits. */
  readonly quietHours: ResetWindow | null;
  /** Least time between two messages. */
  readonly rateMs: number;
}

export interface DeskRules {
  readonly channels: readonly ChannelRules[];
  /** Below CRITICAL nothing is sent inside them; it waits. */
  readonly resetWindows: readonly ResetWindow[];
  /** An alert that comes again within this time of being told is counted, and told at its end. */
  readonly dedupMs: number;
  /** A CRITICAL alert that nobody acknowledges is sent again after this time, then after twice as long, and so on. */
  readonly escalateMs: number;
}

export type DeskInput =
  | {
      readonly kind: 'raised';
      /** Of the event, hashed: one that is delivered twice counts once. */
      readonly eventId: string;
      /** When it happened, by the sender's clock; Unix ms. */
      readonly atMs: number;
      readonly news: AlertNews;
    }
  | { readonly kind: 'ended'; readonly eventId: string; readonly atMs: number; readonly end: AlertEnd }
  | { readonly kind: 'acknowledged'; readonly id: string; readonly by: string; readonly reason: string }
  | { readonly kind: 'delivered'; readonly channel: string; readonly no: number }
  | {
      readonly kind: 'failed';
      readonly channel: string;
      readonly no: number;
      /** `refused`: the same message would be refused again. */
      readonly why: 'later' | 'refused';
      /** As the channel asked; 0 for none. */
      readonly retryAfterMs: number;
      readonly problem: string;
    }
  | { readonly kind: 'buried'; readonly channel: string; readonly no: number }
  | { readonly kind: 'tick' };

/** Why an alert is told. */
export type TellingKind = 'raised' | 'again' | 'escalated' | 'acknowledged' | 'resolved';

/** One alert in a message. Times are Unix ms of the desk's clock. */
export interface ToldAlert extends Omit<AlertNews, 'witness'> {
  /** What it is acknowledged by. */
  readonly id: string;
  readonly kind: TellingKind;
  /** How often it was raised. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** This channel has not been told of it before. */
  readonly isFirst: boolean;
  readonly ackedBy: string | null;
  /** What to type. */
  readonly command: string;
}

/** What one channel is sent at once. */
export interface AlertMessage {
  readonly channel: string;
  /** Counts the messages of the stage; the same when it is sent again. */
  readonly no: number;
  /** The worst of its alerts. */
  readonly severity: AlertSeverity;
  readonly alerts: readonly ToldAlert[];
  /** Kinds and counts of alerts that came and went while they were muted. */
  readonly passed: Readonly<Record<string, number>>;
  /** From 1. */
  readonly attempt: number;
}

export type DeskEffect =
  | { readonly kind: 'send'; readonly message: AlertMessage }
  /** Puts into the dead-letter queue what the channel does not take. */
  | { readonly kind: 'bury'; readonly message: AlertMessage; readonly problem: string };
