/** The book as its committed transactions made it, for invariants to look at in no time. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { fromAttributes } from '../../../lib/aws/marshalling.ts';
import type { BookBody } from '../../../lib/domain/book/item.ts';

export interface MirroredItem {
  readonly version: number;
  readonly body: BookBody;
}

type Item = Readonly<Record<string, AttributeValue>>;

export function mirrored(item: Item): MirroredItem {
  const { version, body } = fromAttributes(item as Record<string, AttributeValue>) as unknown as MirroredItem;
  return { version, body };
}

export class BookMirror {
  readonly items = new Map<string, MirroredItem>();

  get(sort: string): BookBody | undefined {
    return this.items.get(sort)?.body;
  }

  set(sort: string, item: MirroredItem | undefined): void {
    if (item === undefined) this.items.delete(sort);
    else this.items.set(sort, item);
  }

  /** Items whose sort key begins so. */
  *of(prefix: string): Generator<readonly [string, BookBody]> {
    for (const [sort, { body }] of this.items) if (sort.startsWith(prefix)) yield [sort, body];
  }
}
