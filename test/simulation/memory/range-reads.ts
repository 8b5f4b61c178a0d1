/** Query and Scan: pages of items in order, at most 1 MB each. */
import type {
  QueryCommandInput,
  QueryCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { type Attributes, compareText } from './attribute-values.ts';
import { parseKeyCondition } from './condition-syntax.ts';
import { type Bindings, bind, checkCondition } from './conditions.ts';
import { validation } from './dynamodb-errors.ts';
import { type KeyRange, keyRange } from './key-conditions.ts';
import type { MemoryItem } from './memory-item.ts';
import type { MemoryIndex, MemoryTable } from './memory-table.ts';
import { checkParameters } from './parameters.ts';
import { type Projection, parseProjection, projected } from './projections.ts';
import { firstAt, hashOf, type Node } from './sorted-nodes.ts';
import { answered, type Store } from './store.ts';
import { requestKey } from './table-keys.ts';

const pageBytesMax = 1024 * 1024;
const hashes = 2 ** 32;

export function query(store: Store, input: QueryCommandInput): QueryCommandOutput {
  checkParameters('Query', input);
  const table = store.table(input.TableName);
  const index = input.IndexName === undefined ? undefined : table.index(input.IndexName);
  if (index !== undefined && input.ConsistentRead === true)
    throw validation('Consistent reads are not supported on global secondary indexes');
  if (input.KeyConditionExpression === undefined)
    throw validation(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  const condition = parseKeyCondition(input.KeyConditionExpression);
  const projection = projectionOf(input.ProjectionExpression);
  const bindings = bind(input, condition, projection);
  checkCondition(condition, bindings);
  const range = keyRange(condition.tree, index?.schema ?? table.schema.key, bindings);
  const isStale = input.ConsistentRead !== true && store.isStale();
  const page = new Page(table, { index, limit: limitOf(input.Limit), isStale, nowMs: store.nowMs() });
  const nodes = (index?.nodes ?? table.rows).partition(range.partition)?.nodes ?? [];
  for (const node of inRange(
    nodes,
    range,
    startOf(input, table, index, range),
    input.ScanIndexForward !== false,
  ))
    if (!page.add(node)) break;
  return page.answer(projection?.tree, bindings);
}

/** Nodes of a range from behind the one where the last page ended, in either direction. */
function* inRange(
  nodes: readonly Node[],
  { from, isBehind }: KeyRange,
  start: string | undefined,
  isForward: boolean,
): Generator<Node, void, undefined> {
  const first = firstAt(nodes, ({ range }) => compareText(range, from) >= 0);
  if (isForward) {
    const begin = start === undefined ? first : firstAt(nodes, ({ sort }) => compareText(sort, start) > 0);
    for (let at = begin; at < nodes.length && !isBehind(nodes[at]!.range); at += 1) yield nodes[at]!;
    return;
  }
  const end =
    start === undefined
      ? firstAt(nodes, ({ range }) => isBehind(range), first)
      : firstAt(nodes, ({ sort }) => compareText(sort, start) >= 0);
  for (let at = end - 1; at >= first; at -= 1) yield nodes[at]!;
}

function startOf(
  { ExclusiveStartKey: start }: QueryCommandInput,
  table: MemoryTable,
  index: MemoryIndex | undefined,
  range: KeyRange,
): string | undefined {
  if (start === undefined) return undefined;
  const names = [
    ...new Set([
      ...Object.values(table.schema.key),
      ...(index === undefined ? [] : [index.schema.partition, index.schema.sort]),
    ]),
  ];
  if (Object.keys(start).length !== names.length || names.some((name) => start[name]?.S === undefined))
    throw validation('The provided starting key is invalid');
  const text = (name: string) => start[name]?.S ?? '';
  const { partition, sort } = index?.schema ?? table.schema.key;
  if (text(partition) !== range.partition || !range.has(text(sort)))
    throw validation('The provided starting key is outside query boundaries based on provided conditions');
  if (index === undefined) return text(sort);
  const { key } = table.schema;
  return `${text(sort)}\0${text(key.partition)}\0${text(key.sort)}`;
}

export function scan(store: Store, input: ScanCommandInput): ScanCommandOutput {
  checkParameters('Scan', input);
  const table = store.table(input.TableName);
  const { segment, of } = segmentOf(input);
  const projection = projectionOf(input.ProjectionExpression);
  const bindings = bind(input, projection);
  const isStale = input.ConsistentRead !== true && store.isStale();
  const page = new Page(table, {
    index: undefined,
    limit: limitOf(input.Limit),
    isStale,
    nowMs: store.nowMs(),
  });
  for (const node of inSegment(table, segment, of, input.ExclusiveStartKey)) if (!page.add(node)) break;
  return page.answer(projection?.tree, bindings);
}

function* inSegment(
  { rows, schema }: MemoryTable,
  segment: number,
  of: number,
  start: Attributes | undefined,
): Generator<Node, void, undefined> {
  const { partitions } = rows;
  const end = ((segment + 1) * hashes) / of;
  let at = rows.firstFrom(Math.ceil((segment * hashes) / of), '');
  let behind: string | undefined;
  if (start !== undefined) {
    const { pk, sk } = requestKey(start, schema.key);
    const hash = hashOf(pk);
    if (Math.floor((hash * of) / hashes) !== segment)
      throw validation('The provided starting key is outside of the segment');
    at = rows.firstFrom(hash, pk);
    if (partitions[at]?.name === pk) behind = sk;
  }
  for (; at < partitions.length && partitions[at]!.hash < end; at += 1) {
    const { nodes } = partitions[at]!;
    const last = behind;
    const first = last === undefined ? 0 : firstAt(nodes, ({ sort }) => compareText(sort, last) > 0);
    behind = undefined;
    for (let node = first; node < nodes.length; node += 1) yield nodes[node]!;
  }
}

function segmentOf({ Segment, TotalSegments }: ScanCommandInput): { segment: number; of: number } {
  if (Segment === undefined && TotalSegments === undefined) return { segment: 0, of: 1 };
  if (Segment === undefined || TotalSegments === undefined) {
    const [missing, given] =
      Segment === undefined ? ['Segment', 'TotalSegments'] : ['TotalSegments', 'Segment'];
    throw validation(
      `The ${missing} parameter is required but was not present in the request when ${given} parameter is present`,
    );
  }
  if (Segment < 0 || Segment >= TotalSegments)
    throw validation(
      `The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: ${Segment} is not less than TotalSegments: ${TotalSegments}`,
    );
  return { segment: Segment, of: TotalSegments };
}

function projectionOf(text: string | undefined) {
  return text === undefined ? undefined : parseProjection(text);
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (limit >= 1) return limit;
  throw validation(
    "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
  );
}

interface PageOptions {
  readonly index: MemoryIndex | undefined;
  readonly limit: number;
  readonly isStale: boolean;
  readonly nowMs: number;
}

class Page {
  readonly #table: MemoryTable;
  readonly #options: PageOptions;
  readonly #items: MemoryItem[] = [];
  #bytes = 0;
  #isFull = false;

  constructor(table: MemoryTable, options: PageOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** False when nothing more goes on the page. */
  add(node: Node): boolean {
    const { isStale, nowMs, limit } = this.#options;
    const item = this.#table.seen(node, isStale, nowMs);
    if (item === undefined) return true;
    this.#isFull = this.#items.length > 0 && this.#bytes + item.bytes > pageBytesMax;
    if (this.#isFull) return false;
    this.#items.push(item);
    this.#bytes += item.bytes;
    // Whether anything comes after it has not been looked at: the page has a last key all the same.
    this.#isFull = this.#items.length === limit;
    return !this.#isFull;
  }

  answer(projection: Projection | undefined, bindings: Bindings) {
    const items = this.#items;
    const last = this.#isFull ? items.at(-1) : undefined;
    return {
      $metadata: answered,
      Items: items.map(({ attributes }) =>
        projection === undefined ? attributes : projected(attributes, projection, bindings),
      ),
      Count: items.length,
      ScannedCount: items.length,
      ...(last === undefined ? {} : { LastEvaluatedKey: this.#keyOf(last.attributes) }),
    };
  }

  #keyOf(item: Attributes): Attributes {
    const { key } = this.#table.schema;
    const index = this.#options.index?.schema;
    const names = [key.partition, key.sort, ...(index === undefined ? [] : [index.partition, index.sort])];
    return Object.fromEntries(names.map((name) => [name, item[name]!]));
  }
}
