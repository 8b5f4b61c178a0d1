/** Items by partition and sort key, in the order in which DynamoDB gives them; of each also what it was before. */
import { compareText } from './attribute-values.ts';
import type { MemoryItem } from './memory-item.ts';

export interface Node {
  readonly partition: string;
  /** Unique in its partition. */
  readonly sort: string;
  /** What conditions on the sort key see; in an index several nodes of a partition may have the same. */
  readonly range: string;
  item: MemoryItem | undefined;
  /** The version before, for reads that are eventually consistent. */
  former: MemoryItem | undefined;
  changedAtMs: number;
}

export interface Partition {
  readonly name: string;
  /** Scans go by it: partitions of DynamoDB come in no order that a program could know. */
  readonly hash: number;
  /** In the order of their sort keys. */
  readonly nodes: Node[];
  readonly bySort: Map<string, Node>;
}

export class SortedNodes {
  readonly #byName = new Map<string, Partition>();
  /** By hash, then by name. */
  readonly partitions: Partition[] = [];

  partition(name: string): Partition | undefined {
    return this.#byName.get(name);
  }

  find(partition: string, sort: string): Node | undefined {
    return this.#byName.get(partition)?.bySort.get(sort);
  }

  /** The node with its new item; undefined is one that is deleted, which stays until it is dropped. */
  set(
    { partition, sort, range }: Pick<Node, 'partition' | 'sort' | 'range'>,
    item: MemoryItem | undefined,
    nowMs: number,
  ): Node {
    const { nodes, bySort } = this.#byName.get(partition) ?? this.#add(partition);
    const there = bySort.get(sort);
    if (there !== undefined) {
      there.former = there.item;
      there.item = item;
      there.changedAtMs = nowMs;
      return there;
    }
    const node: Node = { partition, sort, range, item, former: undefined, changedAtMs: nowMs };
    bySort.set(sort, node);
    nodes.splice(
      firstAt(nodes, (one) => compareText(one.sort, sort) >= 0),
      0,
      node,
    );
    return node;
  }

  drop({ partition: name, sort }: Node): void {
    const partition = this.#byName.get(name);
    if (partition === undefined || !partition.bySort.delete(sort)) return;
    partition.nodes.splice(
      firstAt(partition.nodes, (one) => compareText(one.sort, sort) >= 0),
      1,
    );
    if (partition.nodes.length > 0) return;
    this.#byName.delete(name);
    this.partitions.splice(this.firstFrom(partition.hash, name), 1);
  }

  /** Where the first partition is that comes at or after this one. */
  firstFrom(hash: number, name: string): number {
    return firstAt(
      this.partitions,
      (one) => one.hash > hash || (one.hash === hash && compareText(one.name, name) >= 0),
    );
  }

  #add(name: string): Partition {
    const partition: Partition = { name, hash: hashOf(name), nodes: [], bySort: new Map() };
    this.#byName.set(name, partition);
    this.partitions.splice(this.firstFrom(partition.hash, name), 0, partition);
    return partition;
  }
}

/** Index of the first that is far enough, of those from `from` on, which are in order; the length where none is. */
export function firstAt<T>(all: readonly T[], isFarEnough: (one: T) => boolean, from = 0): number {
  let low = from;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isFarEnough(all[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
