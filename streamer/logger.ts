import colours from 'picocolors';
import { pino } from 'pino';

/** What the parts of the streamer need to log; fields are for machines, the message for people. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const PAINT: Record<number, (text: string) => string> = {
  20: colours.dim,
  30: colours.green,
  40: colours.yellow,
  50: colours.red,
};
const NAMES: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error' };

/** JSON lines for machines; on a terminal, one readable line an entry with the time in `timeZone`. */
export function createLogger(level: LogLevel, readable: boolean, timeZone: string): Logger {
  const base = readable
    ? pino(
        { level, base: null },
        { write: (line: string) => process.stderr.write(`${pretty(line, timeZone)}\n`) },
      )
    : pino(
        { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
        pino.destination({ fd: 2, sync: true }),
      );
  const at =
    (name: LogLevel) =>
    (message: string, fields: object = {}): void =>
      base[name](fields, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function pretty(line: string, timeZone: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: number; msg: string };
  const clock = new Date(time).toLocaleTimeString('en-GB', { timeZone, hour12: false });
  const rest = Object.entries(fields)
    .map(([key, value]) => `${key}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`)
    .join(' ');
  const paint = PAINT[level] ?? String;
  return `${colours.dim(clock)} ${paint(NAMES[level] ?? '')} ${printable(msg)}${rest ? ` ${colours.dim(rest)}` : ''}`;
}

/** Texts come from the gateway too, and may not move the cursor; the lines of a stack stay. */
function printable(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\p{Bidi_Control}]+/gu, ' ');
}
