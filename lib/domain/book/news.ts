/** What the book-keeper books: an event's content with the stamp of the streamer that told it. */
import type { BalanceReport, PositionReport } from '../accounts/position-report.ts';
import type { CommissionReport, FillReport } from '../orders/fill-report.ts';
import type { OrderReport } from '../orders/order-report.ts';
import type { Stamp } from '../orders/stamp.ts';

export type News =
  | { readonly kind: 'order'; readonly at: Stamp; readonly report: OrderReport }
  | { readonly kind: 'fill'; readonly at: Stamp; readonly report: FillReport }
  | { readonly kind: 'commission'; readonly at: Stamp; readonly report: CommissionReport }
  | { readonly kind: 'position'; readonly at: Stamp; readonly report: PositionReport }
  | { readonly kind: 'balance'; readonly at: Stamp; readonly report: BalanceReport };

export type NewsOf<K extends News['kind']> = Extract<News, { kind: K }>;
