/** What must hold in every run. The numbers are those of the rules of DESIGN.md, part 3. */
export const invariants = {
  'failed-query': 'Rule 1: no verdict rests on an answer of the broker that was not whole',
  absence: 'Rule 2: what is only absent is not taken for ended',
  audit: 'Rule 3: every change of the book is in one transaction with its audit row',
  'audit-trail': 'Rule 3: the chains are whole, and the trail alone makes the book',
  written: 'Rule 3: what its writer takes for written is written',
  gate: 'Rule 4: an order is reserved only while flags, lock, trading state and lease allow it',
  'sent-unreserved': 'Rule 4: nothing is written to the gateway that was not reserved and journalled',
  'sent-twice': 'Rule 5: no order is sent twice, whatever was lost',
  answered: 'Rule 8: a command is answered, whoever died over it',
  backup: 'Rule 7: a backup can be read back, and is whole in itself',
  intents: 'Rule 5: every intent comes to one end, and that end is true',
  plan: 'Rule 6: what is carried out is the plan that was approved, on the book it rests on, after a backup',
  lock: 'Rule 7: the lock opens by a COMPLETED reconcile without an unresolved critical alone',
  bounds: 'Rule 8: nothing is dropped, and what is put aside is told',
  'event-lost': 'Rule 8: an event that is in an outbox arrives',
  'fill-told': 'Rule 8: every execution is told, and not left to be found missing',
  candles: 'Rule 9: the candles are those of the prints, in their minutes',
  money: 'Rule 10: money and quantities are exact decimals',
  keys: 'Rule 11: orders, fills and positions are there once, under their keys',
  'book-broker':
    'Rule 12: nothing is booked that the broker never had; when all is quiet the book says what it has',
  'fills-positions': 'Rule 12: positions are the sum of their fills',
  'later-word': 'Rule 12: of two words on one position or balance the later one stays',
  fence: 'Rule 12: a decision of an older term is refused',
  'two-streamers': 'Rule 12: only the holder of the lease writes to the gateway',
  'alert-raised': 'A condition that people must know of is raised',
  'alert-told': 'What was raised is told',
  streamer: 'A streamer goes on, whatever comes',
  uncaught: 'No part dies of its own error',
  quiet: 'Once nothing befalls the system any more, it comes to rest with the lock open',
} as const;

export type InvariantName = keyof typeof invariants;

export interface Violation {
  readonly invariant: InvariantName;
  readonly message: string;
  /** Timers that had gone off. */
  readonly step: number;
}
