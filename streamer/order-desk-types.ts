import type { Config, StreamerConfig } from '../config/schema.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { Intent, IntentLeg } from '../lib/domain/orders/intent.ts';
import type { OrderWish } from '../lib/domain/orders/order-wish.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Command } from '../lib/events/command.ts';
import type { Book } from '../lib/ports/book.ts';
import type { AccountWorth } from './account-worth.ts';
import type { Logger } from './logger.ts';
import type { OrderJournal } from './order-journal.ts';
import type { OrderToWrite } from './order-writer.ts';
import type { ChangedOrder } from './trading-picture.ts';
import type { TradingView } from './trading-view.ts';

export type PlaceCommand = Extract<Command, { type: 'place' | 'place-bracket' }>;
export type TradeCommand = Exclude<Command, { type: 'snapshot' }>;

/** What an answer says. */
export type Words = Pick<EventData<'command.answered'>, 'code' | 'message' | 'allowed'>;
/** What became of an intent. */
export type IntentWords = Pick<Intent, 'state' | 'code' | 'message' | 'allowed'>;

export interface OrderDeskOptions {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly view: TradingView;
  readonly book: Book;
  readonly journal: OrderJournal;
  /** Id of the journal's file. */
  readonly holder: string;
  readonly token: number;
  readonly mayWrite: () => boolean;
  readonly answer: (answer: EventData<'command.answered'>) => void;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  readonly logger: Logger;
  readonly systemMs: () => number;
  /** For deadlines: the system clock without its steps; the same when left out. */
  readonly steadyMs?: (() => number) | undefined;
  /** Hexadecimal. */
  readonly sha256: (text: string) => string;
  readonly worth: AccountWorth;
}

/** What of a command goes into its intent. */
export interface Asked {
  readonly key: string;
  readonly command: TradeCommand;
  readonly wish: OrderWish;
  /** The order that is to be changed; null for new ones. */
  readonly changed: ChangedOrder | null;
}

/** What is written to the gateway, in this order. */
export type OrdersFor = (instrument: Instrument, ids: readonly IntentLeg[]) => readonly OrderToWrite[];
