/** The accounts that are met while a book is read. */
import type { ItemSpan } from '../domain/backup/item-text.ts';
import type { StoredKeys } from '../ports/stored-keys.ts';
import type { StoredPage } from '../ports/table-scan.ts';
import { keyText } from './part-reader.ts';

export class AccountsInBook {
  readonly accounts = new Set<string>();
  readonly #keys: StoredKeys;
  /** Partition key of the last item, as it stands in its text. */
  #last = Buffer.alloc(0);

  constructor(keys: StoredKeys) {
    this.#keys = keys;
  }

  /** Every item of a book belongs to its backup. */
  sees({ bytes }: StoredPage): (item: ItemSpan) => true {
    const page = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return ({ pkStart, pkEnd }) => {
      if (page.compare(this.#last, 0, this.#last.length, pkStart, pkEnd) === 0) return true;
      this.#last = Buffer.from(page.subarray(pkStart, pkEnd));
      const account = this.#keys.accountOf(keyText(page, pkStart, pkEnd));
      if (account !== undefined) this.accounts.add(account);
      return true;
    };
  }
}
