/** Renders docs/configuration.md from the schema, so that it cannot drift. */
import * as z from 'zod';
import { variables } from '../../config/overlay.ts';
import { configSchema } from '../../config/schema.ts';

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly allowed?: string;
  readonly default?: unknown;
  /** Said in words where the default is not one value. */
  readonly standard?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

/** Every key of the configuration that holds a value, by its path. */
export interface ConfigKey {
  readonly path: string;
  readonly standard: string;
  readonly allowed: string;
  readonly meaning: string;
}

export function configKeys(): ConfigKey[] {
  return walk(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, '', true);
}

function walk(schema: JsonSchema, path: string, required: boolean): ConfigKey[] {
  const row = {
    path,
    standard:
      schema.standard ??
      (schema.default === undefined ? (required ? '**required**' : '—') : show(schema.default)),
    allowed: (schema.allowed ?? '').replaceAll('|', '\\|'),
    meaning: schema.description ?? '',
  };
  const own = schema.description === undefined ? [] : [row];
  const inner = schema.items?.properties === undefined ? schema.properties : schema.items.properties;
  if (inner === undefined) return own;
  const needed = (schema.items ?? schema).required ?? [];
  const prefix = path === '' ? '' : schema.items === undefined ? `${path}.` : `${path}[].`;
  return [
    ...own,
    ...Object.entries(inner).flatMap(([key, field]) => walk(field, prefix + key, needed.includes(key))),
  ];
}

function show(value: unknown): string {
  return Array.isArray(value) ? 'see below' : `\`${String(value)}\``;
}

export function renderConfigDocs(): string {
  const keys = configKeys().map(
    ({ path, standard, allowed, meaning }) => `| \`${path}\` | ${standard} | ${allowed} | ${meaning} |`,
  );
  const overlays = variables.map(({ name, path }) => `| \`${name}\` | \`${path.join('.')}\` |`);
  return `# Configuration

One file for each stage: \`config/sandbox.yml\`, \`config/paper.yml\`, \`config/live.yml\`. The same schema (\`config/schema.ts\`)
checks it when the stack is synthesised and when the streamer starts. This page is made from the schema; after a change
of it run \`vitest run test/unit/config.test.ts --update\`.

The stage is \`STAGE\`, or \`-c stage=\` of the CDK; without either it is \`sandbox\`, never \`live\`.

A mistake stops the start, with one line for each problem: path, value, what is allowed. An unknown key is a mistake.

\`\`\`
CONFIG_INVALID: config/paper.yml cannot be used; nothing was started. Correct this and start again (docs/configuration.md):
  streamers.0.gateway.clientID: there is no such key; did you mean clientId?
  streamers.0.gateway.port (from IB_GATEWAY_PORT) is 4001; that is the live port of IB Gateway, and the stage is paper; for it use 4002 (IB Gateway) or 7497 (TWS)
\`\`\`

## Every key

| key | default | allowed | meaning |
|---|---|---|---|
${keys.join('\n')}

Also checked: a paper stage does not use a live port or account, nor the reverse (ports: live 4001, 7496, 4003; paper
4002, 7497, 4004; paper accounts begin with D); names of streamers, and client ids on one gateway, are unique; there are
no more symbols than market data lines; \`drainAt\` is at most \`bufferCapacity\`; \`graceMs\` is less than \`intervalMs\` and at
most \`correctionMs\`; \`intervalMs\` divides a day; \`firstMs\` is at most \`maxMs\`.

## Variables of the environment

They lie on top of the file, for the first streamer, for a streamer or sandbox that runs on this machine. An empty
variable counts as not set. \`.env\` (copy of \`.env.template\`) is read as well; the process's own variables win over it.
The names are those of the system that came before, except \`HEALTH_PORT\`. Synth does not read them: what is deployed
depends on the files alone.

The sandbox says itself where its parts are: it takes \`IB_CLIENT_ID\`, \`IB_ACCOUNT\`, \`LOG_LEVEL\` and
\`DISPLAY_TIME_ZONE\`, and \`SYMBOLS\` only with \`--gateway\`, because a tape says what it holds.

| variable | key |
|---|---|
${overlays.join('\n')}

\`SYMBOLS\` is comma separated. \`LOG_LEVEL\` may be in capitals. \`EVENKEEL_CONFIG_DIR\` names another folder for the files.

## Symbols

Each entry of \`symbols\` is a root (\`GC\`: the front month is chosen), a local symbol (\`GCZ5\`: that month), a conId
(\`495512563\`), or keys and values:

\`\`\`yaml
symbols:
  - GC
  - { root: ES, exchange: CME }
  - { root: SI, multiplier: 5000 }
  - { localSymbol: SPY, secType: STK, exchange: SMART, currency: USD }
\`\`\`

Where contracts of several sizes have one root, as \`SI\` (5,000 and 1,000 ounces), the streamer refuses to start until
\`multiplier\`, exchange or currency says which.

## Reset windows

IB Gateway loses its servers every night and longer at the weekend. Inside a window alerts are muted and failures do not
count towards the circuit breaker. The default is North America. A list in the file replaces the default as a whole, so
repeat what you want to keep. Interactive Brokers publishes these times (System Status page):

\`\`\`yaml
resetWindows:
  - { name: north-america, timeZone: America/New_York, days: [sun, mon, tue, wed, thu, fri], from: "00:15", to: "01:45" }
  - { name: europe, timeZone: Europe/Zurich, days: [sun, mon, tue, wed, thu, fri], from: "06:25", to: "07:45" }
  - { name: asia-morning, timeZone: Asia/Hong_Kong, days: [sun, mon, tue, wed, thu, fri], from: "04:45", to: "06:05" }
  - { name: asia-evening, timeZone: Asia/Hong_Kong, days: [sun, mon, tue, wed, thu, fri], from: "20:15", to: "21:15" }
  - { name: weekend, timeZone: America/New_York, days: [fri], from: "23:00", to: "03:00" } # all regions; ends on Saturday
\`\`\`

Use the region of the servers that your login goes to. Other software still has an older North American window, 23:45 to
00:45 New York time, 15 minutes more or less; widen yours if you see failures there.
`;
}
