/** How times, numbers and hashes look. Times are shown in the configured zone; UTC stands behind them on hover. */
import { Decimal } from 'decimal.js';
import { hello } from './topics.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string, withDate: boolean): Intl.DateTimeFormat {
  const key = `${timeZone} ${withDate}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  // Swedish writes dates as ISO-8601 does.
  const made = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    ...(withDate ? ({ dateStyle: 'short' } as const) : {}),
    timeStyle: 'medium',
  });
  formats.set(key, made);
  return made;
}

export function zone(): string {
  return hello.value?.timeZone ?? 'UTC';
}

/** Unix ms of a time that may be ISO text; null for none. */
export function msOf(at: number | string | null | undefined): number | null {
  const ms = typeof at === 'string' ? Date.parse(at) : (at ?? 0);
  return ms === 0 || Number.isNaN(ms) ? null : ms;
}

/** `yyyy-mm-dd HH:MM:SS` in the configured zone. */
export function dateTime(at: number | string | null | undefined): string {
  const ms = msOf(at);
  return ms === null ? '' : formatOf(zone(), true).format(ms);
}

/** `HH:MM:SS` in the configured zone. */
export function clock(ms: number): string {
  return formatOf(zone(), false).format(ms);
}

/** `2026-01-05 14:30:00 UTC` */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `4 s`, `3 min`, `2.5 h`, `6 d` */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A decimal with separators for thousands, every digit of it kept. */
export function grouped(decimal: string): string {
  const [, sign = '', whole = '', rest = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(decimal) ?? [];
  if (whole === '') return decimal;
  return `${sign === '' ? '' : '−'}${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}${rest}`;
}

/** At most so many decimals, for averages whose last digits say nothing. */
export function shortened(decimal: string | null, places = 6): string {
  return decimal === null ? '' : grouped(new Decimal(decimal).toDecimalPlaces(places).toFixed());
}

/** Cents, always two of them. */
export function money(decimal: string): string {
  return grouped(new Decimal(decimal).toFixed(2));
}

/** With its sign, also a positive one. */
export function signed(decimal: string): string {
  return new Decimal(decimal).gt(0) ? `+${grouped(decimal)}` : grouped(decimal);
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

export function size(bytes: number): string {
  if (bytes < 1024) return count(bytes, 'byte');
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

export function took(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Who, without the beginning that every ARN has. */
export function who(identity: string): string {
  return identity.replace(/^arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:/, '');
}
