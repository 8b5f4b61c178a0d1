/** One table: its items, its indexes, and what both were a moment ago. */
import { copyAttributes } from './attribute-values.ts';
import { validation } from './dynamodb-errors.ts';
import { MemoryItem } from './memory-item.ts';
import { type Node, SortedNodes } from './sorted-nodes.ts';
import { type ItemKey, indexPlace } from './table-keys.ts';
import type { IndexSchema, TableSchema } from './table-schema.ts';

export interface MemoryIndex {
  readonly schema: IndexSchema;
  readonly nodes: SortedNodes;
}

interface Passing {
  readonly node: Node;
  readonly nodes: SortedNodes;
  readonly changedAtMs: number;
}

export class MemoryTable {
  readonly name: string;
  readonly schema: TableSchema;
  readonly rows = new SortedNodes();
  readonly #indexes = new Map<string, MemoryIndex>();
  /** How long a version that was replaced may still be read. */
  readonly #formerMs: number;
  /** Nodes with a former version, the oldest first. */
  #passing: Passing[] = [];
  #passed = 0;

  constructor(name: string, schema: TableSchema, formerMs: number) {
    this.name = name;
    this.schema = schema;
    this.#formerMs = formerMs;
    for (const index of schema.indexes)
      this.#indexes.set(index.name, { schema: index, nodes: new SortedNodes() });
  }

  index(name: string): MemoryIndex {
    const found = this.#indexes.get(name);
    if (found === undefined) throw validation(`The table does not have the specified index: ${name}`);
    return found;
  }

  get({ pk, sk }: ItemKey): MemoryItem | undefined {
    return this.rows.find(pk, sk)?.item;
  }

  /** What a node has, or had before its last change if that is recent and the reader comes late. */
  seen(node: Node, isStale: boolean, nowMs: number): MemoryItem | undefined {
    return isStale && nowMs - node.changedAtMs < this.#formerMs ? node.former : node.item;
  }

  /** Throws what DynamoDB refuses for an index, before anything of a write is done. */
  checkIndexes(item: MemoryItem): void {
    for (const { schema } of this.#indexes.values()) indexPlace(item.attributes, schema);
  }

  write(key: ItemKey, after: MemoryItem | undefined, nowMs: number): MemoryItem | undefined {
    this.#forget(nowMs);
    const { pk, sk } = key;
    const before = this.get(key);
    if (before === undefined && after === undefined) return undefined;
    this.#set(this.rows, { partition: pk, sort: sk, range: sk }, after, nowMs);
    for (const index of this.#indexes.values()) this.#move(index, key, before, after, nowMs);
    return before;
  }

  #move(
    { schema, nodes }: MemoryIndex,
    { pk, sk }: ItemKey,
    before: MemoryItem | undefined,
    after: MemoryItem | undefined,
    nowMs: number,
  ): void {
    const from = before && indexPlace(before.attributes, schema);
    const to = after && indexPlace(after.attributes, schema);
    const isSame = from?.partition === to?.partition && from?.range === to?.range;
    const placed = (place: { partition: string; range: string }) => ({
      ...place,
      sort: `${place.range}\0${pk}\0${sk}`,
    });
    if (from !== undefined && !isSame) this.#set(nodes, placed(from), undefined, nowMs);
    if (to === undefined || after === undefined) return;
    // Keys are all that the index has, and they are those of before.
    if (isSame && schema.projection === 'KEYS_ONLY') return;
    this.#set(nodes, placed(to), this.#projected(after, schema), nowMs);
  }

  #projected(item: MemoryItem, { projection, partition, sort }: IndexSchema): MemoryItem {
    if (projection === 'ALL') return item;
    const { key } = this.schema;
    const names = [key.partition, key.sort, partition, sort];
    const { attributes, bytes } = copyAttributes(
      Object.fromEntries(names.map((name) => [name, item.attributes[name]!])),
    );
    return new MemoryItem(attributes, bytes);
  }

  #set(
    nodes: SortedNodes,
    place: Pick<Node, 'partition' | 'sort' | 'range'>,
    item: MemoryItem | undefined,
    nowMs: number,
  ): void {
    const node = nodes.set(place, item, nowMs);
    if (this.#formerMs > 0) {
      this.#passing.push({ node, nodes, changedAtMs: nowMs });
      return;
    }
    node.former = undefined;
    if (item === undefined) nodes.drop(node);
  }

  /** Lets go of former versions that nobody reads any more, and of what was deleted. */
  #forget(nowMs: number): void {
    for (; this.#passed < this.#passing.length; this.#passed += 1) {
      const { node, nodes, changedAtMs } = this.#passing[this.#passed]!;
      if (nowMs - changedAtMs < this.#formerMs) break;
      if (node.changedAtMs !== changedAtMs) continue;
      node.former = undefined;
      if (node.item === undefined) nodes.drop(node);
    }
    if (this.#passed < 1_000) return;
    this.#passing = this.#passing.slice(this.#passed);
    this.#passed = 0;
  }
}
