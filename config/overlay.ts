/**
 * The variables of earlier systems, laid over the first streamer of the stage's file. An empty variable counts as not
 * set, because that is how a copied `.env.template` looks.
 */

interface Variable {
  readonly name: string;
  readonly path: readonly (string | number)[];
  /** Text to the value that the schema expects; text that does not fit is passed on, and the schema names it. */
  readonly read: (text: string) => unknown;
}

const asText = (text: string): string => text;
const asNumber = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text);

export const variables: readonly Variable[] = [
  { name: 'IB_GATEWAY_HOST', path: ['streamers', 0, 'gateway', 'host'], read: asText },
  { name: 'IB_GATEWAY_PORT', path: ['streamers', 0, 'gateway', 'port'], read: asNumber },
  { name: 'IB_CLIENT_ID', path: ['streamers', 0, 'gateway', 'clientId'], read: asNumber },
  { name: 'IB_ACCOUNT', path: ['streamers', 0, 'account'], read: asText },
  {
    name: 'SYMBOLS',
    path: ['streamers', 0, 'symbols'],
    read: (text) =>
      text
        .split(',')
        .map((symbol) => symbol.trim())
        .filter((symbol) => symbol !== ''),
  },
  { name: 'DB_PATH', path: ['streamers', 0, 'dbPath'], read: asText },
  { name: 'HEALTH_PORT', path: ['streamers', 0, 'health', 'port'], read: asNumber },
  // The seeds write INFO.
  { name: 'LOG_LEVEL', path: ['logLevel'], read: (text) => text.toLowerCase() },
  { name: 'DISPLAY_TIME_ZONE', path: ['displayTimeZone'], read: asText },
];

/** Lays the variables that are set over `raw` in place; returns the path of each with its variable's name. */
export function overlay(
  raw: Record<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const origins = new Map<string, string>();
  for (const variable of variables) {
    const text = env[variable.name]?.trim();
    if (text === undefined || text === '') continue;
    if (set(raw, variable.path, variable.read(text))) origins.set(variable.path.join('.'), variable.name);
  }
  return origins;
}

/** False where the file has something else than a section on the way: the schema will say what. */
function set(raw: unknown, path: readonly (string | number)[], value: unknown): boolean {
  const [key, ...rest] = path;
  if (typeof raw !== 'object' || raw === null || key === undefined) return false;
  const target = raw as Record<string | number, unknown>;
  if (rest.length === 0) {
    target[key] = value;
    return true;
  }
  target[key] ??= typeof rest[0] === 'number' ? [] : {};
  return set(target[key], rest, value);
}
