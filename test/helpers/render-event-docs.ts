/** Renders docs/events.md from the catalogue, the schemas' descriptions and the examples, so that it cannot drift. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { catalogue, type EventName, eventNames, reservedNames } from '../../lib/events/catalogue.ts';
import { envelopeHead, noticeHead } from '../../lib/events/envelope.ts';
import * as sources from '../../lib/events/sources.ts';

const { streamerSource: _streamer, wholeStage: _stage, ...ofFunctions } = sources;
const noticeSources = Object.values(ofFunctions)
  .map((source) => `\`${source}\``)
  .join(', ');

export function examplePath(name: EventName): string {
  return `lib/events/examples/${name.replaceAll('.', '-')}.v${catalogue[name].version}.json`;
}

export function readExample(name: EventName): unknown {
  return JSON.parse(readFileSync(new URL(`../../${examplePath(name)}`, import.meta.url), 'utf8'));
}

export function renderEventDocs(): string {
  const overview = eventNames.map((name) => {
    const entry = catalogue[name];
    const example = `[${name.replaceAll('.', '-')}.v${entry.version}.json](../${examplePath(name)})`;
    return `| [\`${name}\`](#${name.replaceAll('.', '')}) | ${entry.when} | ${seeds(entry.seedNames)} | ${example} |`;
  });
  const reserved = Object.entries(reservedNames).map(([name, names]) => `| \`${name}\` | ${seeds(names)} |`);
  const sections = eventNames.flatMap((name) => [
    `### ${name}`,
    '',
    catalogue[name].when,
    '',
    ...fieldTable(catalogue[name].schema),
    '',
  ]);
  return [
    '# Events',
    '',
    'What the streamer puts on the event bus `evenkeel-<stage>`. This page is made from `lib/events`; after a change of the',
    'catalogue run `vitest run test/unit/events.test.ts --update`.',
    '',
    '## Rules',
    '',
    '- **Names** are `<noun>.<past participle>`, the noun in kebab-case: `candle.completed`, `safe-mode.entered`.',
    '- **On the bus** an event has Source `evenkeel.streamer`, DetailType = its name, Detail = the envelope below as JSON.',
    '- **Times** are UTC: Unix milliseconds where the name ends in `Ms`, else ISO-8601 text that ends in `Z`. A session date is',
    "  the exchange's own trade date. Nothing on the bus is in a display time zone.",
    '- **Prices, sizes, volumes and multipliers** are decimal text in canonical form (`1323.4`, never `1323.40` or `1.3234e3`).',
    '- **Delivery** is at least once and in no order. `id` finds a repeat; (`epoch`, `seq`) orders the events of one streamer.',
    '- **Versions**: within a version fields may be added, never removed or changed. Readers ignore fields they do not know.',
    '- **Replay**: events that come again from the archive carry `replay-name` beside `source`. A rule that pages people must',
    '  ask for `"replay-name": [{ "exists": false }]`; a rule that stores must not, so that a replay can fill a table.',
    '',
    '## All events',
    '',
    '| name | when | seed name | example |',
    '|---|---|---|---|',
    ...overview,
    '',
    '## Reserved names',
    '',
    'Kept free for events that do not exist yet.',
    '',
    '| name | seed name |',
    '|---|---|',
    ...reserved,
    '',
    '## Envelope',
    '',
    ...fieldTable(envelopeHead),
    '',
    'Example, as the `detail` of the EventBridge event:',
    '',
    '```json',
    JSON.stringify(readExample('candle.completed'), null, 2),
    '```',
    '',
    '## Notices of functions',
    '',
    'What a function itself has to say comes with a Source of its own and a smaller envelope: it has no streamer, epoch or',
    `seq. Sources: ${noticeSources}.`,
    'Any of them may raise `alert.raised`; a rule that pages people matches them all by the prefix `evenkeel.`.',
    '`backup.completed` and `drill.completed` are notices too.',
    '',
    ...fieldTable(noticeHead),
    '',
    '## Data',
    '',
    ...sections,
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function seeds(names: readonly string[]): string {
  return names.length === 0 ? '—' : names.map((name) => `\`${name}\``).join(', ');
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

function fieldTable(schema: z.ZodObject): string[] {
  const json = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  const rows = Object.entries(json.properties ?? {}).map(([name, field]) => {
    const optional = json.required?.includes(name) ? '' : ', may be absent';
    return `| \`${name}\` | ${shape(field)}${optional} | ${field.description ?? ''} |`;
  });
  return ['| field | type | meaning |', '|---|---|---|', ...rows];
}

function shape(field: JsonSchema): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(' or ');
  if (field.const !== undefined) return `\`${JSON.stringify(field.const)}\``;
  if (field.anyOf !== undefined) return field.anyOf.map(shape).join(' or ');
  if (field.type === 'array' && field.items !== undefined) return `list of ${shape(field.items)}`;
  return { string: 'text', integer: 'integer' }[field.type ?? ''] ?? field.type ?? 'object';
}
