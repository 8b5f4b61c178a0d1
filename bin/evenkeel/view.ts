import Table from 'cli-table3';
import { Decimal } from 'decimal.js';
import picocolors from 'picocolors';

export type Colours = ReturnType<typeof picocolors.createColors>;

/** How results look to a person: colours or none, times in the configured zone. */
export interface View {
  readonly colours: Colours;
  /** IANA zone in which `time` writes. */
  readonly timeZone: string;
}

export function createView(timeZone: string, inColour: boolean): View {
  return { colours: picocolors.createColors(inColour), timeZone };
}

export interface Column {
  readonly name: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** Columns below their names, no lines: what a terminal shows and `awk` reads. */
export function table(view: View, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const drawn = new Table({
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    head: columns.map(({ name }) => view.colours.dim(name)),
  });
  for (const row of rows) drawn.push(row.map(printable));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** `name  value` lines, names in one column. */
export function facts(view: View, pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${view.colours.dim(name.padEnd(width))}  ${value}`).join('\n');
}

/** `yyyy-mm-dd HH:MM:SS` in the view's zone; empty for 0 and null. */
export function time(view: View, at: number | string | null): string {
  const ms = typeof at === 'string' ? Date.parse(at) : at;
  if (ms === null || ms === 0 || Number.isNaN(ms)) return '';
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: view.timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
}

/** ISO-8601 in UTC for `--json`; null for 0 and null. */
export function iso(ms: number | null): string | null {
  return ms === null || ms === 0 ? null : new Date(ms).toISOString();
}

/** `4 s`, `3 min`, `2.5 h`, `6 d`: how long ago. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A decimal with separators for thousands, every digit of it kept: `-1234567.5` is `-1,234,567.5`. */
export function grouped(decimal: string): string {
  const [, sign = '', whole = '', rest = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(decimal) ?? [];
  if (whole === '') return decimal;
  return `${sign}${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}${rest}`;
}

/** At most `places` decimals, for averages whose last digits say nothing. */
export function shortened(decimal: string, places = 6): string {
  return grouped(new Decimal(decimal).toDecimalPlaces(places).toFixed());
}

/** `1 order`, `2 orders`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** `812 bytes`, `8.4 MiB`: what S3 bills. */
export function size(bytes: number): string {
  if (bytes < 1024) return count(bytes, 'byte');
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(1024)));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 100 ? 1 : 0)} ${units[power - 1]}`;
}

/** How long something took: `340 ms`, `12.4 s`, `3 min 5 s`. */
export function took(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 119_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

const colourCodes = new RegExp(`${String.fromCodePoint(0x1b)}\\[\\d+(?:;\\d+)*m`, 'g');

/** Without what would move the cursor or hide text: names and messages come from outside. Colours of ours stay. */
export function printable(text: string): string {
  const parts = text.split(colourCodes);
  const codes = text.match(colourCodes) ?? [];
  return parts.map((part, at) => plain(part) + (codes[at] ?? '')).join('');
}

/** The same of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Text from outside as one line without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
